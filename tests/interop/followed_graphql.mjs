// graphql-ws subscribes: URL AFTER UNTIL. Prints the position of each fact, and ends with the one at UNTIL.
import { createClient } from "graphql-ws";

const [url, after, until] = process.argv.slice(2);
// It subscribes again with the very object that it was given: here it learns where it stands.
const variables = { after: Number(after) };
const client = createClient({ url, retryAttempts: 1000, retryWait: async () => {}, shouldRetry: () => true });
const query = "subscription ($after: Position) { events(after: $after) { position id stream } }";
await new Promise((resolve, reject) => {
  client.subscribe({ query, variables }, {
    next({ data, errors }) {
      if (errors) return reject(errors);
      variables.after = data.events.position;
      console.log(data.events.position);
      if (data.events.position === Number(until)) resolve();
    },
    error: reject,
    complete: () => reject(new Error("it was completed")),
  });
});
await client.dispose();

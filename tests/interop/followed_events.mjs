// eventsource follows: URL UNTIL. Prints the id of each event, and ends with the one whose position is UNTIL, or where
// it is told to begin anew.
import { EventSource } from "eventsource";

const [url, until] = process.argv.slice(2);
// Its own timer, until it connects again, keeps no process alive.
const waiting = setInterval(() => {}, 1000);
await new Promise((resolve) => {
  const source = new EventSource(url);
  source.addEventListener("message", (event) => {
    if (event.lastEventId.split(":")[1] !== String(JSON.parse(event.data).position)) throw new Error(event.lastEventId);
    console.log(event.lastEventId);
    if (event.lastEventId.endsWith(`:${until}`)) resolve(source.close());
  });
  source.addEventListener("reset", (event) => {
    console.log(`reset ${event.data}`);
    resolve(source.close());
  });
});
clearInterval(waiting);

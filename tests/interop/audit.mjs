// Every audit of graphql-http against one address: a line for each that is not ok, and their number.
import { auditServer } from 'graphql-http';

const found = await auditServer({ url: process.argv[2], fetchFn: fetch });
const others = found.filter((one) => one.status !== 'ok');
for (const one of others) console.log(`${one.status} ${one.id}: ${one.name}: ${one.reason}`);
console.log(`${found.length - others.length} of ${found.length}`);

// relay-compiler over the components beside: the texts of the queries that it makes, by name, as JSON.
// relay.mjs SCHEMA FOLDER
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const [schema, folder] = process.argv.slice(2);
mkdirSync(join(folder, 'made'), { recursive: true });
copyFileSync(schema, join(folder, 'schema.graphql'));
const customScalarTypes = { Date: 'string', DateTime: 'string', Position: 'number', JSON: 'mixed' };
const config = { src: '.', schema: 'schema.graphql', language: 'javascript', artifactDirectory: 'made', customScalarTypes };
writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
execFileSync(require('relay-compiler'), ['relay.config.json'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
const made = readdirSync(join(folder, 'made')).filter((one) => one.endsWith('Query.graphql.js'));
const texts = made.map((one) => require(join(folder, 'made', one)).default.params).map(({ name, text }) => [name, text]);
console.log(JSON.stringify(Object.fromEntries(texts)));

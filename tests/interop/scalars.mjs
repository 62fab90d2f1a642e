// graphql-codegen's types of a schema, where every scalar must be mapped: a line for each exported type of a scalar.
// scalars.mjs SCHEMA
import { readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import { buildSchema, parse, printSchema } from 'graphql';

const schema = parse(printSchema(buildSchema(readFileSync(process.argv[2], 'utf8'))));
const scalars = { Date: 'string', DateTime: 'string', Position: 'number', JSON: 'unknown' };
const config = { strictScalars: true, scalars };
const types = await codegen({
  schema, config, documents: [], filename: 'types.ts', plugins: [{ typescript: {} }], pluginMap: { typescript },
});
for (const [, name, input] of types.matchAll(/^ {2}(\w+): \{ input: (\w+); output: \w+; \}$/gm)) console.log(name, input);
console.log(/export type Task = Node & \{/.test(types) ? 'Task is a Node' : types);

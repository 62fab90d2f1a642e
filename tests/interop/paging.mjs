// The tasks of a plan page by page, as Apollo's cache and urql's put the pages together: the ids, client by client.
// paging.mjs ADDRESS PLAN VARIABLES: the clocks are resent with each page, as all these clients do it.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { Client, fetchExchange } from '@urql/core';

const [uri, plan, clocks] = process.argv.slice(2);
const variables = { plan, ...JSON.parse(clocks) };
const PAGE = `{
  edges { cursor node { id number text } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}`;
const asking = (root) => `query ($plan: ID!, $asOf: AsOfInput, $effectiveOn: Date, $after: String) { ${root} }`;
const AT = 'asOf: $asOf, effectiveOn: $effectiveOn';
const ROOT = { query: asking(`tasks(plan: $plan, ${AT}, first: 9, after: $after) ${PAGE}`), tasks: (data) => data.tasks };
const BELOW = {
  query: asking(`plan(id: $plan, ${AT}) { id allTasks(first: 9, after: $after) ${PAGE} }`),
  tasks: (data) => data.plan.allTasks,
};
const ids = (tasks) => tasks.edges.map((one) => one.node.id);

async function apollo({ query: text, tasks: of }) {
  const typePolicies = {
    Query: { fields: { tasks: relayStylePagination(['plan', 'asOf', 'effectiveOn']) } },
    Plan: { fields: { allTasks: relayStylePagination() } },
  };
  const cache = new InMemoryCache({ typePolicies });
  const client = new ApolloClient({ cache, link: new HttpLink({ uri }) });
  const query = client.watchQuery({ query: gql(text), variables });
  const watched = query.subscribe({});
  let tasks = of((await client.query({ query: gql(text), variables })).data);
  while (tasks.pageInfo.hasNextPage) {
    await query.fetchMore({ variables: { after: tasks.pageInfo.endCursor } });
    tasks = of(client.readQuery({ query: gql(text), variables }));
  }
  watched.unsubscribe();
  return ids(tasks);
}

async function urql({ query, tasks: of }) {
  const resolvers = { Query: { tasks: relayPagination() }, Plan: { allTasks: relayPagination() } };
  const exchange = cacheExchange({ resolvers });
  const client = new Client({ url: uri, exchanges: [exchange, fetchExchange], preferGetMethod: false });
  let after = null;
  for (;;) {
    const { data, error } = await client.query(query, { ...variables, after }).toPromise();
    if (error) throw error;
    if (!of(data).pageInfo.hasNextPage) return ids(of(data));
    after = of(data).pageInfo.endCursor;
  }
}

for (const [place, list] of Object.entries({ '': ROOT, ' below a node': BELOW }))
  for (const [name, walk] of Object.entries({ apollo, urql }))
    console.log(JSON.stringify([name + place, await walk(list)]));

// The tasks of a plan page by page, as Apollo's cache and urql's put the pages together: the ids, client by client.
// paging.mjs ADDRESS PLAN VARIABLES: the clocks are resent with each page, as all these clients do it.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { Client, fetchExchange } from '@urql/core';

const [uri, plan, clocks] = process.argv.slice(2);
const variables = { plan, ...JSON.parse(clocks) };
const QUERY = `query ($plan: ID!, $asOf: AsOfInput, $effectiveOn: Date, $after: String) {
  tasks(plan: $plan, asOf: $asOf, effectiveOn: $effectiveOn, first: 9, after: $after) {
    edges { cursor node { id number text } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const ids = (tasks) => tasks.edges.map((one) => one.node.id);

async function apollo() {
  const typePolicies = { Query: { fields: { tasks: relayStylePagination(['plan', 'asOf', 'effectiveOn']) } } };
  const cache = new InMemoryCache({ typePolicies });
  const client = new ApolloClient({ cache, link: new HttpLink({ uri }) });
  const query = client.watchQuery({ query: gql(QUERY), variables });
  const watched = query.subscribe({});
  let { tasks } = (await client.query({ query: gql(QUERY), variables })).data;
  while (tasks.pageInfo.hasNextPage) {
    await query.fetchMore({ variables: { after: tasks.pageInfo.endCursor } });
    ({ tasks } = client.readQuery({ query: gql(QUERY), variables }));
  }
  watched.unsubscribe();
  return ids(tasks);
}

async function urql() {
  const exchange = cacheExchange({ resolvers: { Query: { tasks: relayPagination() } } });
  const client = new Client({ url: uri, exchanges: [exchange, fetchExchange], preferGetMethod: false });
  let after = null;
  for (;;) {
    const { data, error } = await client.query(QUERY, { ...variables, after }).toPromise();
    if (error) throw error;
    if (!data.tasks.pageInfo.hasNextPage) return ids(data.tasks);
    after = data.tasks.pageInfo.endCursor;
  }
}

for (const [name, walk] of Object.entries({ apollo, urql })) console.log(JSON.stringify([name, await walk()]));

// Task 21 of the real plan, then and now: every record begins with this plan's import, whose last fact is at 352.
const QUERY = `# Task 21 of the 2023 plan: when the plan had
# just been recorded, and now. Ctrl-Enter runs it.
# Every root takes asOf {date | instant | position}
# and effectiveOn: a date.

query ThenAndNow {
  then: task(id: "shanghai-credit-2023/21", asOf: {position: 352}) {
    ...Standing
  }
  now: task(id: "shanghai-credit-2023/21") {
    ...Standing
  }
}

fragment Standing on Task {
  number
  text
  reportedStatus
  due
  assignments {
    role
    assignee {
      canonicalId
      name
    }
  }
  meta {
    position
    asOf
    effectiveOn
  }
}
`;

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({
      url: "/graphql",
      subscriptionUrl: `${location.origin.replace("http", "ws")}/graphql`,
    }),
    defaultQuery: QUERY,
    defaultEditorToolsVisibility: false,
  }),
);

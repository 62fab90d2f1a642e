// Task 21 of the real plan, then and now: every record begins with this plan's import, whose last fact is at 352.
const QUERY = `# Task 21 of Shanghai's social-credit work plan of 2023: when the plan had just been recorded, and now.
# Any field at the root takes asOf (a date, an instant or a position) and effectiveOn (a date).
# Run it with Ctrl-Enter.

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
    fetcher: GraphiQL.createFetcher({ url: "/graphql" }),
    defaultQuery: QUERY,
    defaultEditorToolsVisibility: false,
  }),
);

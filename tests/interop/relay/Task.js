// A fragment that Relay can fetch again by the id of a task, and a list that it can go on with.
const { graphql } = require('relay-runtime');

module.exports = {
  task: graphql`
    fragment Task_task on Task @refetchable(queryName: "TaskAgainQuery") {
      number
      reportedStatus
      inPlan { title }
    }
  `,
  tasks: graphql`
    fragment Task_tasks on Query
    @argumentDefinitions(count: { type: "Int", defaultValue: 9 }, after: { type: "String" })
    @refetchable(queryName: "TasksAgainQuery") {
      tasks(plan: "shanghai-credit-2023", first: $count, after: $after) @connection(key: "Task_tasks") {
        edges { node { id ...Task_task } }
      }
    }
  `,
  page: graphql`
    query TaskPageQuery { ...Task_tasks }
  `,
};

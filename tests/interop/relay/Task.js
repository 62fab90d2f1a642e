// A fragment that Relay can fetch again by the id of a task, and lists that it can go on with, below a node both ways.
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
  plan: graphql`
    fragment Task_plan on Plan
    @argumentDefinitions(
      first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }
    )
    @refetchable(queryName: "PlanAgainQuery") {
      allTasks(first: $first, after: $after, last: $last, before: $before) @connection(key: "Task_plan_allTasks") {
        edges { node { number } }
      }
    }
  `,
  page: graphql`
    query TaskPageQuery { ...Task_tasks }
  `,
};

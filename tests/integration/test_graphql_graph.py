"""The graph: its edges lead both ways at one moment, its lists are those of REST, and its answers have bounds."""

from typing import Any

import pytest

from api.graphql.execute import answer
from tests.conftest import Site

PLAN, TASK = "shanghai-credit-2023", "shanghai-credit-2023/21"


async def errors(site: Site, query: str, **more: Any) -> Any:
    """What a query that is refused is told: no data, and why."""
    body = (await site.http.post("/graphql", json={"query": query, **more})).json()
    assert "data" not in body
    return body["errors"]


async def test_every_edge_leads_back(told: Site) -> None:
    data = await told.ask(
        """{ plan(id: "shanghai-credit-2023") { id
            allTasks { nodes { id canonicalId inPlan { id } inPart { number allTasks { nodes { id } } inPlan { id } }
                       inMeasure { number inPart { number } allTasks { nodes { id } } } part measure
                       assignments { assignee { canonicalId unit { canonicalId
                           tasks { task inTask { id canonicalId } } } } }
                       platforms { canonicalId platform { canonicalId tasks { inTask { id } } } }
                       reports { nodes { unit { canonicalId unit { canonicalId } } onTask { id } event
                                 recordedAs { position } } } } }
            parts { number measures allMeasures { number } } } }"""
    )
    plan = data["plan"]
    for task in plan["allTasks"]["nodes"]:
        assert task["inPlan"]["id"] == task["inPart"]["inPlan"]["id"] == plan["id"]
        assert task["inPart"]["number"] == task["part"] == task["inMeasure"]["inPart"]["number"]
        assert task["inMeasure"]["number"] == task["measure"]
        assert {"id": task["id"]} in task["inPart"]["allTasks"]["nodes"]
        assert {"id": task["id"]} in task["inMeasure"]["allTasks"]["nodes"]
        ids = {"id": task["id"], "canonicalId": task["canonicalId"]}
        for one in task["assignments"]:
            assert one["assignee"]["unit"]["canonicalId"] == one["assignee"]["canonicalId"]
            assert {"task": task["canonicalId"], "inTask": ids} in one["assignee"]["unit"]["tasks"]
        for one in task["platforms"]:
            assert {"inTask": {"id": task["id"]}} in one["platform"]["tasks"]
        for report in task["reports"]["nodes"]:
            assert report["onTask"]["id"] == task["id"]
            assert report["recordedAs"]["position"] == report["event"]
    assert sum(len(task["reports"]["nodes"]) for task in plan["allTasks"]["nodes"]) > 20
    for part in plan["parts"]:
        assert [one["number"] for one in part["allMeasures"]] == part["measures"]


async def test_units_and_districts_lead_to_each_other(told: Site) -> None:
    data = await told.ask(
        """{ districts { nodes { code units { canonicalId unit { inDistrict { code }
                                           memberOf { unit { members { canonicalId } } } } }
                                 tasks { task inTask { canonicalId } } } } }"""
    )
    assert len(data["districts"]["nodes"]) == 16
    for district in data["districts"]["nodes"]:
        for unit in district["units"]:
            assert unit["unit"]["inDistrict"]["code"] == district["code"]
            for group in unit["unit"]["memberOf"]:
                assert unit["canonicalId"] in {one["canonicalId"] for one in group["unit"]["members"]}
        assert all(one["inTask"]["canonicalId"] == one["task"] for one in district["tasks"])


async def test_what_lies_below_a_root_stands_at_its_moment(told: Site) -> None:
    data = await told.ask(
        """{ then: task(id: "shanghai-credit-2023/21", asOf: {date: "2023-06-30"}) { ...Around }
              now: task(id: "shanghai-credit-2023/21") { ...Around } }
        fragment Around on Task {
            id meta { position }
            inMeasure { allTasks { nodes { id reportedStatus events { nodes { position } } } } } }"""
    )
    then, now = (data[name]["inMeasure"]["allTasks"]["nodes"] for name in ("then", "now"))
    position = data["then"]["meta"]["position"]
    assert all(one["id"].endswith(f"@{position},2023-06-30") for one in then)
    assert not any("@" in one["id"] for one in now)
    assert all(event["position"] <= position for one in then for event in one["events"]["nodes"])
    assert [one["reportedStatus"] for one in then] != [one["reportedStatus"] for one in now]


async def test_an_id_of_the_past_can_be_asked_for_again(told: Site) -> None:
    query = "query ($id: ID!) { task(id: $id) { id reportedStatus } }"
    then = await told.ask('{ task(id: "shanghai-credit-2023/21", asOf: {date: "2023-06-30"}) { id reportedStatus } }')
    assert await told.ask(query, id=then["task"]["id"]) == then
    assert then["task"]["reportedStatus"] == "not_reported"
    clocks = 'query ($id: ID!) { task(id: $id, effectiveOn: "2023-01-01") { id } }'
    body = (await told.http.post("/graphql", json={"query": clocks, "variables": {"id": then["task"]["id"]}})).json()
    assert body["errors"][0]["extensions"]["code"] == "id_of_another_moment"


FILTERS: list[dict[str, Any]] = [
    {"part": 3},
    {"measure": 6},
    {"number": 21},
    {"unit": "shang-hai-yin-bao-jian-ju"},
    {"role": "lead", "district": "310115"},
    {"reportedStatus": "completed"},
    {"scheduleStatus": "overdue"},
    {"q": "融资"},
    {"q": "信用 信息", "part": 2},
]


@pytest.mark.parametrize("given", FILTERS, ids=str)
async def test_a_filter_finds_what_it_finds_over_rest(told: Site, given: dict[str, Any]) -> None:
    words = {"role", "reportedStatus", "scheduleStatus"}
    said = ", ".join(
        f"{name}: {value if name in words or isinstance(value, int) else f'{chr(34)}{value}{chr(34)}'}"
        for name, value in given.items()
    )
    rest = await told.get(f"/v1/plans/{PLAN}/tasks", limit=5, **given)
    graph = await told.ask(
        f'{{ tasks(plan: "{PLAN}", first: 5, {said}) {{ nodes {{ canonicalId }} pageInfo {{ hasNextPage }} }} }}'
    )
    counted = await told.ask(f'{{ tasks(plan: "{PLAN}", first: 5, {said}) {{ totalCount nodes {{ canonicalId }} }} }}')
    assert [one["canonicalId"] for one in graph["tasks"]["nodes"]] == [one["id"] for one in rest["items"]]
    assert graph["tasks"]["pageInfo"]["hasNextPage"] == (rest["next"] is not None)
    assert counted["tasks"]["nodes"] == graph["tasks"]["nodes"]
    whole = await told.get(f"/v1/plans/{PLAN}/tasks", limit=200, **given)
    assert counted["tasks"]["totalCount"] == len(whole["items"])


@pytest.mark.parametrize("counting", ["", "totalCount"])
@pytest.mark.parametrize("sort", ["number", "number_down", "due", "due_down"])
async def test_pages_follow_one_another_in_every_order(told: Site, sort: str, counting: str) -> None:
    query = f"""query ($after: String) {{ tasks(plan: "{PLAN}", first: 9, sort: {sort}, after: $after)
        {{ {counting} nodes {{ canonicalId }} edges {{ cursor }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    found: list[str] = []
    after, more = None, True
    while more:
        page = (await told.ask(query, after=after))["tasks"]
        found += [one["canonicalId"] for one in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert page["edges"][-1]["cursor"] == after
    rest = await told.get(
        f"/v1/plans/{PLAN}/tasks", limit=200, sort={"number_down": "-number", "due_down": "-due"}.get(sort, sort)
    )
    assert found == [one["id"] for one in rest["items"]]


async def test_the_log_is_paged_in_order(told: Site) -> None:
    query = """query ($after: String) { events(first: 150, after: $after, effectiveOn: "2023-12-31")
        { nodes { position } pageInfo { hasNextPage endCursor } } }"""
    found: list[int] = []
    page = (await told.ask(query))["events"]
    found += [one["position"] for one in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        rest = query.replace(', effectiveOn: "2023-12-31"', "")
        page = (await told.ask(rest, after=page["pageInfo"]["endCursor"]))["events"]
        found += [one["position"] for one in page["nodes"]]
    assert found == list(range(1, len(found) + 1))
    assert len(found) > 350


async def test_a_cursor_of_another_filter_is_refused(told: Site) -> None:
    page = (await told.ask(f'{{ tasks(plan: "{PLAN}", part: 2, first: 1) {{ pageInfo {{ endCursor }} }} }}'))["tasks"]
    query = f'{{ tasks(plan: "{PLAN}", after: "{page["pageInfo"]["endCursor"]}") {{ totalCount }} }}'
    body = (await told.http.post("/graphql", json={"query": query})).json()
    assert body["data"] == {"tasks": None}
    assert body["errors"][0]["extensions"]["code"] == "cursor_of_another_list"


async def test_one_root_that_fails_leaves_the_others(told: Site) -> None:
    query = '{ gone: task(id: "nowhere/1") { text } plan(id: "shanghai-credit-2023") { title } }'
    body = (await told.http.post("/graphql", json={"query": query})).json()
    assert body["data"]["gone"] is None
    assert body["data"]["plan"]["title"]
    (error,) = body["errors"]
    assert error["path"] == ["gone"]
    assert error["locations"] == [{"line": 1, "column": 3}]
    assert error["extensions"].keys() == {"code", "status", "traceId"}


async def test_an_answer_that_would_explode_is_refused(told: Site) -> None:
    deep = "assignments { assignee { unit { tasks { inTask { %s } } } } }"
    (error,) = await errors(told, f'{{ tasks(plan: "{PLAN}") {{ nodes {{ {deep % (deep % "text")} }} }} }}')
    assert error["extensions"]["code"] == "too_complex"
    assert error["extensions"]["status"] == 400
    assert "at most 100,000" in error["message"]
    smaller = f'{{ tasks(plan: "{PLAN}", first: 2) {{ nodes {{ {deep % "text"} }} }} }}'
    assert (await told.ask(smaller))["tasks"]["nodes"]


async def test_of_two_operations_one_must_be_named(told: Site) -> None:
    query = 'query A { plan(id: "shanghai-credit-2023") { title } } query B { __typename }'
    (error,) = await errors(told, query)
    assert "operationName" in error["message"]
    named = (await told.http.post("/graphql", json={"query": query, "operationName": "B"})).json()
    assert named["data"] == {"__typename": "Query"}
    missing = await told.http.post("/graphql", json={"query": query, "operationName": "C"})
    assert "no operation named 'C'" in missing.json()["errors"][0]["message"]


async def test_introspection_stands_beside_data(told: Site) -> None:
    data = await told.ask(
        """query ($name: String!) { a: __type(name: $name) { fields { name } }
            plan(id: "shanghai-credit-2023") { title } __schema { queryType { ...Named } } }
        fragment Named on __Type { name }""",
        name="Task",
    )
    assert list(data) == ["a", "plan", "__schema"]
    assert {"name": "inMeasure"} in data["a"]["fields"]
    assert data["__schema"] == {"queryType": {"name": "Query"}}


async def test_a_position_is_a_variable_of_its_own_kind(told: Site) -> None:
    query = "query ($at: Position!) { event(position: $at) { position type } }"
    assert (await told.ask(query, at=1))["event"]["position"] == 1
    for wrong in (1.5, "1", 2**53, -1, True, None):
        (error,) = await errors(told, query, variables={"at": wrong})
        assert error["extensions"]["code"] == "malformed"


async def test_the_header_names_the_one_position(told: Site) -> None:
    now = '{ plan(id: "shanghai-credit-2023") { title } units { totalCount } }'
    response = await told.http.post("/graphql", json={"query": now})
    assert int(response.headers["Log-Position"]) == (await told.get("/health/ready"))["position"]
    two = "{ a: units { totalCount } b: units(asOf: {position: 353}) { totalCount } }"
    assert "Log-Position" not in (await told.http.post("/graphql", json={"query": two})).headers


async def test_an_answer_says_whether_it_stays_true_and_whether_it_holds_texts(told: Site) -> None:
    async def said(fields: str) -> tuple[bool, bool]:
        found = await answer(told.running.reader, f"{{ {fields} }}", {}, None)
        assert not found.errors
        return found.moments.pinned, found.erasable

    pinned = 'asOf: {date: "2023-06-30"}, effectiveOn: "2023-06-30"'
    assert await said(f'task(id: "{TASK}", {pinned}) {{ text }}') == (True, False)
    assert await said(f'task(id: "{TASK}", asOf: {{date: "2023-06-30"}}) {{ text }}') == (False, False)
    assert await said(f'task(id: "{TASK}") {{ text }}') == (False, False)
    assert await said(f'task(id: "{TASK}", {pinned}) {{ text }} units {{ totalCount }}') == (False, False)
    assert await said(f'task(id: "{TASK}", {pinned}) {{ reports {{ nodes {{ narrative {{ text }} }} }} }}') == (
        True,
        True,
    )
    assert await said(f"events({pinned}) {{ nodes {{ data }} }}") == (True, True)


FIELDS = (
    "kind id: canonicalId change changes { field before after } facts { position type recordedAt effectiveOn reason }"
)


async def test_what_changed_between_two_moments_is_what_rest_says(told: Site) -> None:
    for kind, key, path in (
        ("task", TASK, f"/v1/plans/{PLAN}/tasks/21"),
        ("unit", "shang-hai-yin-bao-jian-ju", "/v1/units/shang-hai-yin-bao-jian-ju"),
    ):
        rest = await told.get(f"{path}/diff", **{"from": "2023-06-30", "to": "600", "toEffectiveOn": "2023-10-01"})
        found = await told.ask(
            f"""{{ diff(of: {{{kind}: "{key}"}}, from: {{date: "2023-06-30"}}, asOf: {{position: 600}},
                       effectiveOn: "2023-10-01")
                  {{ {FIELDS} from {{ position effectiveOn root }} meta {{ position effectiveOn root }} }} }}"""
        )
        assert found["diff"]["changes"] == rest["changes"] != []
        assert [one["position"] for one in found["diff"]["facts"]] == [one["position"] for one in rest["facts"]] != []
        for name in ("kind", "id", "change"):
            assert found["diff"][name] == rest[name]
        for name, end in (("from", "from"), ("meta", "to")):
            assert found["diff"][name] == {each: rest["meta"][end][each] for each in found["diff"][name]}


async def test_a_node_is_compared_with_itself_as_it_was_by_its_id(told: Site) -> None:
    asked = (
        f'diff(of: {{task: "task:{TASK}@600,2023-10-01"}}, from: {{position: 352}}) {{ change meta {{ position }} }}'
    )
    assert await told.ask(f"{{ {asked} }}") == {"diff": {"change": "changed", "meta": {"position": 600}}}


async def test_a_span_that_is_none_is_refused_at_the_argument_that_is_wrong(told: Site) -> None:
    for given, code, place in (
        ("from: {position: 400} asOf: {position: 300}", "bad_moment", "{position: 400}"),
        ("from: {position: 999999}", "bad_moment", "{position: 999999}"),
        ('from: {date: "2022-06-30"}', "before_the_record", '{date: "2022-06-30"}'),
        ('from: {instant: "2999-06-30T00:00:00Z"}', "bad_moment", '{instant: "2999'),
    ):
        query = f'{{ diff(of: {{task: "{TASK}"}} {given}) {{ change }} }}'
        body = (await told.http.post("/graphql", json={"query": query})).json()
        assert body["data"] == {"diff": None}
        (error,) = body["errors"]
        assert error["extensions"]["code"] == code
        assert query[error["locations"][0]["column"] - 1 :].startswith(place), error
    nothing = f'{{ diff(of: {{task: "{PLAN}/999"}}, from: {{position: 400}}) {{ change }} }}'
    (error,) = (await told.http.post("/graphql", json={"query": nothing})).json()["errors"]
    assert error["extensions"]["code"] == "unknown_id"

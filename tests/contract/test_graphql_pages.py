"""Relay's pages, forwards and backwards, of every list: at a root and below a node, of one moment, honestly cut."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import PLAN, TASK, Site

PLAN_ID = TASK.partition("/")[0]
PLATFORM = "yi-wang-tong-ban"
INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
# A list below a node → what leads to it, what tells its items apart, and the same list over REST.
INNER: dict[str, tuple[str, str, str]] = {
    "allTasks of a plan": (f'plan(id: "{PLAN_ID}") {{ allTasks%s }}', "canonicalId", f"{PLAN}/tasks"),
    "allTasks of a part": (
        f'part(plan: "{PLAN_ID}", number: 2) {{ allTasks%s }}',
        "canonicalId",
        f"{PLAN}/tasks?part=2",
    ),
    "allTasks of a measure": (
        f'measure(plan: "{PLAN_ID}", number: 5) {{ allTasks%s }}',
        "canonicalId",
        f"{PLAN}/tasks?measure=5",
    ),
    "reports of a task": (f'task(id: "{PLAN_ID}/21") {{ reports%s }}', "canonicalId", f"{PLAN}/tasks/21/reports"),
    "history of a task": (
        f'task(id: "{PLAN_ID}/21") {{ history%s }}',
        "known { from } effective { from }",
        f"{PLAN}/tasks/21/history",
    ),
    "history of a unit": (
        'unit(id: "shi-ke-wei") { history%s }',
        "known { from } effective { from }",
        "/v1/units/shi-ke-wei/history",
    ),
    "history of a plan": (
        f'plan(id: "{PLAN_ID}") {{ history%s }}',
        "known { from } effective { from }",
        f"{PLAN}/history",
    ),
    "events of a unit": ('unit(id: "shi-ke-wei") { events%s }', "position", "/v1/events?stream=unit:shi-ke-wei"),
    "events of a plan": (f'plan(id: "{PLAN_ID}") {{ events%s }}', "position", f"/v1/events?stream=plan:{PLAN_ID}"),
}
ROOTS: dict[str, tuple[str, str, str]] = {
    **{
        f"tasks, {sort}": (f'tasks(plan: "{PLAN_ID}", sort: {sort})', "canonicalId", f"{PLAN}/tasks?sort={word}")
        for sort, word in {"number": "number", "number_down": "-number", "due": "due", "due_down": "-due"}.items()
    },
    "tasks that rows cannot tell": (
        f'tasks(plan: "{PLAN_ID}", reportedStatus: in_progress)',
        "canonicalId",
        f"{PLAN}/tasks?reportedStatus=in_progress",
    ),
    "units": ("units", "canonicalId", "/v1/units"),
    "districts": ("districts", "canonicalId", "/v1/districts"),
    "targets": (f'targets(plan: "{PLAN_ID}")', "task target", f"{PLAN}/targets"),
    "reports": (f'reports(plan: "{PLAN_ID}")', "canonicalId", f"{PLAN}/reports"),
    "history": (
        f'history(of: {{task: "{PLAN_ID}/21"}})',
        "known { from } effective { from }",
        f"{PLAN}/tasks/21/history",
    ),
    "events": ('events(type: "progress.reported.v1")', "position", "/v1/events?type=progress.reported.v1"),
}
PAGES = INNER | ROOTS


def asking(name: str, more: str = "") -> Callable[[str], str]:
    """The query for a page of a list, with these arguments."""
    path, items, _ = PAGES[name]
    below = f" {{ {more} {INFO} edges {{ cursor node {{ {items} }} }} nodes {{ {items} }} }}".replace(
        "{{", "{"
    ).replace("}}", "}")

    def asked(page: str) -> str:
        if name in INNER:
            return f"{{ {path % (f'({page})' + below)} }}"
        given = f"{path[:-1]}, {page})" if path.endswith(")") else f"{path}({page})"
        return f"{{ {given}{below} }}"

    return asked


def connection(data: Any) -> Any:
    """The page in an answer, at a root or below it."""
    found = next(iter(data.values()))
    return found if "nodes" in found else next(iter(found.values()))


async def walked(site: Site, asked: Callable[[str], str], size: int, *, backwards: bool = False) -> list[Any]:
    """All items, page by page, in the list's order; what a page says of where it stands is right on each."""
    names = ("last", "before", "startCursor") if backwards else ("first", "after", "endCursor")
    found: list[Any] = []
    page, more = f"{names[0]}: {size}", True
    while more:
        got = connection(await site.ask(asked(page)))
        assert got["nodes"] == [one["node"] for one in got["edges"]]
        info = got["pageInfo"]
        assert (info["startCursor"], info["endCursor"]) == (got["edges"][0]["cursor"], got["edges"][-1]["cursor"])
        ahead, behind = ("hasPreviousPage", "hasNextPage") if backwards else ("hasNextPage", "hasPreviousPage")
        assert info[behind] is bool(found)
        more = info[ahead]
        assert len(got["nodes"]) == size or not more
        found = [*got["nodes"], *found] if backwards else [*found, *got["nodes"]]
        page = f'{names[0]}: {size}, {names[1]}: "{info[names[2]]}"'
    return found


async def whole(site: Site, name: str) -> list[Any]:
    """The list over REST, each item as its page in GraphQL tells it apart."""
    _, items, path = PAGES[name]
    rows: list[Any] = []
    address: str | None = f"{path}{'&' if '?' in path else '?'}limit=200"
    while address:
        page = await site.get(address)
        rows += page["items"]
        address = page["next"]
    if items == "position":
        return [{"position": row["position"]} for row in rows]
    if items == "task target":
        return [{"task": row["task"], "target": row["target"]} for row in rows]
    if "known" in items:
        return [
            {"known": {"from": row["known"]["from"]}, "effective": {"from": row["effective"]["from"]}} for row in rows
        ]
    return [{"canonicalId": row.get("id") or row["code"]} for row in rows]


@pytest.mark.parametrize("name", PAGES)
async def test_pages_both_ways_make_the_list_that_rest_has(told: Site, name: str) -> None:
    expected = await whole(told, name)
    for backwards in (False, True):
        assert await walked(told, asking(name), max(len(expected) // 4, 1), backwards=backwards) == expected


@pytest.mark.parametrize("name", [one for one in PAGES if "events" not in one])
async def test_a_page_backwards_is_the_same_beside_the_count(told: Site, name: str) -> None:
    expected = await whole(told, name)
    size = max(len(expected) // 3, 1)
    assert await walked(told, asking(name, "totalCount"), size, backwards=True) == expected
    assert connection(await told.ask(asking(name, "totalCount")("last: 0")))["totalCount"] == len(expected)


async def test_a_tasks_events_are_its_own_and_its_reports_in_the_order_of_the_log(told: Site) -> None:
    asked = f'{{ task(id: "{PLAN_ID}/21") {{ events%s {{ nodes {{ position stream }} }} }} }}'
    nodes = (await told.ask(asked % ""))["task"]["events"]["nodes"]
    assert [one["position"] for one in nodes] == sorted({one["position"] for one in nodes})
    assert {one["stream"].partition(":")[0] for one in nodes} == {"task", "report"}
    last = (await told.ask(asked % "(last: 3)"))["task"]["events"]["nodes"]
    assert last == nodes[-3:]


async def refusal(site: Site, query: str, **variables: Any) -> tuple[str, str, dict[str, int]]:
    """The code, the words and the place of the one error of a query whose one root is null."""
    body = (await site.http.post("/graphql", json={"query": query, "variables": variables})).json()
    assert list(body["data"].values()) == [None], body
    (error,) = body["errors"]
    assert error["path"] == list(body["data"])
    (place,) = error["locations"]
    return error["extensions"]["code"], error["message"], place


def at(query: str, text: str) -> dict[str, int]:
    """Where a text stands in a query of one line."""
    assert query.count(text) == 1
    return {"line": 1, "column": query.index(text) + 1}


@pytest.mark.parametrize("name", ["tasks, number", "units", "history", "events", *INNER])
@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("first: 3, last: 2", "2"),
        ('after: "x", before: "y"', '"y"'),
        ('first: 3, before: "y"', '"y"'),
        ('last: 3, after: "x"', "3"),
        ("first: 201", "201"),
        ("last: -1", "-1"),
    ],
)
async def test_a_page_goes_one_way_and_has_so_many_items(told: Site, name: str, page: str, wrong: str) -> None:
    query = asking(name)(page)
    code, words, place = await refusal(told, query)
    assert code == "bad_parameter"
    assert "0 to 200" in words or "forwards by first and after, or backwards by last and before" in words
    assert place == {"line": 1, "column": query.index(page) + page.index(wrong) + 1}


async def test_what_is_null_is_not_asked_for(told: Site) -> None:
    query = f'{{ tasks(plan: "{PLAN_ID}", first: null, after: null, last: 2, before: null) {{ nodes {{ number }} }} }}'
    assert (await told.ask(query))["tasks"]["nodes"] == [{"number": 66}, {"number": 67}]


async def test_a_cursor_of_another_list_or_subject_is_refused_where_it_stands(told: Site) -> None:
    cursors = {name: connection(await told.ask(asking(name)("first: 1")))["edges"][0]["cursor"] for name in INNER}
    for name in INNER:
        for other, cursor in cursors.items():
            query = asking(name)(f'after: "{cursor}"')
            if other == name:
                await told.ask(query)
                continue
            code, _, place = await refusal(told, query)
            assert (code, place) == ("cursor_of_another_list", at(query, f'"{cursor}"'))


async def test_a_page_of_a_plans_tasks_goes_on_at_the_root_that_lists_them(told: Site) -> None:
    inner = connection(await told.ask(asking("allTasks of a part")("first: 2")))["pageInfo"]["endCursor"]
    page = f'{{ tasks(plan: "{PLAN_ID}", part: 2, first: 1, after: "{inner}") {{ nodes {{ canonicalId }} }} }}'
    assert (await told.ask(page))["tasks"]["nodes"] == (await whole(told, "allTasks of a part"))[2:3]


@pytest.mark.parametrize("cursor", ["", "x", "%", "信用", "bnVsbA", "e30", "W10"])
@pytest.mark.parametrize("name", INNER)
async def test_what_was_never_given_out_is_refused_below_a_root_too(told: Site, name: str, cursor: str) -> None:
    query = asking(name)(f'before: "{cursor}"')
    code, _, place = await refusal(told, query)
    assert code == "bad_cursor"
    assert place["column"] == query.index(f'before: "{cursor}"') + len("before: ") + 1


async def test_variables_of_inner_pages_are_told_apart(told: Site) -> None:
    query = f"""query ($n: Int, $c: String) {{ plan(id: "{PLAN_ID}") {{ ...P }} }}
        fragment P on Plan {{ allTasks(first: $n, after: $c) {{ nodes {{ number }} {INFO} }} }}"""
    first = (await told.ask(query, n=2))["plan"]["allTasks"]
    after = first["pageInfo"]["endCursor"]
    numbers = [
        [one["number"] for one in (await told.ask(query, **given))["plan"]["allTasks"]["nodes"]]
        for given in ({"n": 2}, {"n": 3}, {"n": 2, "c": after}, {"n": 3, "c": after}, {"n": 2, "c": None})
    ]
    assert numbers == [[1, 2], [1, 2, 3], [3, 4], [3, 4, 5], [1, 2]]
    wrong = await refusal(told, query, n=2, c="no cursor")
    assert (wrong[0], wrong[2]["line"]) == ("bad_cursor", 2)
    assert (await refusal(told, query, n=500))[0] == "bad_parameter"


async def test_what_is_wrong_below_one_root_is_no_other_roots(told: Site) -> None:
    plan = f'plan(id: "{PLAN_ID}")'
    query = f"{{ a: {plan} {{ allTasks(first: 300) {{ nodes {{ id }} }} }} b: {plan} {{ title }} }}"
    body = (await told.http.post("/graphql", json={"query": query})).json()
    assert body["data"]["a"] is None
    assert body["data"]["b"]["title"]
    assert [one["path"] for one in body["errors"]] == [["a"]]


async def test_below_node_what_is_wrong_concerns_the_nodes_that_have_it(told: Site) -> None:
    below = "... on Task { history(last: 300) { totalCount } }"
    query = f'{{ nodes(ids: ["plan:{PLAN_ID}", "task:{TASK}"]) {{ id {below} }} }}'
    body = (await told.http.post("/graphql", json={"query": query})).json()
    assert body["data"]["nodes"] == [{"id": f"plan:{PLAN_ID}"}, None]
    (error,) = body["errors"]
    assert (error["path"], error["locations"]) == (["nodes", 1], [at(query, "300")])
    assert error["extensions"]["code"] == "bad_parameter"


async def test_a_page_below_costs_what_it_has_and_no_more_than_is_thought_to_be_there(told: Site) -> None:
    async def cost(page: str) -> int:
        query = f'{{ plan(id: "{PLAN_ID}") {{ allTasks(first: {page}) {{ nodes {{ number text }} }} }} }}'
        return (await told.http.post("/graphql", json={"query": query})).json()["extensions"]["cost"]["asked"]

    costs = [await cost(page) for page in ("0", "5", "50", "100", "200", "null")]
    assert costs == sorted(costs)
    assert costs[1] - costs[0] == (costs[2] - costs[1]) // 9
    assert len(set(costs[3:])) == 1
    assert costs[3] < costs[0] + 100 * 3


# At one moment.

EDIT = {"type": "task.reword", "task": TASK, "reason": "试"}
WALK = (
    f'plan(id: "{PLAN_ID}"%s) {{ id allTasks(first: 2%s) {{ nodes {{ id }} meta {{ position effectiveOn }} {INFO} }} }}'
)


async def test_a_page_below_stands_at_the_moment_of_the_first(site: Site) -> None:
    today = (await site.get("/v1/plans"))["meta"]["effectiveOn"]
    for clocks in ("", f', asOf: {{date: "{today}"}}', f', effectiveOn: "{today}"'):
        first = (await site.ask(f"{{ {WALK % (clocks, '')} }}"))["plan"]
        await site.record(EDIT | {"text": f"改{clocks}"})
        after = f', after: "{first["allTasks"]["pageInfo"]["endCursor"]}"'
        for resent in dict.fromkeys(("", clocks)):
            second = (await site.ask(f"{{ {WALK % (resent, after)} }}"))["plan"]
            assert second["allTasks"]["meta"] == first["allTasks"]["meta"], clocks
            assert second["id"] == first["id"]
            assert all(("@" in one["id"]) == bool(clocks) for one in second["allTasks"]["nodes"])


async def test_clocks_that_mean_another_moment_are_refused_beside_a_cursor_below(told: Site) -> None:
    first = (await told.ask(f"{{ {WALK % (', asOf: {position: 500}', '')} }}"))["plan"]["allTasks"]
    after = f', after: "{first["pageInfo"]["endCursor"]}"'
    for clocks in (
        "",
        ", asOf: {position: 500}",
        f', asOf: {{position: 500}}, effectiveOn: "{first["meta"]["effectiveOn"]}"',
    ):
        second = (await told.ask(f"{{ {WALK % (clocks, after)} }}"))["plan"]["allTasks"]
        assert second["meta"] == first["meta"]
    for clocks in (", asOf: {position: 501}", ', effectiveOn: "2023-01-01"'):
        query = f"{{ {WALK % (clocks, after)} }}"
        code, _, place = await refusal(told, query)
        assert (code, place) == ("cursor_of_another_moment", {"line": 1, "column": 3})


async def test_all_cursors_of_a_root_are_of_one_moment(told: Site) -> None:
    cursors = [
        (await told.ask(f"{{ {WALK % (f', asOf: {{position: {position}}}', '')} }}"))["plan"]["allTasks"]["pageInfo"][
            "endCursor"
        ]
        for position in (500, 501)
    ]
    pages = 'a: allTasks(after: "%s") { totalCount } b: allTasks(before: "%s") { totalCount }'
    asked = f'{{ plan(id: "{PLAN_ID}") {{ {pages} }} }}'
    assert (await told.ask(asked % (cursors[0], cursors[0])))["plan"]["a"] == {"totalCount": 67}
    assert (await refusal(told, asked % tuple(cursors)))[0] == "cursor_of_another_moment"
    below = 'inPlan { allTasks(first: 1, after: "%s") { totalCount } }'
    root = f'{{ tasks(plan: "{PLAN_ID}", after: "%s") {{ nodes {{ {below} }} }} }}'
    assert (await told.ask(root % (cursors[0], cursors[0])))["tasks"]["nodes"]
    assert (await refusal(told, root % tuple(cursors)))[0] == "cursor_of_another_moment"


async def test_two_roots_may_go_on_at_two_moments(told: Site) -> None:
    pages = [
        (await told.ask(f"{{ {WALK % (f', asOf: {{position: {position}}}', '')} }}"))["plan"]["allTasks"]
        for position in (500, 600)
    ]
    cursors = [one["pageInfo"]["endCursor"] for one in pages]
    asked = " ".join(f"a{n}: " + WALK % ("", f', after: "{one}"') for n, one in enumerate(cursors))
    found = await told.ask(f"{{ {asked} }}")
    assert [found[f"a{n}"]["allTasks"]["meta"] for n in range(2)] == [one["meta"] for one in pages]


@pytest.mark.parametrize("moment", ["", "@351,2023-09-01"])
async def test_relay_fetches_the_next_page_by_the_nodes_id(site: Site, moment: str) -> None:
    """As `@refetchable` does it: the node that the list hangs from, by its id, with the cursor below it."""
    below = f"... on Plan {{ allTasks(first: 3, after: $after) {{ nodes {{ id }} {INFO} }} }}"
    query = f"query ($id: ID!, $after: String) {{ node(id: $id) {{ id {below} }} }}"
    first = (await site.ask(query, id=f"plan:{PLAN_ID}{moment}"))["node"]
    await site.record(EDIT | {"text": "再改"})
    after = first["allTasks"]["pageInfo"]["endCursor"]
    second = (await site.ask(query, id=first["id"], after=after))["node"]
    assert second["id"] == first["id"] == f"plan:{PLAN_ID}{moment}"
    assert all(one["id"].endswith(moment) and ("@" in one["id"]) == bool(moment) for one in second["allTasks"]["nodes"])
    assert [one["id"].partition("@")[0].rpartition("/")[2] for one in second["allTasks"]["nodes"]] == ["4", "5", "6"]
    other = {"query": query, "variables": {"id": f"plan:{PLAN_ID}@340,2023-09-01", "after": after}}
    body = (await site.http.post("/graphql", json=other)).json()
    assert body["errors"][0]["extensions"]["code"] == "cursor_of_another_moment"
    nodes = f"query ($ids: [ID!]!, $after: String) {{ nodes(ids: $ids) {{ id {below} }} }}"
    ids = [first["id"], f"plan:{PLAN_ID}@340,2023-09-01"]
    body = (await site.http.post("/graphql", json={"query": nodes, "variables": {"ids": ids, "after": after}})).json()
    assert body["data"]["nodes"][0]["id"] == first["id"]
    assert body["data"]["nodes"][1] is None
    assert body["errors"][0]["path"] == ["nodes", 1]


async def test_the_clocks_in_the_address_are_kept_in_cursors_below(told: Site) -> None:
    query = f"{{ {WALK % ('', '')} }}"
    clocks = {"position": "400", "effectiveOn": "2023-06-30"}
    first = (await told.http.get("/graphql", params={"query": query, **clocks})).json()["data"]["plan"]
    after = f', after: "{first["allTasks"]["pageInfo"]["endCursor"]}"'
    for more in (clocks, {}):
        again = {"query": f"{{ {WALK % ('', after)} }}", **more}
        second = (await told.http.get("/graphql", params=again)).json()["data"]["plan"]
        assert second["id"] == f"plan:{PLAN_ID}@400,2023-06-30"
        assert second["allTasks"]["meta"] == first["allTasks"]["meta"]

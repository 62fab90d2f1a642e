"""Relay's global object identification: `node` and `nodes` find again whatever has an id, at the moment it names."""

from typing import Any

import pytest

from api.graphql.ids import KEYS
from tests.conftest import TASK, Site
from tests.contract.test_graphql_ids import AT, NAMED

PLAN = TASK.partition("/")[0]
IDS = [f"{kind}:{key}" for kind, key in NAMED.values()]
NODES = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Task { text } ...U } } fragment U on Unit { name }"
)


async def answered(site: Site, query: str, **variables: Any) -> Any:
    return (await site.http.post("/graphql", json={"query": query, "variables": variables})).json()


@pytest.mark.parametrize("asked", NAMED)
async def test_a_node_is_found_again_by_its_id(told: Site, asked: str) -> None:
    kind, key = NAMED[asked]
    query = f"query ($id: ID!) {{ node(id: $id) {{ __typename id ... on {kind.title()} {{ canonicalId }} }} }}"
    for id_ in (f"{kind}:{key}", f"{kind}:{key}{AT}"):
        expected = {"__typename": kind.title(), "id": id_, "canonicalId": key}
        assert (await told.ask(query, id=id_))["node"] == expected


async def test_a_target_is_a_node_and_so_is_every_kind(told: Site) -> None:
    one = (await told.ask(f'{{ targets(plan: "{PLAN}", first: 1) {{ nodes {{ id literal }} }} }}'))["targets"]["nodes"][
        0
    ]
    asked = "query ($id: ID!) { node(id: $id) { id ... on PlanTarget { literal } } }"
    assert (await told.ask(asked, id=one["id"]))["node"] == one
    assert {kind for kind, _ in NAMED.values()} | {"target"} == set(KEYS)


async def test_nodes_come_in_the_order_of_their_ids_each_at_its_moment(told: Site) -> None:
    ids = [*IDS, *(f"{one}{AT}" for one in reversed(IDS)), IDS[3]]
    nodes = (await told.ask(NODES, ids=ids))["nodes"]
    assert [one["id"] for one in nodes] == ids
    assert nodes[-1] == nodes[3]
    assert nodes[3]["text"]


async def test_no_kind_takes_from_another_what_both_are_put_together_from(told: Site) -> None:
    mixed = ["task:shanghai-credit-2023/6", "platform:{platform}", "target:{target}", "task:shanghai-credit-2023/21"]
    first = await told.ask(
        f'{{ targets(plan: "{PLAN}", first: 1) {{ nodes {{ canonicalId }} }} platforms(first: 1) '
        "{ nodes { canonicalId } } }"
    )
    known = {name: first[f"{name}s"]["nodes"][0]["canonicalId"] for name in ("target", "platform")}
    ids = [one.format_map(known) for one in mixed]
    for order in (ids, ids[::-1]):
        assert [one["id"] for one in (await told.ask(NODES, ids=order))["nodes"]] == order


async def test_what_is_not_there_is_null_with_an_error_of_its_own(told: Site) -> None:
    unknown = {
        "task:nowhere/1": "unknown_id",
        "event:999999": "unknown_id",
        "event:0391": "unknown_id",
        "unit:nobody": "unknown_id",
        "task:shanghai-credit-2023/21@1,2023-06-30": "not_at_this_moment",
        "task:shanghai-credit-2023/21@999999,2023-06-30": "bad_moment",
        "task:shanghai-credit-2023/21@650,2023-02-30": "bad_moment",
        "shanghai-credit-2023/21": "id_without_kind",
        "tusk:shanghai-credit-2023/21": "id_without_kind",
    }
    body = await answered(told, NODES, ids=[IDS[0], *unknown, IDS[3]])
    assert [one and one["id"] for one in body["data"]["nodes"]] == [IDS[0], *[None] * len(unknown), IDS[3]]
    codes = {error["path"][1]: error["extensions"]["code"] for error in body["errors"]}
    assert codes == dict(enumerate(unknown.values(), 1))
    for id_, code in unknown.items():
        alone = await answered(told, "query ($id: ID!) { node(id: $id) { id } }", id=id_)
        assert alone["data"] == {"node": None}
        assert alone["errors"][0]["extensions"]["code"] == code


async def test_the_clocks_in_the_address_hold_for_the_ids_that_name_none(told: Site) -> None:
    """Neither root takes clocks of its own: Relay's compiler knows `node` by its one argument."""
    query = f'{{ nodes(ids: ["{IDS[3]}", "{IDS[4]}@400,2023-06-30"]) {{ id }} node(id: "{IDS[0]}") {{ id }} }}'
    clocks = {"query": query, "position": "650", "effectiveOn": "2023-10-12"}
    assert (await told.http.get("/graphql", params=clocks)).json()["data"] == {
        "nodes": [{"id": f"{IDS[3]}{AT}"}, {"id": f"{IDS[4]}@400,2023-06-30"}],
        "node": {"id": f"{IDS[0]}{AT}"},
    }


async def test_a_fragment_on_the_interface_may_stand_anywhere(told: Site) -> None:
    asked = (
        f'{{ task(id: "{TASK}") {{ ...N inPlan {{ ... on Node {{ id }} ...N }} }} }} fragment N on Node {{ key: id }}'
    )
    assert await told.ask(asked) == {
        "task": {"key": f"task:{TASK}", "inPlan": {"id": f"plan:{PLAN}", "key": f"plan:{PLAN}"}}
    }


async def test_more_ids_than_a_page_has_are_refused_unread(told: Site) -> None:
    body = await answered(told, NODES, ids=["task:nowhere/1"] * 201)
    assert body["errors"][0]["extensions"]["code"] == "too_complex"
    assert "data" not in body
    assert len((await answered(told, NODES, ids=["task:nowhere/1"] * 200))["data"]["nodes"]) == 200


async def test_no_ids_are_no_nodes(told: Site) -> None:
    assert await told.ask("{ nodes(ids: []) { id } }") == {"nodes": []}
    assert "data" not in await answered(told, "query ($a: ID!) { nodes(ids: [$a]) { id } }")


async def test_an_address_may_be_kept_if_every_node_is_pinned(real: Site) -> None:
    async def kept(query: str) -> str:
        return (await real.http.get("/graphql", params={"query": query})).headers["Cache-Control"]

    at = "@352,2023-06-30"
    pinned = f'{{ nodes(ids: ["task:{TASK}{at}", "unit:shi-ke-wei{at}"]) {{ id }} }}'
    assert await kept(pinned) == "public, max-age=3600"
    assert await kept(pinned.replace(at, "", 1)) == "no-cache"
    assert await kept(f'{{ node(id: "event:300{at}") {{ id }} }}') == "no-cache"  # it may hold text of a report

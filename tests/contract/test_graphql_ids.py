"""GraphQL's ids: the stream's name with its moment, taken in three spellings wherever an id is an argument."""

from typing import Any, cast

import pytest
from graphql import GraphQLEnumType, GraphQLInterfaceType, GraphQLObjectType, get_named_type

from api.graphql.schema import GRAPHQL_SCHEMA
from tests.conftest import TASK, Site

PLAN = TASK.partition("/")[0]
UNIT, REPORT = "shi-ke-wei", "shanghai-credit-2023/21/shi-wei-sheng-jian-kang-wei/2023-Q2"
PLATFORM = "chang-san-jiao-gong-gong-xin-yong-xin-xi-gong-xiang-ping-tai"
PAST = 'asOf: {position: 650}, effectiveOn: "2023-10-12"'
AT = "@650,2023-10-12"
# What is asked without clocks → the field under which the thing stands, and its plain id.
NAMED: dict[str, tuple[str, str]] = {
    f'plan(id: "{PLAN}"%s) {{ id canonicalId }}': ("plan", PLAN),
    f'part(plan: "{PLAN}", number: 2%s) {{ id canonicalId }}': ("part", f"{PLAN}/2"),
    f'measure(plan: "{PLAN}", number: 3%s) {{ id canonicalId }}': ("measure", f"{PLAN}/3"),
    f'task(id: "{TASK}"%s) {{ id canonicalId }}': ("task", TASK),
    f'unit(id: "{UNIT}"%s) {{ id canonicalId }}': ("unit", UNIT),
    'district(code: "310101"%s) { id canonicalId }': ("district", "310101"),
    f'platform(id: "{PLATFORM}"%s) {{ id canonicalId }}': ("platform", PLATFORM),
    f'report(id: "{REPORT}"%s) {{ id canonicalId }}': ("report", REPORT),
    "event(position: 391%s) { id canonicalId }": ("event", "391"),
}


@pytest.mark.parametrize("asked", NAMED)
async def test_an_id_is_the_streams_name_with_its_moment(told: Site, asked: str) -> None:
    kind, key = NAMED[asked]
    now = (await told.ask(f"{{ {asked % ''} }}"))[kind]
    then = (await told.ask(f"{{ {asked % f', {PAST}'} }}"))[kind]
    assert now == {"id": f"{kind}:{key}", "canonicalId": key}
    assert then == {"id": f"{kind}:{key}{AT}", "canonicalId": key}


async def test_targets_have_names_of_the_same_form(told: Site) -> None:
    nodes = (await told.ask(f'{{ targets(plan: "{PLAN}") {{ nodes {{ id canonicalId task target }} }} }}'))["targets"]
    for one in nodes["nodes"]:
        assert one["canonicalId"] == f"{one['task']}/{one['target']}"
        assert one["id"] == f"target:{one['canonicalId']}"


def test_every_type_with_an_id_is_a_node() -> None:
    types = [one for one in GRAPHQL_SCHEMA.type_map.values() if isinstance(one, GraphQLObjectType)]
    node = cast("GraphQLInterfaceType", GRAPHQL_SCHEMA.type_map["Node"])
    assert [one for one in types if "id" in one.fields] == [one for one in types if node in one.interfaces]
    assert len(GRAPHQL_SCHEMA.get_possible_types(node)) == 10


# Each argument that is an id, of which kind it is, and one such, plain.
ARGUMENTS: dict[str, tuple[str, str]] = {
    "plan(id: ID, CLOCKS) { canonicalId }": ("plan", PLAN),
    "part(plan: ID, number: 2, CLOCKS) { canonicalId }": ("plan", PLAN),
    "measure(plan: ID, number: 2, CLOCKS) { canonicalId }": ("plan", PLAN),
    "task(id: ID, CLOCKS) { canonicalId reportedStatus }": ("task", TASK),
    "unit(id: ID, CLOCKS) { canonicalId }": ("unit", UNIT),
    "district(code: ID, CLOCKS) { canonicalId }": ("district", "310101"),
    "platform(id: ID, CLOCKS) { canonicalId }": ("platform", PLATFORM),
    "report(id: ID, CLOCKS) { canonicalId }": ("report", REPORT),
    "parts(plan: ID, CLOCKS) { nodes { canonicalId } }": ("plan", PLAN),
    "measures(plan: ID, CLOCKS) { nodes { canonicalId } }": ("plan", PLAN),
    "targets(plan: ID, CLOCKS) { nodes { canonicalId } }": ("plan", PLAN),
    "tasks(plan: ID, first: 3, CLOCKS) { nodes { canonicalId } }": ("plan", PLAN),
    f'tasks(plan: "{PLAN}", unit: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("unit", UNIT),
    f'tasks(plan: "{PLAN}", district: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("district", "310115"),
    f'tasks(plan: "{PLAN}", platform: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("platform", PLATFORM),
    f'reports(plan: "{PLAN}", task: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("task", f"{PLAN}/21"),
    f'reports(plan: "{PLAN}", unit: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("unit", "shi-wei-sheng-jian-kang-wei"),
    f'reports(plan: "{PLAN}", district: ID, CLOCKS) {{ nodes {{ canonicalId }} }}': ("district", "310115"),
    "units(district: ID, CLOCKS) { nodes { canonicalId } }": ("district", "310115"),
    "events(plan: ID, first: 2, CLOCKS) { nodes { position } }": ("plan", PLAN),
    "events(unit: ID, first: 2, CLOCKS) { nodes { position } }": ("unit", UNIT),
    "events(district: ID, first: 2, CLOCKS) { nodes { position } }": ("district", "310115"),
    "history(of: {plan: ID}, CLOCKS) { nodes { stream } }": ("plan", PLAN),
    "history(of: {task: ID}, CLOCKS) { nodes { stream known { from } } }": ("task", f"{PLAN}/21"),
    "history(of: {unit: ID}, CLOCKS) { nodes { stream } }": ("unit", UNIT),
    "history(of: {district: ID}, CLOCKS) { nodes { stream } }": ("district", "310115"),
    "history(of: {platform: ID}, CLOCKS) { nodes { stream } }": ("platform", PLATFORM),
}


async def code_of(site: Site, query: str) -> str:
    """The code of the one error that a query is answered."""
    (error,) = (await site.http.post("/graphql", json={"query": f"{{ {query} }}"})).json()["errors"]
    return error["extensions"]["code"]


@pytest.mark.parametrize("asked", ARGUMENTS)
async def test_an_argument_takes_three_spellings_and_no_other_kind(told: Site, asked: str) -> None:
    kind, key = ARGUMENTS[asked]

    def said(id_: str, clocks: str = "") -> str:
        return asked.replace("ID", f'"{id_}"').replace(", CLOCKS", clocks)

    now, then = await told.ask(f"{{ {said(key)} }}"), await told.ask(f"{{ {said(key, f', {PAST}')} }}")
    assert await told.ask(f"{{ {said(f'{kind}:{key}')} }}") == now
    assert await told.ask(f"{{ {said(f'{kind}:{key}{AT}')} }}") == then
    assert await told.ask(f"{{ {said(f'{kind}:{key}{AT}', f', {PAST}')} }}") == then  # the clocks that it came from
    other = "plan" if kind == "unit" else "unit"
    assert await code_of(told, said(f"{other}:{key}")) == "id_of_another_kind"
    assert await code_of(told, said(f"{other}:{key}{AT}")) == "id_of_another_kind"


async def test_the_stream_of_events_may_name_its_moment(told: Site) -> None:
    asked = 'events(stream: "%s"%s) { nodes { position } meta { position effectiveOn } }'
    then = await told.ask(f"{{ {asked % (f'task:{TASK}', f', {PAST}')} }}")
    assert await told.ask(f"{{ {asked % (f'task:{TASK}{AT}', '')} }}") == then
    assert then["events"]["nodes"]


async def test_ids_of_one_root_are_of_one_moment(told: Site) -> None:
    asked = 'tasks(plan: "plan:%s%s", unit: "unit:%s%s") { nodes { id } meta { position } }'
    then = (await told.ask(f"{{ {asked % (PLAN, AT, UNIT, AT)} }}"))["tasks"]
    assert then["meta"]["position"] == 650
    assert then == (await told.ask(f"{{ {asked % (PLAN, '', UNIT, AT)} }}"))["tasks"]
    assert await code_of(told, asked % (PLAN, "@649,2023-10-12", UNIT, AT)) == "id_of_another_moment"


async def test_a_task_of_another_plan_is_not_there(told: Site) -> None:
    assert await code_of(told, f'reports(plan: "{PLAN}", task: "elsewhere/21") {{ nodes {{ id }} }}') == "unknown_id"


async def test_pages_behind_an_id_with_its_moment_stand_there(told: Site) -> None:
    asked = f"""query ($after: String) {{ tasks(plan: "{PLAN}", unit: "unit:{UNIT}{AT}", first: 1, after: $after)
        {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    page: Any = (await told.ask(asked))["tasks"]
    ids = [one["id"] for one in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        page = (await told.ask(asked, after=page["pageInfo"]["endCursor"]))["tasks"]
        ids += [one["id"] for one in page["nodes"]]
    assert len(ids) > 1
    assert all(one.endswith(AT) for one in ids)


def test_every_value_of_every_enum_is_described_and_every_kind_is_an_enum() -> None:
    enums = [
        one for name, one in GRAPHQL_SCHEMA.type_map.items() if isinstance(one, GraphQLEnumType) and name[:2] != "__"
    ]
    assert len(enums) >= 10
    assert [f"{one.name}.{name}" for one in enums for name, value in one.values.items() if not value.description] == []
    types = [
        one for name, one in GRAPHQL_SCHEMA.type_map.items() if isinstance(one, GraphQLObjectType) and name[:2] != "__"
    ]
    kinds: list[object] = [get_named_type(one.fields["kind"].type) for one in types if "kind" in one.fields]  # pyright: ignore[reportUnknownVariableType]
    assert kinds
    assert all(isinstance(one, GraphQLEnumType) for one in kinds)

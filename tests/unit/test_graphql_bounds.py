"""What an answer may cost, and what is remembered of it, have bounds."""

import gc
import json
import tracemalloc
from datetime import UTC, date, datetime
from typing import Any

import pytest
from graphql import (
    Source,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    get_introspection_query,
    parse,
)
from graphql.execution.values import get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.compiled import FIELD, ROOT, Query, compile_query, known_query
from api.graphql.introspected import introspected
from api.graphql.parsed import QueryText, read
from api.graphql.projection import Cost
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.world import EVENT_LIST, MOST, Budget, EventFilter
from api.http.cursors import print_cursor
from api.services.problems import Trouble
from projections.as_of import Moment
from projections.memory import Memory


def test_lists_may_hold_so_many_items_and_no_more() -> None:
    budget = Budget()
    budget.spend(MOST)
    with pytest.raises(Trouble) as refused:
        budget.spend(1)
    assert (refused.value.status, refused.value.code) == (400, "too_complex")


def test_a_page_costs_what_each_of_its_items_costs() -> None:
    assert Cost(once=5, each=7).of(100) == 705


@pytest.mark.parametrize("text", ["{ tusk }", "{", "query ($a: Int) { __typename }", "subscription { plans }", "{ }"])
async def test_what_is_wrong_with_a_text_is_said(text: str) -> None:
    errors = await read(text)
    assert isinstance(errors, list)
    assert errors


@given(st.text(st.sampled_from("a{\n\r \u2028")), st.integers(0, 30))
def test_an_error_stands_where_graphql_core_says(text: str, position: int) -> None:
    if text[max(position - 1, 0) : position + 1] != "\r\n":  # within one sign nothing stands
        assert QueryText(text).get_location(position) == Source(text).get_location(position)


THEN = Moment(600, datetime(2023, 9, 1, tzinfo=UTC), date(2023, 9, 1), "", "", "", pinned=True)
CURSOR = f'"{print_cursor(EVENT_LIST, "task:x", EventFilter(), THEN, (300,), "")}"'


async def kept_by(text: str, **given: Any) -> tuple[int, int]:
    """What a text and its plan take in memory, and what they say that they take, in bytes."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    query = await known_query(
        Memory(0), text.encode().decode()
    )  # a text of its own, as one that has come over the wire
    assert isinstance(query, Query), query
    operation = query.document.operations[0]
    variables = get_variable_values(GRAPHQL_SCHEMA, operation.variable_definitions or (), given)
    assert not isinstance(variables, list)
    plan = compile_query(query.document, operation, variables)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before, query.document.weight + plan.weight


def many(count: int, one: str) -> str:
    return " ".join(one.replace("@", str(number)) for number in range(count))


@pytest.mark.parametrize(
    "text",
    [
        "{ plans { totalCount } }",
        get_introspection_query(),
        f'{{ task(id: "x") {{ {many(120, "a@: events(first: @) { nodes { id } }")} }} }}',
        f'{{ task(id: "x") {{ {many(120, f"a@: events(after: {CURSOR}) {{ nodes {{ id }} }}")} }} }}',
        f"{{ plans {{ nodes {{ {many(600, 'a@: title')} }} }} }}",
        f'{{ task(id: "x") {{ {many(250, "a@: inPlan { title }")} }} }}',
        f"{{ {many(150, 'a@: task(id: 1) { number }')} }}",
        f"{{ {many(150, 'a@: task(id: 1) { ...F }')} }} fragment F on Task {{ number }}",
        f"{{ plans {{ totalCount }} }} # {'x' * 60_000}",
        "{ plans { totalCount } }" + "\n# x" * 1_900,
        f'{{ task(id: "{"信用" * 10_000}") {{ number }} }}',
    ],
)
async def test_a_query_weighs_what_it_says(text: str) -> None:
    tracemalloc.start()
    try:
        await kept_by(text)
        taken, said = await kept_by(text)
    finally:
        tracemalloc.stop()
    assert taken <= said * 1.3
    assert said <= taken * 2.5


async def test_what_many_names_lead_to_is_compiled_once() -> None:
    fragments = "fragment T on Task { inPlan { ...F } } fragment F on Plan { allTasks { nodes { number text } } }"
    weights: list[int] = []
    for roots in (1, 101):
        query = await known_query(Memory(0), f"{{ {many(roots, 'a@: task(id: 1) { ...T }')} }} {fragments}")
        assert isinstance(query, Query)
        variables = get_variable_values(GRAPHQL_SCHEMA, (), {})
        assert not isinstance(variables, list)
        weights.append(compile_query(query.document, query.document.operations[0], variables).weight)
    assert weights[1] - weights[0] == 100 * (ROOT + FIELD)


@pytest.mark.parametrize("text", ["{ plans { a: title } }", "{ a: b: c }", "{ tasks { nodes { id } } }"])
async def test_what_is_refused_is_not_kept(text: str) -> None:
    memory = Memory(1_000_000)
    assert isinstance(await known_query(memory, text), list)
    assert memory.size == 0


INTROSPECTION = {
    "the usual one": get_introspection_query(),
    "all of it": get_introspection_query(True, True, True, True, True, one_of=True),  # noqa: FBT003 - all of it
    "by names": """query ($name: String! = "Task", $old: Boolean = true) {
        __typename
        x: __type(name: $name) {
            ...F k: kind kind
            fields(includeDeprecated: $old) { args { defaultValue type { ...F } } }
        }
        n: __type(name: "x") { name }
    }
    fragment F on __Type {
        __typename name interfaces { name } possibleTypes { name } ofType { name kind }
        inputFields { name defaultValue } enumValues { name isDeprecated } specifiedByURL isOneOf
    }""",
    "directives": "{ __schema { directives { name locations args { name type { name } } } mutationType { name } } }",
}


@pytest.mark.parametrize("name", INTROSPECTION)
async def test_the_schema_says_of_itself_what_graphql_core_says(name: str) -> None:
    text = INTROSPECTION[name]
    query = await known_query(Memory(0), text)
    assert isinstance(query, Query)
    operation = query.document.operations[0]
    variables = get_variable_values(GRAPHQL_SCHEMA, operation.variable_definitions or (), {})
    assert not isinstance(variables, list)
    known = introspected(query.document, operation, variables)
    assert json.dumps(known) == json.dumps(execute_sync(GRAPHQL_SCHEMA, parse(text)).data)

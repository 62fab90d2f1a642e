"""GraphQL: what is too much is refused before it costs anything, and no text whatever is a mistake of the server's."""

import json
import re
from random import Random
from typing import Any, Final

import pytest
from graphql import get_introspection_query

from tests.attacks.conftest import LONGEST_STEP, Victim, refused_cheaply
from tests.attacks.texts import ATTACKS, PLAN, TASK, Request, fanning, many

TASKS: Final = f'tasks(plan: "{PLAN}", first: 70)'


def nodes(*ids: str) -> str:
    """Nodes by their ids, each with what it is put together from."""
    return f"{{ nodes(ids: {json.dumps(ids)}) {{ id ... on Task {{ text history {{ nodes {{ stream }} }} }} }} }}"


HEAVY: Final = {
    "the schema, as tools ask for it": get_introspection_query(True, True, True, True, True, one_of=True),  # noqa: FBT003 - all of it
    "600 times the text of each task": f"{{ {TASKS} {{ nodes {{ {many(600, 'a@: text')} }} }} }}",
    "29 names at each of three edges": (
        f'{{ task(id: "{TASK}") {{ ...A }} }} fragment A on Task {{ {many(29, "a@: inMeasure {...B}")} }} '
        f"fragment B on Measure {{ {many(29, 'a@: inPart {...C}')} }} "
        f"fragment C on Part {{ {many(29, 'a@: inPlan {title}')} }}"
    ),
    "each task's history 14 times": f"{{ {TASKS} {{ nodes {{ {many(14, 'a@: history { nodes { stream } }')} }} }} }}",
    "each task's facts 14 times": f"{{ {TASKS} {{ nodes {{ {many(14, 'a@: events { nodes { data } }')} }} }} }}",
    "14 times nothing of each task's history": (
        f"{{ {TASKS} {{ nodes {{ {many(14, 'a@: history(last: 0) { totalCount }')} }} }} }}"
    ),
    "30 pages of its plan's tasks at each task": (
        f"{{ {TASKS} {{ nodes {{ inPlan {{ {many(30, 'a@: allTasks(last: @) { totalCount }')} }} }} }} }}"
    ),
    "200 nodes": nodes(*(f"task:{PLAN}/{n % 67 + 1}" for n in range(200))),
    "200 nodes at 200 moments": nodes(*(f"plan:{PLAN}@{n + 140},2023-06-30" for n in range(200))),
    "80 moments": "{"
    + " ".join(
        f'a{n}: plan(id: "{PLAN}", asOf: {{position: {n + 120}}}) {{ allTasks {{ nodes {{ number }} }} }}'
        for n in range(80)
    )
    + "}",
}
ODD: Final[dict[str, tuple[str | None, Request]]] = {
    "nothing but the type's name": (None, {"query": "{ __typename }"}),
    "a byte order mark": (None, {"query": "\ufeff{ __typename }"}),
    "all of it left out": (None, {"query": "{ plans { nodes { title @skip(if: true) } } }"}),
    "nothing": ("malformed", {"query": " "}),
    "braces": ("malformed", {"query": "{ }"}),
    "an empty fragment": ("malformed", {"query": "{ ...F } fragment F on Query { }"}),
    "a mutation": ("malformed", {"query": "mutation { wipe }"}),
    "a mutation of the type's name": ("malformed", {"query": "mutation { __typename }"}),
    "a subscription": ("malformed", {"query": "subscription { __typename plans { totalCount } }"}),
    "two subscriptions and a query": ("malformed", {"query": "subscription A {a} subscription B {b} query C {c}"}),
    "type definitions": ("malformed", {"query": "{ __typename } type A { a: Int } extend type Query { b: Int }"}),
    "a directive's definition": ("malformed", {"query": "directive @a on FIELD"}),
    "a schema's definition": ("malformed", {"query": "schema { query: Query }"}),
    "a fragment twice": ("malformed", {"query": "{...F} fragment F on Query {a} fragment F on Query {b}"}),
    "a fragment of itself": ("malformed", {"query": "{...F} fragment F on Query {...F}"}),
    "a fragment without an operation": ("malformed", {"query": "fragment F on Query { __typename }"}),
    "a fragment on a scalar": ("malformed", {"query": "{...F} fragment F on Int { a }"}),
    "a fragment on nothing known": ("malformed", {"query": "{...F} fragment F on Tusk { a }"}),
    "a fragment called on": ("malformed", {"query": "{...on} fragment on on Query { __typename }"}),
    "the same operation twice": ("malformed", {"query": "query A {__typename} query A {__typename}"}),
    "two operations, none named": ("malformed", {"query": "query A {__typename} query B {__typename}"}),
    "an operation of no name": ("malformed", {"query": "{ __typename }", "operationName": ""}),
    "an unknown directive": ("malformed", {"query": "{ __typename @nope }"}),
    "a directive of operations": ("malformed", {"query": "query @skip(if: true) { __typename }"}),
    "deferred": ("malformed", {"query": "{ ... @defer { __typename } }"}),
    "@skip of null": ("malformed", {"query": "{ __typename @skip(if: null) }"}),
    "@skip of nothing": ("malformed", {"query": "{ __typename @skip }"}),
    "@include of no variable": ("malformed", {"query": "{ __typename @include(if: $a) }"}),
    "@include of a null": (
        "malformed",
        {"query": "query($a: Boolean = true) { __typename @include(if: $a) }", "variables": {"a": None}},
    ),
    "@include of a word": (
        "malformed",
        {"query": "query($a: Boolean!) { __typename @include(if: $a) }", "variables": {"a": "yes"}},
    ),
    "a variable of an object's type": ("malformed", {"query": "query($a: Task) { __typename }"}),
    "a variable twice": ("malformed", {"query": "query($a: Int, $a: Int) { units(first: $a) { totalCount } }"}),
    "a list where one is meant": ("malformed", {"query": "{ units(first: [1, 2]) { totalCount } }"}),
    "a list of lists": ("malformed", {"query": "{ units(first: " + "[" * 150 + "]" * 150 + ") { totalCount } }"}),
    "a page beyond 32 bits": ("malformed", {"query": "{ units(first: 99999999999) { totalCount } }"}),
    "a page of 90 digits": ("malformed", {"query": "{ units(first: " + "9" * 90 + ") { totalCount } }"}),
    "an enum of no name": ("malformed", {"query": '{ units(kind: "body") { totalCount } }'}),
    "a block string": ("unknown_id", {"query": '{ task(id: """\n  a\n b\n""") { id } }'}),
    "half a pair": ("malformed", {"query": '{ task(id: "\\ud800") { id } }'}),
    "half a pair in braces": ("malformed", {"query": '{ task(id: "\\u{dfff}") { id } }'}),
    "NUL": ("malformed", {"query": '{ task(id: "\\u0000") { id } }'}),
    "NUL in a cursor": ("bad_cursor", {"query": '{ units(after: "\\u0000") { totalCount } }'}),
    "NUL in a search": ("malformed", {"query": f'{{ tasks(plan: "{PLAN}", q: "\\u0000") {{ totalCount }} }}'}),
    "a clock by a variable of a fragment that comes first": (
        "malformed",
        {
            "query": "fragment F on Query { task(id: 1, asOf: {position: $a}) { id } } query($a: Position) { ...F }",
            "variables": {"a": 1},
        },
    ),
    "a clock by a variable of nobody": ("malformed", {"query": "{ task(id: 1, asOf: {position: $a}) { id } }"}),
    "a clock that is null": ("malformed", {"query": "{ task(id: 1, asOf: {position: null}) { id } }"}),
    "a clock nested 400 deep": (
        "malformed",
        {
            "query": "query($a: AsOfInput) { task(id: 1, asOf: $a) { id } }",
            "variables": {"a": json.loads("[" * 400 + "]" * 400)},
        },
    ),
    "a day nested 400 deep": (
        "malformed",
        {
            "query": "query($a: Date) { task(id: 1, effectiveOn: $a) { id } }",
            "variables": {"a": json.loads('{"a":' * 400 + "1" + "}" * 400)},
        },
    ),
    "a position of 4,000 digits": (
        "malformed",
        {"query": "query($a: AsOfInput) { task(id: 1, asOf: $a) { id } }", "variables": {"a": {"position": 10**4000}}},
    ),
    "a type that is not there": (None, {"query": '{ __type(name: "Tusk") { name } }'}),
    "a type of a null": ("malformed", {"query": "{ __type(name: null) { name } }"}),
}


def codes(answer: Any) -> list[str]:
    """The codes of all errors, none of which is long, nor are they many unless each is a root's or an item's."""
    if "code" in answer:
        assert len(answer["detail"]) <= 300
        return [answer["code"]]
    errors = answer.get("errors", [])
    items: list[int] = [len(one) if isinstance(one, list) else 1 for one in answer.get("data", {}).values()]  # pyright: ignore[reportUnknownArgumentType]
    assert len(errors) <= max(21, sum(items))
    assert all(len(error["message"]) <= 201 for error in errors)
    return [error["extensions"]["code"] for error in errors]


async def asked(victim: Victim, request: Request) -> Any:
    return (await victim.http.post("/graphql", json=request)).json()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_is_too_much_is_refused_cheaply(victim: Victim, attack: str) -> None:
    code, request = ATTACKS[attack]
    await victim.is_honest()
    async with victim.costs() as cost:
        answer = await asked(victim, request)
    assert set(codes(answer)) == {code}
    refused_cheaply(cost)
    assert cost.kept <= 0  # the memory's own count: nothing refused is kept
    await victim.is_honest()


@pytest.mark.parametrize("case", HEAVY)
async def test_what_is_answered_holds_nobody_up(victim: Victim, case: str) -> None:
    await asked(victim, {"query": HEAVY[case]})
    async with victim.costs() as cost:
        answer = await asked(victim, {"query": HEAVY[case] + " "})
    assert codes(answer) == []
    assert cost.longest <= LONGEST_STEP, cost
    await victim.is_honest()


@pytest.mark.parametrize("case", ODD)
async def test_an_odd_document_is_no_mistake_of_ours(victim: Victim, case: str) -> None:
    code, request = ODD[case]
    answer = await asked(victim, request)
    assert codes(answer)[:1] == ([code] if code else []), answer


@pytest.mark.parametrize("id_", ["task:nowhere/%d", "unit:%d", "event:9%05d", "%d", "plan:%d@999999,2023-06-30"])
async def test_nodes_of_which_none_is_there_are_refused_cheaply(victim: Victim, id_: str) -> None:
    query = "query ($ids: [ID!]!) {" + many(4, "a@: nodes(ids: $ids) { id }") + "}"
    async with victim.costs() as cost:
        answer = await asked(victim, {"query": query, "variables": {"ids": [id_ % n for n in range(200)]}})
    assert len(codes(answer)) == 800
    refused_cheaply(cost)
    await victim.is_honest()


async def test_texts_are_kept_by_their_bytes(victim: Victim) -> None:
    async with victim.costs() as cost:
        for number in range(30):
            assert codes(await asked(victim, {"query": f"{{ __typename }} #{number}" + "x" * 65_000})) == []
    assert 0 < cost.kept <= 30 * 200_000
    assert cost.rss <= 30_000_000


async def test_fragments_that_fan_out_are_refused_or_answered_soon(victim: Victim) -> None:
    random = Random(8)  # noqa: S311 - which questions are asked, nothing secret
    refused = 0
    for _ in range(60):
        async with victim.costs() as cost:
            answer = await asked(victim, {"query": fanning(random)})
        if "data" in answer:
            assert cost.longest <= LONGEST_STEP, cost
        else:
            refused += 1
            assert set(codes(answer)) <= {"too_complex", "malformed"}, answer
            refused_cheaply(cost)
    assert 10 <= refused <= 55
    await victim.is_honest()


async def test_no_document_at_all_is_a_mistake_of_ours(victim: Victim) -> None:
    random = Random(8)  # noqa: S311 - as above
    texts = [request["query"] for _, request in ODD.values()] + list(HEAVY.values())
    words = [re.findall(r'"(?:[^"\\]|\\.)*"|\w+|\.\.\.|\S', text)[:400] for text in texts]
    pool = [word for some in words for word in some] + [
        "null",
        "$a",
        "@skip(if: $a)",
        "...F",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
    ]
    for _ in range(600):
        some = list(random.choice(words))
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(some) + 1)
            some[at : at + random.randint(0, 2)] = random.choices(pool, k=random.randint(0, 3))
        value: Any = random.choice([None, 1, True, "x", "2023-06-30"])
        request: Request = {
            "query": " ".join(some) or " ",
            "variables": {"a": value},
        }
        response = await victim.http.post("/graphql", json=request)
        assert response.status_code in {200, 400, 413}, (request, response.text)
        assert "internal" not in codes(response.json()), (request, response.text)
    await victim.is_honest()

"""/graphql as GraphQL over HTTP has it: media types and their statuses, queries in the address, what is well-formed."""

import json
import re
from typing import Any, cast

import httpx
import pytest

from tests.conftest import PLAN, TASK, Site, problem_of

JSON, RESULT = "application/json", "application/graphql-response+json"
UNIT = '{ unit(id: "shi-ke-wei") { id name } }'
PLAN_ID = TASK.partition("/")[0]


async def post(site: Site, query: str, accept: str | None = None, **others: Any) -> httpx.Response:
    headers = {"Accept": accept} if accept else {}
    return await site.http.post("/graphql", json={"query": query, **others}, headers=headers)


async def get(site: Site, accept: str = JSON, **parameters: str) -> httpx.Response:
    return await site.http.get("/graphql", params=parameters, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JSON),
        (JSON, JSON),
        (RESULT, RESULT),
        (f"{RESULT}, {JSON};q=0.9", RESULT),
        (f"{RESULT};q=0.1, {JSON}", JSON),
        (f"{RESULT}; charset=utf-8, application/json; charset=utf-8;q=0.8", RESULT),
        ("application/*", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_is_preferred(told: Site, accept: str, media_type: str) -> None:
    for answer in (await post(told, UNIT, accept), await get(told, accept, query=UNIT)):
        assert answer.headers["Content-Type"] == media_type
        assert answer.json()["data"]["unit"]["id"] == "unit:shi-ke-wei"


@pytest.mark.parametrize("accept", ["text/csv", "image/png, text/plain", f"{RESULT};q=0"])
async def test_who_takes_neither_is_told_so(told: Site, accept: str) -> None:
    for answer in (await post(told, UNIT, accept), await get(told, accept, query=UNIT)):
        assert problem_of(answer, 406)["code"] == "not_acceptable"


REFUSED: dict[str, dict[str, Any]] = {
    "empty": {"query": ""},
    "no query at all": {"query": "# nothing"},
    "not to be parsed": {"query": "{ unit("},
    "not valid": {"query": "{ nothing }"},
    "a wrong operationName": {"query": "query A { __typename }", "operationName": "B"},
    "an empty operationName": {"query": "query A { __typename }", "operationName": ""},
    "one of several": {"query": "query A { __typename } query B { __typename }"},
    "null for what has a default": {
        "query": "query ($a: Boolean = true) { __typename @include(if: $a) }",
        "variables": {"a": None},
    },
    "a variable of another type": {"query": "query ($a: Int!) { units(first: $a) { meta { log } } }", "variables": {}},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_well_formed_gets_a_response_of_graphql(told: Site, name: str) -> None:
    given = REFUSED[name]
    in_address = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    for accept, status in ((JSON, 200), (RESULT, 400)):
        others = {key: value for key, value in given.items() if key != "query"}
        for answer in (await post(told, given["query"], accept, **others), await get(told, accept, **in_address)):
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, accept), answer.text
            body = answer.json()
            assert "data" not in body
            assert body["errors"][0]["message"]
            assert body["errors"][0].get("extensions", {}).get("code") != "internal"


async def test_what_it_costs_is_told(told: Site) -> None:
    asked = "{ units(first: %s) { nodes { id name } } }"
    costs = [(await post(told, asked % first)).json()["extensions"]["cost"] for first in (1, 10, 100)]
    assert [one["limit"] for one in costs] == [100_000] * 3
    assert costs[0]["asked"] < costs[1]["asked"] < costs[2]["asked"] < 1_000
    refused = (await post(told, asked % 300)).json()
    assert refused["data"] == {"units": None}


async def test_a_root_that_fails_is_an_error_beside_data(told: Site) -> None:
    answer = await post(told, '{ unit(id: "nobody") { id } }', RESULT)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"unit": None}


async def test_a_query_in_the_address_answers_as_one_that_is_sent(told: Site) -> None:
    query = "query Q($id: ID!) { unit(id: $id) { id canonicalId name } }"
    sent = (await post(told, query, variables={"id": "shi-ke-wei"}, operationName="Q")).json()
    variables = json.dumps({"id": "shi-ke-wei"})
    assert (await get(told, query=query, variables=variables, operationName="Q", extensions="{}")).json() == sent


async def test_both_clocks_in_the_address_hold_for_the_roots_that_name_none(told: Site) -> None:
    query = f"""{{ own: task(id: "{TASK}", asOf: {{position: 700}}) {{ id }} task(id: "{TASK}") {{ id }}
                plans {{ meta {{ position effectiveOn }} }} }}"""
    data = (await get(told, query=query, position="400", effectiveOn="2023-06-30")).json()["data"]
    assert data["task"]["id"] == f"task:{TASK}@400,2023-06-30"
    assert data["own"]["id"].startswith(f"task:{TASK}@700,")
    assert data["plans"]["meta"] == {"position": 400, "effectiveOn": "2023-06-30"}


async def test_an_address_is_validated_by_what_it_answers(told: Site) -> None:
    first = await get(told, query=UNIT)
    assert first.headers["Cache-Control"] == "no-cache"
    etag = first.headers["ETag"]
    again = await told.http.get("/graphql", params={"query": UNIT}, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    other = await told.http.get("/graphql", params={"query": UNIT}, headers={"If-None-Match": etag, "Accept": RESULT})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("given", "lasting"),
    [
        ({"position": "352", "effectiveOn": "2023-06-30"}, True),
        ({"position": "352"}, False),
        ({"effectiveOn": "2023-06-30"}, False),
        ({}, False),
    ],
)
async def test_only_what_is_pinned_with_its_day_may_be_kept(real: Site, given: dict[str, str], lasting: bool) -> None:  # noqa: FBT001
    kept = "public, max-age=3600" if lasting else "no-cache"
    assert (await get(real, query=UNIT, **given)).headers["Cache-Control"] == kept
    erasable = "{ events(first: 1) { nodes { type } } }"
    assert (await get(real, query=erasable, **given)).headers["Cache-Control"] == "no-cache"
    assert (await get(real, query="{ unit(id: 1.5) }", **given)).headers["Cache-Control"] == "no-cache"


async def test_an_address_offers_queries_alone_and_without_one_graphiql(told: Site) -> None:
    assert (await get(told, query="mutation { a }")).status_code in {200, 405}
    assert (await get(told, RESULT, query="subscription { a }")).status_code in {400, 405}
    assert "graphiql" in (await told.http.get("/graphql")).text
    assert problem_of(await get(told, query=UNIT, variables="[1]"), 400)["code"] == "bad_parameter"
    assert problem_of(await get(told, query=UNIT, variables='{"a": 1, "a": 2}'), 400)["code"] == "bad_parameter"
    assert problem_of(await get(told, query=UNIT, asOf="2023-06-30"), 400)["code"] == "unknown_parameter"


async def test_it_says_which_methods_it_has(told: Site) -> None:
    found = await told.http.request("OPTIONS", "/graphql")
    assert (found.status_code, found.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def timeless(data: Any) -> Any:
    """The same without the moments in ids, and without cursors, which name the clocks that were given."""
    if isinstance(data, dict):
        given = cast("dict[str, Any]", data)
        return {key: one.partition("@")[0] if key == "id" else timeless(one) for key, one in given.items()}
    return [timeless(one) for one in cast("list[Any]", data)] if isinstance(data, list) else data


ASKED: dict[str, dict[str, Any]] = {
    "{ plans { nodes { id title } meta { self position } } }": {},
    f'query A {{ __typename }} query B($n: Int) {{ tasks(plan: "{PLAN_ID}", first: $n, q: "信用") '
    "{ nodes { id number text } meta { self } } }": {"variables": {"n": 3}, "operationName": "B"},
    f'{{ then: task(id: "{TASK}", asOf: {{date: "2023-06-30"}}) {{ id meta {{ self effectiveOn }} }} '
    f'now: task(id: "{TASK}") {{ id text meta {{ self }} }} '
    f'day: task(id: "{TASK}", effectiveOn: "2023-05-01") {{ id text meta {{ self effectiveOn }} }} }}': {},
    "query ($id: ID!) { node(id: $id) { id ... on Task { text meta { self } } } }": {
        "variables": {"id": f"task:{TASK}@650,2023-10-12"}
    },
}


@pytest.mark.parametrize("query", ASKED)
async def test_self_is_the_address_that_gives_the_same_answer(told: Site, query: str) -> None:
    sent = (await post(told, query, **ASKED[query])).json()
    assert "errors" not in sent
    addresses = set(re.findall(r'"self":"([^"]*)"', json.dumps(sent, separators=(",", ":"))))
    assert len(addresses) == 1  # it is the whole answer's, however many roots there are
    address = addresses.pop()
    assert address.startswith("/graphql?")
    got = await told.http.get(address)
    assert timeless(got.json()["data"]) == timeless(sent["data"])
    assert (await told.http.get(address)).json() == got.json()


async def test_self_is_null_where_no_address_is_the_same_for_ever(told: Site) -> None:
    asked = f'{{ task(id: "{TASK}"%s) {{ meta {{ self }} }} }} #%s'

    async def address(clock: str, comment: str) -> str | None:
        return (await told.ask(asked % (clock, comment)))["task"]["meta"]["self"]

    assert len(await address("", "x" * 7_000) or "") > 7_000
    assert await address("", "x" * 8_000) is None
    today = (await told.ask("{ plans { meta { effectiveOn } } }"))["plans"]["meta"]["effectiveOn"]
    assert await address(f', asOf: {{date: "{today}"}}', "") is None


@pytest.mark.parametrize("first", ["0", "null"])
async def test_a_page_may_be_empty_or_of_the_usual_size(told: Site, first: str) -> None:
    wanted = "nodes { number } totalCount pageInfo { hasNextPage endCursor }"
    page = (await told.ask(f'{{ tasks(plan: "{PLAN_ID}", first: {first}) {{ {wanted} }} }}'))["tasks"]
    assert page["totalCount"] == 67
    assert len(page["nodes"]) == (0 if first == "0" else 67)
    assert page["pageInfo"]["hasNextPage"] is (first == "0")


async def test_all_reports_of_a_plan_come_with_their_words(told: Site) -> None:
    asked = f'{{ reports(plan: "{PLAN_ID}", first: 50) {{ nodes {{ canonicalId narrative {{ text }} }} }} }}'
    nodes = (await told.ask(asked))["reports"]["nodes"]
    rows = (await told.get(f"{PLAN}/reports", limit=50))["items"]
    assert [(one["canonicalId"], one["narrative"]["text"]) for one in nodes] == [
        (one["id"], one["narrative"]["text"]) for one in rows
    ]
    assert len(nodes) == 50

"""Whatever is asked, the answer is what was asked for or a problem document, and never our mistake."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cli.describe import OPENAPI
from api.main import service
from domain.commands import COMMANDS
from tests.conftest import PLAN, TASK, Site, database_of, problem_of, serving, settings_for

PATHS: dict[str, dict[str, Any]] = json.loads((OPENAPI / "openapi.json").read_bytes())["paths"]
READS = sorted(path for path, item in PATHS.items() if "get" in item and path != "/v1/stream")  # which goes on
WRITES = sorted(path for path, item in PATHS.items() if "post" in item)
GOOD = {"plan": "shanghai-credit-2023", "key": "21", "unit": "shi-ke-wei", "code": "310115", "position": "1"} | {
    "number": "3",
    "platform": "sui-shen-ban",
    "export": "tasks",
}
ODD = ["", "0", "-1", "%00", "%FF", "%F0%9F%98%80", "..%2F", "'%3B--", "null", "9" * 400, "x" * 2_000]
ODD_QUERIES = [
    "",
    "?nonsense=1",
    "?asOf=",
    "?asOf=%00",
    "?asOf=2023-06-30T12:00:00+08:00",
    "?asOf=2023-04-03&asOf=2023-04-03",
    "?effectiveOn=9999-99-99",
    "?position=-1",
    "?position=99999999999999999999",
    "?position=1&effectiveOn=1900-01-01",
    "?position=1&asOf=2023-04-03",
    "?limit=-1&after=x&type=%00",
    "?%00=%00",
    "?=&&=",
    "?" + "a" * 3_000,
]
BOUNDED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
async def shared(server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported record, served once."""
    async with (
        database_of(server, "imported") as dsn,
        service(settings_for(dsn, folder)) as running,
        serving(running) as served,
    ):
        yield served


def address(path: str, value: str | None = None) -> str:
    """A path of openapi.json with good values in it, or with another one in all places."""
    for name, good in GOOD.items():
        path = path.replace(f"{{{name}}}", good if value is None else value)
    assert "{" not in path, "a part of an address that these tests do not know yet"
    return path


def question(path: str) -> str:
    """What an address must be asked with: a difference lies between two moments, and evidence is of something."""
    if path == "/v1/evidence":
        return "?of=/v1/plans/shanghai-credit-2023"
    return "?from=300" if path.endswith("/diff") else ""


async def foreseen(site: Site, target: str) -> int:
    """The status of a GET, which is 200 or that of a problem document below 500."""
    response = await site.http.get(target)
    if response.status_code == 308:  # a trailing slash: the resource has another address
        return await foreseen(site, response.headers["Location"])
    if response.status_code != 200:
        assert response.status_code < 500, f"{target}: {response.text}"
        assert problem_of(response, response.status_code)["detail"]
    return response.status_code


def test_there_are_addresses_to_try() -> None:
    assert len(READS) >= 14
    assert WRITES == ["/graphql", "/v1/commands", "/v1/demo/clock"]


@pytest.mark.parametrize("path", READS)
async def test_a_good_question_is_answered(shared: Site, path: str) -> None:
    assert await foreseen(shared, address(path) + question(path)) == 200


@pytest.mark.parametrize("path", READS)
async def test_a_nonsensical_parameter_is_a_problem_or_does_not_matter(shared: Site, path: str) -> None:
    found = [await foreseen(shared, address(path) + query) for query in ODD_QUERIES]
    assert found[0] == (400 if question(path) else 200)
    if path.startswith("/v1/"):
        assert found.count(200) <= 2


@pytest.mark.parametrize("path", [path for path in READS if "{" in path])
async def test_a_nonsensical_id_is_a_problem(shared: Site, path: str) -> None:
    # An empty part of an address is another address, which may be there.
    for odd in ODD:
        assert await foreseen(shared, address(path, odd) + question(path)) != 200 or odd == ""


names = st.sampled_from(["asOf", "position", "effectiveOn", "after", "limit", "stream", "type", "x"])
values = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.dates().map(str),
    st.datetimes().map(lambda one: f"{one.isoformat()}Z"),
    st.floats().map(str),
)
queries = st.lists(st.tuples(names, values), min_size=1, max_size=4)


@BOUNDED
@given(path=st.sampled_from(READS), query=queries)
async def test_random_queries_are_never_our_mistake(shared: Site, path: str, query: list[tuple[str, str]]) -> None:
    written = "&".join(f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query)
    await foreseen(shared, f"{address(path)}?{written}")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "task",
    "unit",
    "plan",
    "text",
    "reason",
    "period",
    "status",
    "narrative",
    "evidence",
    "measurement",
    "replaces",
    "target",
    "effectiveOn",
    "due",
    "number",
    "expectedVersion",
    "measure",
    "part",
    "member",
    "name",
    "kind",
    "district",
    "successors",
    "alias",
    "closed",
    "role",
    "literal",
    "value",
    "issuedOn",
]
SENSIBLE = [TASK, "shi-ke-wei", "ge-qu-ren-min-zheng-fu", "2023", "2023-Q2", "lead", 1, 2**53 - 1, 21, "x"]
BEGUN = [f'{{task(id: "{TASK}") {{', "{units(first: ", "query ($a: ID!) {unit(id: $a) {", "{__schema {", ""]


def command(kind: str, rest: dict[str, Any]) -> dict[str, Any]:
    """A command that is nearly right."""
    return {"type": kind, "reason": "试", **rest}


def query(head: str, tail: str) -> dict[str, Any]:
    """A query that begins well."""
    return {"query": head + tail}


def encoded(value: Any) -> bytes:
    """JSON, with NaN and infinities where there are any."""
    return json.dumps(value).encode()


values_of_fields: st.SearchStrategy[Any] = st.sampled_from(SENSIBLE) | json_values
commands: st.SearchStrategy[dict[str, Any]] = st.builds(
    command, st.sampled_from(COMMANDS), st.dictionaries(st.sampled_from(FIELDS), values_of_fields, max_size=6)
)
tails = st.text(alphabet='{}()[]"$:!@ abidn01_…\\', max_size=24)
anything: st.SearchStrategy[Any] = st.one_of(
    json_values, commands, st.lists(commands, max_size=3), st.builds(query, st.sampled_from(BEGUN), tails)
)
bodies: st.SearchStrategy[bytes] = st.binary(max_size=60) | anything.map(encoded)


@settings(BOUNDED, max_examples=250)
@given(path=st.sampled_from(WRITES), body=bodies, dry=st.booleans())
async def test_random_bodies_are_never_our_mistake(shared: Site, path: str, body: bytes, *, dry: bool) -> None:
    target = f"{path}?dryRun=true" if dry and path == "/v1/commands" else path
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {shared.running.token}"}
    response = await shared.http.post(target, content=body, headers=headers)
    assert "Traceback" not in response.text
    if response.status_code != 200:
        assert response.status_code < 500, f"{target}: {body!r}: {response.text}"
        problem_of(response, response.status_code)
    elif path == "/graphql":
        for error in response.json().get("errors", ()):
            assert error["extensions"]["code"] != "internal", f"{body!r}: {error}"


async def test_after_all_that_the_record_still_answers(shared: Site) -> None:
    assert (await shared.get(PLAN))["counts"]["tasks"] == 67

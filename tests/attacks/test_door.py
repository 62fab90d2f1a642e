"""The door: one reading of every request, and no request that costs more than it is worth."""

import ast
import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api import pages
from api.hosting.serving import listening, server_of
from api.http.front import Front
from tests.attacks.conftest import Victim, refused_cheaply
from tests.conftest import PLAN, Site
from tests.integration.commands import PROJECT, free_port

PINNED = f"{PLAN}/tasks?position=300&effectiveOn=2023-06-30"
JSON = {"Content-Type": "application/json"}
QUERY = json.dumps({"query": "{ plans { totalCount } }"}).encode()


async def raw(port: int | None, request: bytes, *, ends: bool = False) -> tuple[int, dict[str, str], bytes]:
    """What is answered to these very bytes: status, headers, body. `ends`: the client sends no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    if ends:
        writer.write_eof()
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1")
    status, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", "0"))), 10)
    writer.close()
    return int(status.split()[1]), headers, body


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: example.org", *headers, "", ""]).encode()


def post(path: str, *headers: str, body: bytes = QUERY) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: example.org", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# One reading: what stands twice is one list, or is refused.


async def test_two_lines_of_accept_are_one_list_and_poison_nobodys_answer(shared: Site) -> None:
    port = shared.http.base_url.port
    for lines in (["Accept: text/csv", "Accept: */*"], ["Accept: */*", "Accept: text/csv"]):
        status, headers, _ = await raw(port, get(PINNED, *lines))
        assert (status, headers["content-type"]) == (200, "text/csv; header=present; charset=utf-8")
    honest = await shared.http.get(PINNED, headers={"Accept": "*/*"})
    assert honest.headers["Content-Type"] == "application/json"
    assert len(honest.json()["items"]) == 53


@pytest.mark.parametrize(
    "line",
    [
        "Accept-Datetime: Fri, 30 Jun 2023 04:00:00 GMT",
        "Authorization: Bearer x",
        "Idempotency-Key: x",
        "Host: example.org",
        "Content-Type: application/json",
    ],
)
async def test_a_header_that_stands_alone_is_refused_twice_on_every_door(shared: Site, line: str) -> None:
    port = shared.http.base_url.port
    for request in (
        get(f"{PLAN}/tasks/21", line, line),
        post("/graphql", line, line),
        post("/v1/commands", line, line),
    ):
        status, _, body = await raw(port, request)
        assert (status, json.loads(body)["code"]) == (400, "bad_header")


async def test_handlers_see_the_question_and_nothing_else_of_the_request() -> None:
    """Who reads the request again may read it otherwise than the memory in front did."""
    raw_parts = {
        "headers",
        "scope",
        "url",
        "query_params",
        "cookies",
        "base_url",
        "content_type",
        "method",
        "body",
        "json",
    }
    found = [
        f"{path.name}:{node.lineno} {node.attr}"
        for folder in ("resources", "pages", "graphql")
        for path in sorted((PROJECT / "api" / folder).glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in raw_parts
        if isinstance(node.value, ast.Name) and node.value.id == "request"
    ]
    assert found == []


# One resource has one address.


@pytest.mark.parametrize(
    "path", ["/v1/units", PLAN, f"{PLAN}/tasks/21", "/plans/shanghai-credit-2023", "/openapi.json"]
)
async def test_a_trailing_slash_leads_to_the_one_address(shared: Site, path: str) -> None:
    moved = await shared.http.get(f"{path}/?asOf=2023-04-03")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"{path}?asOf=2023-04-03")
    assert (await shared.http.head(f"{path}/")).status_code == 308


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/v1//units", "/v1/units"),
        ("//v1/units", "/v1/units"),
        ("/v1/plans%2Fshanghai-credit-2023", PLAN),
        (f"{PLAN}.csv", PLAN),
        (f"{PLAN}.json", PLAN),
        (f"{PLAN}/tasks/21.ndjson", f"{PLAN}/tasks/21"),
        (f"{PLAN}/tasks.xml", f"{PLAN}/tasks"),
        (f"{PLAN}/tasks/21/timemap.csv", f"{PLAN}/tasks/21/timemap"),
        ("/v1/events/1.csv", "/v1/events/1"),
    ],
)
async def test_another_spelling_is_nowhere_and_names_the_right_one(shared: Site, path: str, right: str) -> None:
    status, headers, body = await raw(shared.http.base_url.port, get(path))
    problem = json.loads(body)
    assert (status, problem["code"], headers["content-type"]) == (404, "unknown_address", "application/problem+json")
    assert f"it is {right}" in problem["detail"]
    assert (await shared.http.get(right)).status_code == 200


async def test_litestars_own_pages_are_gone(shared: Site) -> None:
    for path in ("/litestar-schema", "/litestar-schema/openapi.json", "/schema"):
        await shared.problem(404, path)


# Foreseeable trouble is named.


@pytest.mark.parametrize("host", ["", "Host: a/b@c\r\n", "Host: a\r\nHost: b\r\n", "Host: \r\n", "Host: a b\r\n"])
async def test_a_host_that_is_none_or_two_is_a_problem(shared: Site, host: str) -> None:
    for path in ("/v1/units", "/", "/graphql"):
        status, headers, body = await raw(shared.http.base_url.port, f"GET {path} HTTP/1.1\r\n{host}\r\n".encode())
        assert (status, "problem" in headers["content-type"] or b"<html" in body) == (400, True)


@pytest.mark.parametrize("year", ["9999", "3000", "2999"])
async def test_a_memento_of_a_far_future_is_the_last(shared: Site, year: str) -> None:
    path = f"{PLAN}/tasks/21"
    answer = await shared.http.get(path, headers={"Accept-Datetime": f"Fri, 31 Dec {year} 23:59:59 GMT"})
    assert answer.status_code == 302
    assert f"position={shared.running.reader.head.size}&" in answer.headers["Location"]
    assert (await shared.http.get(answer.headers["Location"])).status_code == 200


@pytest.mark.parametrize("path", ["/graphql", "/v1/commands", "/v1/demo/clock"])
async def test_a_body_that_is_cut_short_is_a_problem_on_every_door(shared: Site, path: str) -> None:
    token = f"Authorization: Bearer {shared.running.token}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{token}\r\n"
    cut = f"{head}Content-Length: 50\r\n\r\n{{".encode()
    broken = f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\nzz\r\n".encode()
    for request, ends in ((cut, True), (broken, False)):
        status, _, body = await raw(shared.http.base_url.port, request, ends=ends)
        assert (status, json.loads(body)["code"]) == (400, "cut_short")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/export/tasks.csv",
        "/v1/export/events.parquet",
        "/v1/events.ndjson",
        "/v1/stream?after=0",
        "/v1/stream.ndjson?after=0",
        "/v1/tasks?minPosition=100000000",
        "/v1/events?after=100000000&waitSeconds=2",
        "/v1/plans/shanghai-credit-2023/tasks",
    ],
)
async def test_who_reads_with_a_body_that_is_none_is_answered(shared: Site, path: str) -> None:
    """What serves us says of such a client that it has gone; it may still wait for an answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n".encode()
    for _ in range(3):
        status, _, _ = await raw(shared.http.base_url.port, request, ends=False)
        assert status in {200, 404, 499}, path


async def test_nobody_guesses_what_an_answer_is(shared: Site) -> None:
    for path in (
        "/",
        "/v1/units",
        "/v1/units.csv",
        "/openapi.json",
        "/docs",
        "/graphql",
        "/health/live",
        "/none",
        "/v1/units/",
    ):
        assert (await shared.http.get(path)).headers["X-Content-Type-Options"] == "nosniff", path
    for path in ("/graphql", "/v1/commands"):
        answer = await shared.http.post(path, content=QUERY, headers=JSON)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Access-Control-Allow-Origin"] == "*", path


# Nothing costs more than it is worth.

KEYS = b"{" + b",".join(b'"%d":0' % number for number in range(20_000)) + b',"19999":0}'
ATTACKS: dict[str, Callable[[Victim], Awaitable[httpx.Response]]] = {
    "20,000 keys, one twice, GraphQL": lambda one: one.http.post("/graphql", content=KEYS, headers=JSON),
    "20,000 keys, one twice, commands": lambda one: one.http.post(
        "/v1/commands?dryRun=true", content=KEYS, headers=JSON | one.bearer
    ),
    "9,000 unknown parameters": lambda one: one.http.get(f"/v1/units?{'&'.join(f'x{n}' for n in range(9_000))}"),
    "10,000 times one parameter": lambda one: one.http.get(f"/v1/units?{'&'.join(['x=1'] * 10_000)}"),
    "57 KB of one name": lambda one: one.http.get(f"/v1/units?{'x' * 57_000}=1"),
    "a long Accept": lambda one: one.http.get("/v1/units", headers={"Accept": "text/csv;q=0.1," * 3_000}),
    "a long Accept-Encoding": lambda one: one.http.get("/v1/units", headers={"Accept-Encoding": "gzip;q=0," * 5_000}),
    "a long Accept-Datetime": lambda one: one.http.get(PLAN, headers={"Accept-Datetime": "Fri," * 9_000}),
    "a long If-None-Match": lambda one: one.http.get("/v1/units", headers={"If-None-Match": 'W/"x",' * 7_000}),
    "a deep body": lambda one: one.http.post("/graphql", content=b"[" * 200_000, headers=JSON),
    "a body of backslashes": lambda one: one.http.post("/graphql", content=b'"' + b"\\" * 200_000, headers=JSON),
    "a number of 200,000 digits": lambda one: one.http.post("/graphql", content=b"1" * 200_000, headers=JSON),
    "a long path": lambda one: one.http.get(f"/v1/units/{'a' * 60_000}"),
    "a path of dots": lambda one: one.http.get(f"/v1/units/{'.' * 30_000}x.csv"),
    "a path of slashes": lambda one: one.http.get(f"/v1{'/' * 30_000}units"),
    "a long cursor": lambda one: one.http.get(f"/v1/units?cursor={'A' * 57_000}"),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_is_refused_costs_little_and_keeps_nothing(victim: Victim, name: str) -> None:
    await victim.is_honest()
    async with victim.costs() as cost:
        answer = await ATTACKS[name](victim)
    assert 400 <= answer.status_code < 500, answer.text[:500]
    refused_cheaply(cost)
    await victim.is_honest()


@pytest.mark.parametrize("document", ["/openapi.json", "/schema.graphql", "/docs", "/graphql"])
async def test_what_holds_nothing_of_the_log_is_made_once(victim: Victim, document: str) -> None:
    first = await victim.http.get(document)
    async with victim.costs() as cost:
        again = [await victim.http.get(document) for _ in range(10)][-1]
    assert again.content == first.content
    assert "Log-Position" not in again.headers
    assert cost.cpu < 0.1
    unchanged = await victim.http.get(document, headers={"If-None-Match": first.headers["ETag"]})
    assert unchanged.status_code == 304


MARK = "\u4e95"  # a letter that stands in none of our own sentences
LONG = MARK * 3_000
BLANKS = f"{MARK} " * 3_000


def echoing() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Requests that hold a long text in one place after the other."""
    for text in (LONG, BLANKS):
        yield "GET", f"/v1/units/{text}", {}
        yield "GET", f"/v1/plans/{text}/tasks", {}
        yield "GET", f"/plans/{text}", {}
        yield "GET", f"/{text}", {}
        yield "GET", f"/v1/units.{text}", {}
        for name in (
            "asOf",
            "position",
            "effectiveOn",
            "minPosition",
            "cursor",
            "limit",
            "kind",
            "district",
            "q",
            text,
        ):
            yield "GET", "/v1/units", {"params": {name: text}}
        for name in ("after", "type", "stream", "plan", "unit", "district"):
            yield "GET", "/v1/events", {"params": {name: text}}
        for name in ("reportedStatus", "sort", "role", "number", "platform"):
            yield "GET", f"{PLAN}/tasks", {"params": {name: text}}
        for name in ("from", "to", "fromEffectiveOn", "plan", "kind"):
            yield "GET", "/v1/diff", {"params": {"from": "1", name: text}}
        for name in ("from", "to", "plan", "lang"):
            yield "GET", "/changes", {"params": {name: text}}
        yield "GET", f"{PLAN}/tasks/21", {"headers": {"Accept-Datetime": text.encode().strip()[:7_998]}}
        yield "POST", "/graphql", {"content": b"{}", "headers": {"Content-Type": text.encode()[:6_999].strip()}}
        reword = {"type": "task.reword", "task": "shanghai-credit-2023/21", "text": "x", "reason": "y"}
        for change in ({"type": text}, {"task": text}, {text: 1}, {"effectiveOn": text}, {"expectedVersion": text}):
            yield "POST", "/v1/commands?dryRun=true", {"json": reword | change}
        report = {"type": "progress.report", "task": "shanghai-credit-2023/21", "unit": "a", "status": "completed"}
        for change in (
            {"period": text},
            {"unit": text},
            {"status": text},
            {"period": "2023", "evidence": [{"url": text}]},
        ):
            yield "POST", "/v1/commands?dryRun=true", {"json": report | change}
        yield "POST", "/v1/commands?dryRun=true", {"content": f'{{"{text}":1,"{text}":2}}'.encode(), "headers": JSON}
        yield "POST", "/v1/demo/clock", {"json": {"now": text}}
        for query in (
            text,
            f"{{ {text} }}",
            f'{{ task(id: "{text}") {{ id }} }}',
            f'{{ plans(after: "{text}") {{ totalCount }} }}',
            f'{{ plans(asOf: {{date: "{text}"}}) {{ totalCount }} }}',
            f'{{ history(of: {{unit: "{text}"}}) {{ nodes {{ stream }} }} }}',
        ):
            yield "POST", "/graphql", {"json": {"query": query}}
        yield "POST", "/graphql", {"json": {"query": "query A { plans { totalCount } }", "operationName": text}}
        variables = {"query": "query A($d: Date) { plans(effectiveOn: $d) { totalCount } }", "variables": {"d": text}}
        yield "POST", "/graphql", {"json": variables}


async def test_an_error_echoes_at_most_200_characters_of_what_was_sent(site: Site) -> None:
    loud: list[str] = []
    for method, path, request in echoing():
        headers = {"Authorization": f"Bearer {site.running.token}", **request.pop("headers", {})}
        answer = await site.http.request(method, path, headers=headers, **request)
        assert answer.status_code < 500, answer.text[:300]
        wrong = answer.status_code >= 400 or "errors" in answer.text[:3_000]
        if wrong and answer.text.count(MARK) + answer.text.count("\\u4e95") > 200:
            loud.append(f"{method} {path[:60]} {str(request)[:80]}: {answer.text.count(MARK)}")
    assert loud == [], "\n".join(loud)


# Answers in pieces.


@asynccontextmanager
async def in_front_of(site: Site, app: Any) -> AsyncGenerator[str]:
    """The door in front of another application, served."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)
            return
        for _ in range(2):  # startup, shutdown
            await send({"type": f"{(await receive())['type']}.complete"})

    port = free_port()
    server = server_of(
        Front(inner, site.running.reader, site.running.meter, pages.failed), listening("127.0.0.1", port)
    )
    task = asyncio.create_task(server.serve())
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await task


async def test_what_the_application_sends_in_pieces_is_one_answer(site: Site) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"one\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with in_front_of(site, app) as base, httpx.AsyncClient() as http:
        answer = await http.head(f"{base}/pieces")
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await http.get(f"{base}/pieces")).text == "one\n" * 3

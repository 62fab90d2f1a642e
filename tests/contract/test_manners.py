"""The manners of HTTP, at every address: what is taken, what may be asked there, who may read, and since when."""

import json
from collections.abc import Mapping

import httpx
import pytest

from tests.conftest import PLAN, TASK, Site, problem_of
from tests.contract.test_problems import PATHS, READS, WRITES, address, question

STREAMS = ("/v1/stream", "/v1/stream.ndjson")
PAGES = ("/", "/plans/shanghai-credit-2023", "/plans/shanghai-credit-2023/tasks/21", "/units/shi-ke-wei", "/changes")
PAGES_OF = ("/docs", "/graphql", "/schema.graphql", "/schemas/events/task.added.v1.schema.json")
ALL_READS = [*(address(path) + question(path) for path in READS), *PAGES, *PAGES_OF, f"{PLAN}/tasks.csv", *STREAMS]
WRONG = [
    *("/v1/nowhere", "/plans/none", f"{PLAN}/tasks/999", "/v1/units?x=1", "/v1/units/", "/v1//units", "/v1/%ff"),
    *("/v1/commands", "/v1/units?cursor=x", "/v1/events?after=-1", "/plans/%ff", "/feeds/events"),
    *("/log/checkpoint", "/log/0000000000000000/key", "/assets/none.js", "/v1/stream?after=x", "/graphql?query={"),
]
LISTED = f"{PLAN}/tasks"
IN_FORMS = "application/json or application/x-ndjson or text/csv"
JSON_READS = [
    # What has a suffix has one form, whatever Accept says.
    *(p for p in READS if p.startswith("/v1/") and "." not in p and not p.endswith(("/timemap", "/proof"))),
]


@pytest.mark.parametrize("path", JSON_READS)
@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/xml, text/html;q=0.9"])
async def test_who_takes_no_form_of_an_address_is_told_which_there_are(told: Site, path: str, accept: str) -> None:
    problem = problem_of(await told.http.get(address(path) + question(path), headers={"Accept": accept}), 406)
    assert problem["code"] == "not_acceptable"
    assert "application/json" in problem["detail"]


@pytest.mark.parametrize("path", JSON_READS)
@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
)
async def test_who_takes_anything_is_answered_in_json(told: Site, path: str, accept: str) -> None:
    answer = await told.http.get(address(path) + question(path), headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("path", "accept", "detail"),
    [
        (
            LISTED,
            "image/png",
            f"this is {IN_FORMS}: let Accept take that, or leave it out; or ask for {LISTED}.csv or {LISTED}.json or ",
        ),
        ("/v1/events", "text/html", f"this is {IN_FORMS} or application/cloudevents-batch+json"),
        (f"{PLAN}/tasks/21", "text/csv", "this is application/json: let Accept take that, or leave it out"),
        (f"{PLAN}/tasks/21", "text/*", "this is application/json: let Accept take that, or leave it out"),
        (f"{PLAN}/tasks/21/timemap", "application/json", "this is application/link-format"),
        ("/v1/events/1/proof", "text/html", "this is text/plain or application/json"),
        ("/v1/stream", "application/x-ndjson", "this is text/event-stream"),
    ],
)
async def test_the_problem_names_the_forms_and_the_suffixes(told: Site, path: str, accept: str, detail: str) -> None:
    problem = problem_of(await told.http.get(path, headers={"Accept": accept}), 406)
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        (LISTED, "text/*", "text/csv; header=present; charset=utf-8"),
        (LISTED, "image/png, application/x-ndjson;q=0.1", "application/x-ndjson"),
        ("/v1/events", "application/cloudevents-batch+json", "application/cloudevents-batch+json"),
        (f"{LISTED}.csv", "application/json", "text/csv; header=present; charset=utf-8"),
        (f"{LISTED}.ndjson", "image/png", "application/x-ndjson"),
        ("/v1/stream.ndjson?follow=false", "image/png", "application/x-ndjson"),
        ("/v1/events/1/proof", "text/*", "text/plain; charset=utf-8"),
        (f"{PLAN}/tasks/21/timemap", "application/*", "application/link-format"),
        ("/", "application/json", "text/html; charset=utf-8"),
        ("/openapi.json", "text/html", "application/json"),
        ("/feeds/events.atom", "image/png", "application/atom+xml"),
    ],
)
async def test_what_is_taken_is_given(told: Site, path: str, accept: str, media_type: str) -> None:
    answer = await told.http.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)


async def test_what_is_not_taken_is_not_given_from_memory(told: Site) -> None:
    for accept, status in (("*/*", 200), ("image/png", 406), ("application/json", 200), ("image/png", 406)):
        assert (await told.http.get(f"{PLAN}/tasks/{TASK[-2:]}", headers={"Accept": accept})).status_code == status


async def headers_of(site: Site, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, str]]:
    """The status and the headers, but for when it was and how the bytes come; a stream is left once they are there."""
    async with site.http.stream(method, path, headers=headers) as answer:
        names = {"date", "transfer-encoding"}
        return answer.status_code, {name: value for name, value in answer.headers.items() if name not in names}


@pytest.mark.parametrize("path", [*ALL_READS, *WRONG])
async def test_head_is_told_what_get_is_told_but_for_the_body(told: Site, path: str) -> None:
    got = await headers_of(told, "GET", path)
    assert await headers_of(told, "HEAD", path) == got
    assert (await told.http.head(path)).content == b""


@pytest.mark.parametrize("path", [path for path in [*PATHS, "/docs", "/", "/plans/x"] if path not in READS])
async def test_head_is_refused_where_get_is(told: Site, path: str) -> None:
    assert await headers_of(told, "HEAD", address(path)) == await headers_of(told, "GET", address(path))


@pytest.mark.parametrize("path", [*PATHS, "/", "/docs", "/units/shi-ke-wei", "/v1/stream.ndjson"])
async def test_an_address_names_the_methods_that_it_takes(told: Site, path: str) -> None:
    described = PATHS.get(path, {"get": {}})
    allowed = {"OPTIONS", *map(str.upper, described), *({"HEAD"} if "get" in described else ())}
    asked = await told.http.options(address(path))
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["Allow"] == ", ".join(sorted(allowed))
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"} - allowed:
        refused = await told.http.request(method, address(path))
        assert (refused.status_code, refused.headers["Allow"]) == (405, asked.headers["Allow"]), method
        if method != "HEAD":
            assert problem_of(refused, 405)["detail"] == f"this address takes {asked.headers['Allow']}"


async def test_a_subscription_in_an_address_is_told_the_methods_too(told: Site) -> None:
    refused = await told.http.get("/graphql", params={"query": "subscription { events { position } }"})
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


KNOWN: dict[str, list[tuple[str, httpx.Headers]]] = {}
ASKING: list[tuple[str, dict[str, str]]] = [
    *((method, {}) for method in ("GET", "HEAD", "OPTIONS", "PUT")),
    ("GET", {"If-None-Match": "*"}),
    ("GET", {"Accept": "image/png"}),
    ("GET", {"Accept-Datetime": "Fri, 30 Jun 2023 04:00:00 GMT"}),
    ("GET", {"Accept-Datetime": "then"}),
    ("OPTIONS", {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "accept-datetime"}),
]


async def answers_of(site: Site, path: str) -> list[tuple[str, httpx.Headers]]:
    """How an address is asked, and the headers of what is answered, good and bad; each is asked once for all tests."""
    if path not in KNOWN:
        found: list[tuple[str, httpx.Headers]] = []
        for method, more in ASKING:
            headers = {"Origin": "https://elsewhere.example"} | more
            async with site.http.stream(method, path, headers=headers) as answer:
                found.append((f"{method} {path} {more}: {answer.status_code}", answer.headers))
        KNOWN[path] = found
    return KNOWN[path]


@pytest.mark.parametrize("path", [*ALL_READS, *WRONG, *WRITES])
async def test_every_origin_may_read_every_answer(told: Site, path: str) -> None:
    for asked, headers in await answers_of(told, path):
        assert headers.get_list("Access-Control-Allow-Origin") == ["*"], asked


async def test_what_is_sent_may_be_read_by_programs_in_browsers(told: Site) -> None:
    not_for_programs = {"x-content-type-options", "content-security-policy", "referrer-policy", "x-accel-buffering"}
    always_shown = {"cache-control", "content-language", "content-length", "content-type", "expires", "pragma"}
    of_the_connection = {"date", "server", "transfer-encoding", "connection"}
    for path in [*ALL_READS, *WRONG]:
        for asked, headers in await answers_of(told, path):
            shown = set(headers["Access-Control-Expose-Headers"].lower().split(", "))
            sent = {name for name in headers if not name.startswith("access-control-")}
            assert sent - shown - always_shown - not_for_programs - of_the_connection == set(), asked
            assert {"ratelimit", "ratelimit-policy", "deprecation", "sunset", "items", "repr-digest"} < shown


async def test_a_browser_that_asks_beforehand_is_told_yes_at_any_address(told: Site) -> None:
    for path in ("/v1/units", "/v1/nowhere", "/graphql", "/v1/commands"):
        asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
        answer = await told.http.options(path, headers={"Origin": "https://elsewhere.example"} | asking)
        assert answer.status_code == 204
        assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", [*ALL_READS, *WRONG])
async def test_text_says_its_charset_and_json_has_but_one(told: Site, path: str) -> None:
    for asked, headers in await answers_of(told, path):
        kind, _, parameters = headers.get("Content-Type", "").partition(";")
        assert not kind.startswith("text/") or "charset=utf-8" in parameters, asked
        assert not kind.endswith("json") or parameters == "", asked


@pytest.mark.parametrize("path", STREAMS)
async def test_what_goes_on_is_not_packed(told: Site, path: str) -> None:
    _, headers = await headers_of(told, "GET", path, **{"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in headers


# What cuts a line in Python, JavaScript or Java. In a text of old may stand what no command may say any more.
CUTTING = "甲\u0085乙\u2028丙\u2029丁\r戊\n己\v庚\f辛\x1c壬\x1d癸\x1e。"


@pytest.mark.usefixtures("words_of_old")
async def test_no_text_cuts_a_line(site: Site) -> None:
    await site.record({"type": "task.reword", "task": TASK, "text": CUTTING, "reason": CUTTING})
    (task,) = (await site.get(f"{PLAN}/tasks", number=21))["items"]
    assert task["text"] == CUTTING
    (line,) = (await site.http.get(f"{PLAN}/tasks.ndjson?number=21")).text.splitlines()
    assert json.loads(line) == task
    last = (await site.get("/v1/events?after=352"))["items"][0]
    for path in ("/v1/events.ndjson?after=352", "/v1/stream.ndjson?after=352&follow=false"):
        (line,) = (await site.http.get(path)).text.splitlines()
        assert json.loads(line)["data"] == last["data"] == {"text": CUTTING}
    async with site.http.stream("GET", "/v1/stream?after=352") as stream:
        lines = stream.aiter_lines()  # which are cut as by splitlines()
        event = [await anext(lines) for _ in range(5)]
    assert [one.partition(":")[0] for one in event] == ["retry", "", "id", "data", ""]
    assert json.loads(event[3].removeprefix("data: "))["data"] == {"text": CUTTING}

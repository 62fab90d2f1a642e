"""The byte cache, its validators, and what is known of the head: over a socket, against a real database."""

import asyncio
import gzip
import timeit
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import brotli
import httpx
import msgspec
import pytest

from api.http import packing
from api.main import Service
from events.database import Connection
from tests.conftest import PLAN, TASK, Site, problem_of, serving

PINNED = f"{PLAN}/tasks?position=300&effectiveOn=2023-06-30"
REPORT = {
    "type": "progress.report",
    "task": TASK,
    "unit": "shi-wei-sheng-jian-kang-wei",
    "period": "2023-Q1",
    "status": "in_progress",
    "narrative": "已启动",
    "reason": "季报",
}


class Counted:
    """A pool that counts how often it lends a connection."""

    def __init__(self, running: Service) -> None:
        self.lent = 0
        self._reader = running.reader
        self._pool = running.reader.slices

    def __enter__(self) -> Self:
        self._reader.slices = self  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.slices = self._pool

    def acquire(self) -> Any:
        self.lent += 1
        return self._pool.acquire()


async def test_a_pinned_answer_may_be_kept_an_hour_and_one_at_the_head_is_always_asked_for(real: Site) -> None:
    pinned = await real.http.get(PINNED)
    head = await real.http.get(f"{PLAN}/tasks")
    half = await real.http.get(f"{PLAN}/tasks?position=300")
    assert pinned.headers["Cache-Control"] == "public, max-age=3600"
    assert head.headers["Cache-Control"] == half.headers["Cache-Control"] == "no-cache"
    assert {pinned.headers["Log-Position"], head.headers["Log-Position"]} == {"300", str(real.running.reader.head.size)}


async def test_nobody_keeps_what_a_demo_says_as_another_may_be_told_in_its_place(site: Site) -> None:
    assert (await site.http.get(PINNED)).headers["Cache-Control"] == "no-cache"


async def test_a_body_with_erasable_text_is_never_kept_by_others(real: Site) -> None:
    for path in ("/v1/events/300", "/v1/events", f"{PLAN}/tasks/21/history"):
        answer = await real.http.get(path, params={"position": 300, "effectiveOn": "2023-06-30"})
        assert answer.headers["Cache-Control"] == "no-cache", path


@pytest.mark.parametrize("path", [PINNED, f"{PLAN}/tasks", f"{PLAN}/tasks/21", "/v1/units", "/v1/events?limit=3"])
async def test_what_did_not_change_is_not_sent_again(site: Site, path: str) -> None:
    first = await site.http.get(path)
    for known in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        again = await site.http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    other = await site.http.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_the_same_question_is_read_once(site: Site) -> None:
    await site.http.get(f"{PLAN}/tasks")
    with Counted(site.running) as pool:
        for _ in range(3):
            await site.http.get(f"{PLAN}/tasks")
    assert pool.lent == 0


async def test_a_popular_question_is_read_once_for_all_who_ask_at_the_same_time(site: Site) -> None:
    with Counted(site.running) as pool:
        answers = await asyncio.gather(*(site.http.get(f"{PLAN}/tasks?unit=shi-ke-wei") for _ in range(20)))
    assert pool.lent == 1
    assert len({answer.content for answer in answers}) == 1


class Held(Counted):
    """A pool whose first connection is lent only once the gate opens."""

    def __init__(self, running: Service) -> None:
        super().__init__(running)
        self.gate = asyncio.Event()
        self.waits = asyncio.Event()

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Any]:
        self.lent += 1
        if self.lent == 1:
            self.waits.set()
            await self.gate.wait()
        async with self._pool.acquire() as connection:
            yield connection


async def test_who_asks_after_an_acknowledgement_is_not_given_an_older_flight(site: Site) -> None:
    path = f"{PLAN}/tasks/21"
    await site.clock("2023-05-01T09:00:00+08:00")
    with Held(site.running) as pool:
        early = asyncio.create_task(site.http.get(path))
        await pool.waits.wait()
        receipt = await site.record(REPORT)
        late = await site.http.get(path)
        pool.gate.set()
        assert late.headers["Log-Position"] == str(receipt["position"])
        assert int((await early).headers["Log-Position"]) < receipt["position"]


async def test_a_validator_covers_all_that_makes_a_body(real: Site, shared: Site) -> None:
    pinned = {"position": "300", "effectiveOn": "2023-06-30"}
    path = f"{PLAN}/tasks"
    seen = {
        "as it is": await _etag(real, path, pinned),
        "another day": await _etag(real, path, pinned | {"effectiveOn": "2023-07-01"}),
        "another position": await _etag(real, path, pinned | {"position": "301"}),
        "another question": await _etag(real, path, pinned | {"limit": "5"}),
        "another resource": await _etag(real, "/v1/units", pinned),
        "another form": await _etag(real, path, pinned, Accept="text/csv"),
        "its suffix": await _etag(real, f"{path}.csv", pinned),
        "another encoding": await _etag(real, path, pinned, **{"Accept-Encoding": "gzip"}),
        "yet another encoding": await _etag(real, path, pinned, **{"Accept-Encoding": "br"}),
        "another log of the same facts": await _etag(shared, path, pinned),
    }
    assert len(set(seen.values())) == len(seen), seen
    assert await _etag(real, path, dict(reversed(pinned.items()))) == seen["as it is"]


async def _etag(site: Site, path: str, query: dict[str, str], **headers: str) -> str:
    answer = await site.http.get(path, params=query, headers={"Accept-Encoding": "identity"} | headers)
    assert answer.status_code == 200
    return answer.headers["ETag"]


async def test_whoever_was_told_that_it_is_recorded_reads_it(site: Site) -> None:
    path = f"{PLAN}/tasks/21"
    await site.clock("2023-05-01T09:00:00+08:00")
    assert (await site.get(path))["reportedStatus"] == "not_reported"
    before = (await site.http.get(path)).headers["ETag"]
    receipt = await site.record(REPORT)
    after = await site.http.get(path, headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.json()["answered"]["count"] == 1
    assert after.headers["Log-Position"] == str(receipt["position"])


async def test_a_new_day_is_another_answer(site: Site) -> None:
    first = await site.get(PLAN)
    await site.clock("2023-05-01T09:00:00+08:00")
    assert (await site.get(PLAN))["meta"]["effectiveOn"] == "2023-05-01" != first["meta"]["effectiveOn"]


async def test_a_pinned_answer_outlives_what_is_recorded_later(site: Site) -> None:
    first = await site.http.get(PINNED)
    await site.record(REPORT)
    with Counted(site.running) as pool:
        again = await site.http.get(PINNED)
    assert pool.lent == 0
    assert again.content == first.content


async def test_an_erasure_makes_every_kept_answer_void(site: Site) -> None:
    first = await site.http.get(PINNED)
    async with site.running.pool.acquire() as connection:
        await connection.execute("UPDATE log_head SET erasure_epoch = erasure_epoch + 1")
    await site.running.reader.head.refresh()
    with Counted(site.running) as pool:
        again = await site.http.get(PINNED, headers={"If-None-Match": first.headers["ETag"]})
    assert pool.lent == 1
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]


async def test_another_process_hears_of_a_fact_within_moments(site: Site) -> None:
    async with serving(site.running) as other:
        path = f"{PLAN}/tasks/21"
        await other.get(path)
        receipt = await site.record(REPORT)
        body = await other.get(path, minPosition=receipt["position"])
        assert body["answered"]["count"] == 1


async def test_a_position_that_does_not_come_is_waited_for_and_then_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.reader.VISIBLE_WITHIN", 0.05)
    size = site.running.reader.head.size
    problem = await site.problem(503, PLAN, minPosition=size + 1)
    assert problem["code"] == "not_visible_yet"
    assert (await site.get(PLAN, minPosition=size))["meta"]["position"] == size


async def test_the_head_is_heard_of_through_the_database_alone(site: Site) -> None:
    """What another process appends is seen here without anybody asking."""
    head = site.running.reader.head
    async with site.running.pool.acquire() as connection:
        await connection.execute("UPDATE log_head SET demo_now = '2023-11-11T09:00:00+08:00'")
        await connection.execute("SELECT pg_notify('planrecord_head', '')")
    for _ in range(100):
        if str(head.today()) == "2023-11-11":
            break
        await asyncio.sleep(0.01)
    assert str(head.today()) == "2023-11-11"


async def test_a_listener_that_was_cut_off_calls_again(site: Site) -> None:
    head = site.running.reader.head
    await _cut_off(site.running.pool)
    assert (await site.get(PLAN))["counts"]["tasks"] == 67
    for _ in range(200):
        if head.listening:
            break
        await asyncio.sleep(0.02)
    assert head.listening
    receipt = await site.record(REPORT)
    assert (await site.get(f"{PLAN}/tasks/21"))["meta"]["position"] == receipt["position"]


async def _cut_off(pool: Any) -> None:
    """End the connection that listens."""
    connection: Connection
    async with pool.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%instants%'"
        )


async def since(site: Site, path: str) -> str | None:
    """When it is said to have changed last."""
    answer = await site.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.headers.get("Last-Modified")


async def test_what_is_shown_changed_last_with_its_last_fact_or_as_its_day_began(site: Site) -> None:
    await site.clock("2023-05-01T09:00:00+08:00")
    for path in (f"{PLAN}/tasks", f"{PLAN}/tasks/21", "/v1/units.csv", "/v1/events", "/", f"{PLAN}/summary"):
        assert await since(site, path) == "Sun, 30 Apr 2023 16:00:00 GMT", path  # as 1 May began in Shanghai
    assert await since(site, f"{PLAN}?effectiveOn=2023-06-30") == "Mon, 03 Apr 2023 01:00:00 GMT"
    assert await since(site, f"{PLAN}?position=300") == "Mon, 03 Apr 2023 01:00:00 GMT"
    assert await since(site, f"{PLAN}?asOf=2023-04-20") == "Wed, 19 Apr 2023 16:00:00 GMT"
    await site.record(REPORT)
    assert await since(site, f"{PLAN}/tasks/21") == "Mon, 01 May 2023 01:00:00 GMT"


async def test_what_may_have_lost_a_text_since_does_not_say_since_when_it_stands(site: Site) -> None:
    assert await since(site, "/v1/events/300?position=352") is None
    assert await since(site, f"{PLAN}/reports.ndjson?position=352") is None


async def test_a_second_fact_of_a_second_is_not_lost_to_who_names_the_first(site: Site) -> None:
    path = f"{PLAN}/tasks/21"
    await site.clock("2023-05-01T09:00:00+08:00")
    await site.record(REPORT)
    first = await site.http.get(path)
    await site.record(REPORT | {"period": "2023", "status": "completed"})
    again = await site.http.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.headers["Last-Modified"] == first.headers["Last-Modified"]
    assert (again.status_code, again.content != first.content) == (200, True)


@pytest.mark.parametrize(("coding", "unpacked"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
async def test_bodies_are_packed_for_those_who_take_it(
    site: Site, coding: str, unpacked: Callable[[bytes], bytes]
) -> None:
    plain = await site.http.get(PINNED, headers={"Accept-Encoding": "identity"})
    refused = await site.http.get(PINNED, headers={"Accept-Encoding": "gzip;q=0"})
    async with site.http.stream("GET", PINNED, headers={"Accept-Encoding": coding}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert "Content-Encoding" not in {**plain.headers, **refused.headers}
    assert packed.headers["Content-Encoding"] == coding
    assert unpacked(raw) == plain.content
    assert len(raw) < len(plain.content) / 3
    assert packed.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-{coding}"'
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = {"If-None-Match": packed.headers["ETag"]}
    assert (await site.http.get(PINNED, headers=again | {"Accept-Encoding": coding})).status_code == 304
    assert (await site.http.get(PINNED, headers=again | {"Accept-Encoding": "identity"})).status_code == 200


async def test_packing_takes_no_longer_by_brotli_than_by_gzip(site: Site) -> None:
    content = (await site.http.get(PINNED, headers={"Accept-Encoding": "identity"})).content

    def quickest(packed: Callable[[], bytes]) -> float:
        return min(timeit.repeat(packed, number=2, repeat=30))

    by_brotli = quickest(lambda: brotli.compress(content, quality=packing.BROTLI, lgwin=packing.BROTLI_WINDOW))
    assert by_brotli < quickest(lambda: gzip.compress(content, 6, mtime=0))


async def test_every_origin_may_read(site: Site) -> None:
    for path in (PINNED, f"{PLAN}/tasks/999", "/v1/units.csv"):
        answer = await site.http.get(path, headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Log-Position" in answer.headers["Access-Control-Expose-Headers"]
        assert len(answer.headers.get_list("Access-Control-Allow-Origin")) == 1
    asked = await site.http.options(
        "/graphql", headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    )
    assert asked.headers["Access-Control-Allow-Origin"] == "*"


async def test_who_asks_from_where_changes_no_answer(site: Site) -> None:
    asking = {"Origin": "https://elsewhere.example", "Cookie": "a=1", "User-Agent": "b", "X-Forwarded-Host": "c"}
    for path in (f"{PINNED}&number=1", f"{PLAN}/tasks/999", "/v1/districts.csv", "/openapi.json", "/"):
        first = await site.http.get(path, headers=asking)
        again = await site.http.get(path)
        assert set(first.headers) == set(again.headers), path
        for name in set(first.headers) - {"date", "content-length"}:
            assert first.headers[name] == again.headers[name], (path, name)


async def test_head_is_get_without_its_body(site: Site) -> None:
    got, head = await site.http.get(PINNED), await site.http.head(PINNED)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Link", "Log-Position"):
        assert head.headers[name] == got.headers[name]
    assert (await site.http.head(f"{PLAN}/tasks/999")).status_code == 404


async def test_a_problem_is_not_kept(site: Site) -> None:
    for _ in range(2):
        await site.problem(404, "/v1/units/shi-ji-di-ju")
    await site.record({"type": "unit.register", "unit": "shi-ji-di-ju", "name": "市极地局", "reason": "新设"})
    assert (await site.get("/v1/units/shi-ji-di-ju"))["name"] == "市极地局"


async def test_the_same_graphql_question_is_executed_once_until_something_happens(site: Site) -> None:
    query = '{ task(id: "shanghai-credit-2023/21") { answered { count } } }'
    first = await site.ask(query)
    with Counted(site.running) as pool:
        assert await site.ask(query) == first
    assert pool.lent == 0
    await site.record(REPORT)
    assert (await site.ask(query))["task"]["answered"]["count"] == 1


async def test_a_graphql_error_is_not_kept(site: Site) -> None:
    query = {"query": '{ task(id: "shanghai-credit-2023/68") { text } }'}
    first = (await site.http.post("/graphql", json=query)).json()
    again = (await site.http.post("/graphql", json=query)).json()
    assert first["errors"][0]["extensions"]["traceId"] != again["errors"][0]["extensions"]["traceId"]


async def test_a_client_that_goes_away_takes_nobody_along(site: Site) -> None:
    """One who asked first and left does not spoil it for those who wait for the same answer."""
    path = f"{PLAN}/tasks?q=信用"

    async def impatient() -> None:
        async with httpx.AsyncClient(base_url=site.http.base_url, timeout=0.001) as http:
            with pytest.raises(httpx.TimeoutException):
                await http.get(path)

    *_, answer = await asyncio.gather(impatient(), impatient(), site.http.get(path))
    assert answer.status_code == 200


@pytest.mark.parametrize("words", ["融资".encode(), b"%E8%9E%8D%E8%B5%84"])
async def test_words_may_be_sent_as_they_are_or_percent_encoded(site: Site, words: bytes) -> None:
    status, body = await _raw(site, b"/v1/plans/shanghai-credit-2023/tasks?q=" + words)
    assert (status, len(msgspec.json.decode(body)["items"])) == (200, 7)


async def test_words_in_no_utf8_are_refused(site: Site) -> None:
    problem = problem_of(await site.http.get(f"{PLAN}/tasks?q=%FF%FE"), 400)
    assert problem["code"] == "broken_utf8"


async def _raw(site: Site, target: bytes) -> tuple[int, bytes]:
    """What the server says to a request line of these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http.base_url.port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body

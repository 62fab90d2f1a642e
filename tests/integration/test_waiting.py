"""Whoever follows the log waits for what comes, and is told when its own past is not this log's."""

import asyncio
import contextlib
import logging
import time
from typing import Any

import asyncpg
import pytest

from api.services import reader
from events.merkle import EMPTY
from tests.conftest import REPORT, TASK, Site, ask
from tests.integration.commands import place, serving

REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}


async def head(site: Site) -> int:
    return int((await site.get("/v1/events", limit=1))["meta"]["position"])


async def timed(site: Site, **query: Any) -> tuple[float, Any]:
    """How long an answer took, and its body."""
    since = time.monotonic()
    answer = await site.http.get("/v1/events", params=query)
    return time.monotonic() - since, answer.json()


async def test_who_waits_is_answered_as_soon_as_a_fact_comes(site: Site) -> None:
    size = await head(site)
    waiting = [asyncio.create_task(timed(site, after=size, waitSeconds=20)) for _ in range(3)]
    await asyncio.sleep(0.3)
    receipt = await site.record(REWORD | {"text": "另写"})
    for seconds, body in await asyncio.gather(*waiting):
        assert 0.2 < seconds < 5
        assert body["items"] == receipt["facts"]
        assert (body["meta"]["position"], body["next"]) == (size + 1, None)
        assert body["meta"]["self"].startswith(f"/v1/events?after={size}&position=")


async def test_who_waits_in_vain_is_answered_200_with_an_empty_list_every_time(site: Site) -> None:
    size = await head(site)
    for _ in range(2):
        seconds, body = await timed(site, after=size, waitSeconds=1)
        assert 0.9 < seconds < 4
        assert (body["items"], body["meta"]["position"]) == ([], size)
    seconds, body = await timed(site, after=size, waitSeconds=0)
    assert seconds < 0.9
    assert body["items"] == []


async def test_who_waits_for_some_facts_is_not_answered_by_others(site: Site) -> None:
    size = await head(site)
    waiting = asyncio.create_task(timed(site, after=size, type="progress.reported.v1", waitSeconds=20))
    await asyncio.sleep(0.2)
    await site.record(REWORD | {"text": "另写"})
    await asyncio.sleep(0.2)
    assert not waiting.done()
    receipt = await site.record(REPORT)
    _, body = await waiting
    assert [one["position"] for one in body["items"]] == [receipt["position"]] == [size + 2]


@pytest.mark.parametrize("pinned", [{"position": 300}, {"asOf": "2023-04-03T09:00:00Z"}])
async def test_waiting_beside_a_pinned_position_is_400(shared: Site, pinned: dict[str, Any]) -> None:
    problem = await shared.problem(400, "/v1/events", waitSeconds=1, **pinned)
    assert problem["errors"][0]["pointer"] == "waitSeconds"


@pytest.mark.parametrize("seconds", [-1, 61, "1.0", "x"])
async def test_waiting_lasts_from_0_to_60_seconds(shared: Site, seconds: object) -> None:
    assert (await shared.problem(400, "/v1/events", waitSeconds=seconds))["errors"][0]["pointer"] == "waitSeconds"


@pytest.mark.parametrize(("query", "least", "most"), [({}, 0.9, 4), ({"waitSeconds": 0}, 0, 0.9)])
async def test_beyond_the_head_is_409_after_waiting(
    shared: Site, query: dict[str, int], least: float, most: float
) -> None:
    size = await head(shared)
    seconds, problem = await timed(shared, after=size + 1, **query)
    assert least <= seconds < most
    assert (problem["status"], problem["code"]) == (409, "beyond_the_head")
    assert f"/v1/events/{size // 2}" in problem["detail"]
    assert (await shared.get("/v1/events", after=size))["items"] == []


async def test_what_another_process_told_of_is_waited_for(site: Site) -> None:
    size = await head(site)
    waiting = asyncio.create_task(timed(site, after=size + 1))
    await asyncio.sleep(0.2)
    await site.record(REWORD | {"text": "另写"})
    _, body = await waiting
    assert (body["items"], body["meta"]["position"]) == ([], size + 1)


async def renamed(postgres: asyncpg.Connection, name: str) -> bool:
    """Whether the database could be renamed, once all who were in it had been sent away."""
    await postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    with contextlib.suppress(asyncpg.ObjectInUseError):
        await postgres.execute(f"ALTER DATABASE {name} RENAME TO elsewhere")
        return True
    return False


async def test_who_cannot_read_the_head_says_503_not_visible_yet(site: Site, server: str) -> None:
    size, name = await head(site), await ask(str(site.running.settings.database_url), "SELECT current_database()")
    postgres = await asyncpg.connect(server)
    try:
        async with asyncio.timeout(10):
            while not await renamed(postgres, str(name)):  # until nobody has come back in between
                await asyncio.sleep(0.01)
        problem = await site.problem(503, "/v1/events", after=size + 1, waitSeconds=0)
        assert problem["code"] == "not_visible_yet"
    finally:
        await postgres.execute(f"ALTER DATABASE elsewhere RENAME TO {name}")
        await postgres.close()


async def test_the_expected_root_is_that_of_the_log_of_the_size_after(shared: Site) -> None:
    for after in (1, 63, 64, 300, await head(shared)):
        root = (await shared.get("/v1/events/1", position=after))["meta"]["root"]
        page = await shared.get("/v1/events", after=after, expect=root, limit=5)
        assert [one["position"] for one in page["items"]] == [*range(after + 1, await head(shared) + 1)][:5]
        assert "expect" not in (page["next"] or "")
        assert "expect" not in page["meta"]["self"]
        problem = await shared.problem(409, "/v1/events", after=after - 1, expect=root)
        assert problem["code"] == "another_history"
        assert f"leafHash of /v1/events/{(after - 1) // 2}" in problem["detail"]
    assert (await shared.get("/v1/events", expect=EMPTY.hex(), limit=1))["items"][0]["position"] == 1
    assert (await shared.problem(400, "/v1/events", expect="1234"))["errors"][0]["pointer"] == "expect"


async def test_a_client_that_leaves_waits_no_more(site: Site) -> None:
    size = await head(site)
    waiting = asyncio.create_task(site.http.get("/v1/events", params={"after": size, "waitSeconds": 60}))
    await until(site, 1)
    waiting.cancel()
    await until(site, 0)


async def until(site: Site, waiting: int) -> None:
    """Wait until so many wait."""
    async with asyncio.timeout(5):
        while site.running.reader.waiters != waiting:
            await asyncio.sleep(0.02)


async def test_those_who_wait_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_WAITING", 1)
    size = await head(site)
    first = asyncio.create_task(timed(site, after=size, waitSeconds=2))
    await until(site, 1)
    answer = await site.http.get("/v1/events", params={"after": size, "waitSeconds": 3})
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_waiting")
    assert answer.headers["Retry-After"]
    await first


async def test_a_signal_is_obeyed_while_somebody_waits() -> None:
    with place() as folder:
        async with serving(folder) as running:
            size = (await running.get("/v1/events?limit=1"))["meta"]["position"]
            query = {"after": size, "waitSeconds": 60}
            waiting = asyncio.create_task(running.http.get("/v1/events", params=query, timeout=70))
            await asyncio.sleep(0.5)
            since = time.monotonic()
            assert await running.stop() == 0
            assert time.monotonic() - since < 10
            answer = await waiting
            assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_a_position_that_is_not_visible_is_no_error_of_the_server(
    shared: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "VISIBLE_WITHIN", 0.1)
    with caplog.at_level(logging.DEBUG):
        problem = await shared.problem(503, "/v1/events", minPosition=10**6)
    assert problem["code"] == "not_visible_yet"
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def test_who_waits_in_vain_past_midnight_is_told_the_day_that_it_is(site: Site) -> None:
    """A follower's day comes with its answers, also where nothing else does."""
    size = await head(site)
    waiting = asyncio.create_task(timed(site, after=size, waitSeconds=1))
    await asyncio.sleep(0.3)
    await site.clock("2023-04-04T00:00:01+08:00")
    _, body = await waiting
    assert (body["items"], body["meta"]["position"], body["meta"]["effectiveOn"]) == ([], size, "2023-04-04")

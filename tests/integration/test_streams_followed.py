"""The streams that go on: what they bring, where they begin, how they end."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from api.services import tail
from api.services.tail import ProcessEnds
from domain.errors import NotWords
from events.codec import LeafError
from events.head import Head
from events.notice import give_notice
from projections.views.events import EventFilter
from tests.conftest import TASK, Site, problem_of

REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}
Event = dict[str, str]


@asynccontextmanager
async def opened(
    site: Site, path: str = "/v1/stream", last: str | None = None, **query: Any
) -> AsyncGenerator[httpx.Response]:
    """A stream, from its beginning on."""
    headers = {"Last-Event-ID": last} if last else {}
    async with site.http.stream("GET", path, params=query, headers=headers, timeout=20) as response:
        yield response


async def events(response: httpx.Response) -> AsyncIterator[Event]:
    """Each event's fields, the comments included (under the empty name)."""
    event: Event = {}
    async for line in response.aiter_lines():
        if not line:
            yield event
            event = {}
        else:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")


async def some(response: httpx.Response, count: int) -> list[Event]:
    """The first so many facts."""
    found: list[Event] = []
    async for event in events(response):
        if "data" in event:
            found.append(event)
        if len(found) == count:
            return found
    raise AssertionError(f"it ended after {len(found)}")


async def ended(response: httpx.Response) -> list[dict[str, Any]]:
    """All lines of a stream that ends."""
    await response.aread()
    return [json.loads(line) for line in response.text.split("\n") if line]


def without(item: dict[str, Any]) -> dict[str, Any]:
    """An item of /v1/events as it is followed."""
    return {name: value for name, value in item.items() if name not in {"undoneBy", "meta"}}


async def test_both_bring_the_items_of_the_list_as_they_are(site: Site) -> None:
    await site.record(REWORD | {"text": "改一"}, {"type": "fact.void", "target": 100, "reason": "试"})
    listed = [without(one) for one in (await site.get("/v1/events.json"))["items"]]
    async with opened(site, "/v1/stream.ndjson", follow=False) as response:
        assert response.headers["Content-Type"] == "application/x-ndjson"
        assert await ended(response) == listed
    async with opened(site) as response:
        told = await some(response, len(listed))
    assert [json.loads(one["data"]) for one in told] == listed
    assert [one["id"] for one in told] == [f"{site.running.reader.head.log}:{one['position']}" for one in listed]


async def test_what_is_recorded_comes_to_all_who_follow_it_and_to_nobody_else(site: Site) -> None:
    after = site.running.reader.head.size
    async with (
        opened(site, after=after) as everything,
        opened(site, after=after, task=TASK, type="task.reworded.v1") as mine,
        opened(site, after=after, task="shanghai-credit-2023/22") as others,
        opened(site, "/v1/stream.ndjson", after=after) as lines,
    ):
        await asyncio.sleep(0.2)
        await site.record(REWORD | {"text": "改一"})
        await site.record(REWORD | {"text": "改二", "task": "shanghai-credit-2023/22"})
        void = await site.record({"type": "fact.void", "target": after + 1, "reason": "试"})
        assert [json.loads(one["data"])["position"] for one in await some(everything, 3)] == [
            after + 1,
            after + 2,
            after + 3,
        ]
        assert [json.loads(one["data"])["position"] for one in await some(mine, 2)] == [after + 1, void["position"]]
        assert [json.loads(one["data"])["position"] for one in await some(others, 1)] == [after + 2]
        found = [json.loads(line) async for line, _ in zip_lines(lines, 3)]
        assert [one["position"] for one in found] == [after + 1, after + 2, after + 3]


async def zip_lines(response: httpx.Response, count: int) -> AsyncIterator[tuple[str, int]]:
    """The first lines that are items, numbered."""
    number = 0
    async for line in response.aiter_lines():
        if line:
            number += 1
            yield line, number
        if number == count:
            return


async def test_a_stream_goes_on_where_it_broke_off(site: Site) -> None:
    await site.record(REWORD | {"text": "改一"}, REWORD | {"text": "改二", "task": "shanghai-credit-2023/22"})
    log = site.running.reader.head.log
    async with opened(site, last=f"{log}:353", after=7) as response:
        (event,) = await some(response, 1)
    assert event["id"] == f"{log}:354"


@pytest.mark.parametrize("last", ["0123456789abcdef:3", "%s:999"])
async def test_who_stands_in_another_log_or_behind_its_end_is_told_so_and_sent_away(site: Site, last: str) -> None:
    log = site.running.reader.head.log
    last = last.replace("%s", log)
    async with opened(site, last=last) as response:
        told = [one async for one in events(response) if "event" in one]
    assert [one["event"] for one in told] == ["reset"]
    said = json.loads(told[0]["data"])
    assert said["here"] == {"log": log, "position": 352}
    assert f"{said['yours']['log']}:{said['yours']['position']}" == last


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/v1/stream.ndjson", {"after": "999"}, "beyond_the_head"),
        ("/v1/stream.ndjson", {"after": "3", "expect": "0" * 64}, "another_history"),
        ("/v1/stream", {"after": "3", "expect": "0" * 64}, "another_history"),
        ("/v1/stream", {"task": "nobody"}, "unknown_id"),
        ("/v1/stream", {"type": "nothing.v1"}, "bad_parameter"),
        ("/v1/stream", {"follow": "no"}, "bad_parameter"),
        ("/v1/stream", {"limit": "3"}, "unknown_parameter"),
        ("/v1/stream.csv", {}, "unknown_address"),
    ],
)
async def test_what_cannot_be_followed_is_a_problem(site: Site, path: str, query: dict[str, str], code: str) -> None:
    response = await site.http.get(path, params=query)
    assert problem_of(response, response.status_code)["code"] == code


async def test_an_id_that_is_none_of_ours_is_a_problem(site: Site) -> None:
    response = await site.http.get("/v1/stream", headers={"Last-Event-ID": "yesterday"})
    assert problem_of(response, 400)["code"] == "bad_header"


async def test_where_nothing_comes_something_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "SILENT_FOR", 0.2)
    async with opened(site, after=352) as response, opened(site, "/v1/stream.ndjson", after=352) as lines:
        said = [one async for one, _ in zip_events(response, 3)]
        assert [next(iter(one)) for one in said] == ["retry", "", ""]
        iterator = lines.aiter_lines()
        assert [await anext(iterator) for _ in range(3)] == [""] * 3


async def zip_events(response: httpx.Response, count: int) -> AsyncIterator[tuple[Event, int]]:
    """The first events, numbered."""
    number = 0
    async for event in events(response):
        number += 1
        yield event, number
        if number == count:
            return


async def test_a_stream_ends_at_once_when_the_process_does(site: Site) -> None:
    head: Head = site.running.reader.head
    async with opened(site, after=352) as response, opened(site, "/v1/stream.ndjson", after=0) as lines:
        await asyncio.sleep(0.1)
        await head.end()
        async with asyncio.timeout(2):
            assert "retry" in (await response.aread()).decode()
            assert len([one for one in (await lines.aread()).split(b"\n") if one]) == 352


async def test_more_than_is_kept_is_read_from_the_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is behind what is kept in memory misses nothing of it."""
    monkeypatch.setattr(tail, "KEPT_BYTES", 20_000)
    monkeypatch.setattr(tail, "GIVEN_AT_ONCE", 2_000)
    async with opened(site, after=352, plan="shanghai-credit-2023") as response:
        await asyncio.sleep(0.1)
        for round_ in range(3):
            await site.record(
                *(
                    REWORD | {"text": f"第{round_}稿", "task": f"shanghai-credit-2023/{number}"}
                    for number in range(1, 41)
                )
            )
        told = await some(response, 120)
    assert [json.loads(one["data"])["position"] for one in told] == [*range(353, 473)]


async def test_a_notice_reaches_all_who_follow_and_all_who_come_until_it_is_cleared(site: Site) -> None:
    text = "周六 20:00 起从备份恢复"
    async with site.running.pool.acquire() as connection, opened(site, after=352) as response:
        told = events(response)
        assert (await anext(told))["retry"] == "2000"
        await give_notice(connection, text)
        assert json.loads((await anext(told))["data"]) == {"text": text}
        for address in (
            "/v1/events",
            "/v1/events?after=352",
            "/v1/stream?follow=false",
            "/v1/stream.ndjson?follow=false",
        ):
            header = (await site.http.get(address)).headers["Planrecord-Notice"]
            assert unquote(header) == text
        assert "Planrecord-Notice" not in (await site.http.get("/v1/events?position=9&effectiveOn=2023-06-30")).headers
        async with opened(site, after=352) as late:
            assert [one async for one, _ in zip_events(late, 2)][1]["event"] == "notice"
        await give_notice(connection, "")
        assert json.loads((await anext(told))["data"]) == {"text": ""}
        assert "Planrecord-Notice" not in (await site.http.get("/v1/events")).headers
        for wrong in ("\u202e", "x" * 501, "第一行\n第二行"):
            with pytest.raises(NotWords):
                await give_notice(connection, wrong)


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/stream.ndjson"])
async def test_what_is_asked_for_to_the_head_ends_there_also_where_there_is_none(site: Site, path: str) -> None:
    async with asyncio.timeout(5):
        answer = await site.http.get(path, params={"follow": "false", "corrections": "true"})
    assert answer.text in {"", "retry: 2000\n\n"}


async def test_a_stream_that_is_to_end_at_the_head_is_broken_off_and_not_ended_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end says that this is all there is."""
    monkeypatch.setattr(tail, "MOST_READ_BYTES", 10_000)
    async with aclosing(site.running.tail.follow(EventFilter(), 0, 352)) as items:
        assert await anext(items)
        await site.running.reader.head.end()
        with pytest.raises(ProcessEnds):
            _ = [len(one) async for one in items]


async def test_who_follows_what_cannot_be_read_is_broken_off_and_comes_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: Any) -> Any:
        raise LeafError("no fact has the type of tomorrow")

    async with opened(site, after=352) as response:
        await asyncio.sleep(0.1)
        with monkeypatch.context() as broken:
            broken.setattr(tail, "concerned", fails)
            await site.record(REWORD | {"text": "改一"})
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()
            assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
                "what is followed cannot be read"
            ]
    async with asyncio.timeout(5), opened(site, after=352) as response:
        assert len(await some(response, 1)) == 1

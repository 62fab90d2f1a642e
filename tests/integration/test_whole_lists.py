"""Whoever asks for a list by its suffix is given all of it, however long, by a process that holds little of it."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest

from api.http import front
from api.http.lists import ITEMS_AT_ONCE
from tests.conftest import PLAN, TASK, Site, copied
from tests.integration.test_rest_events import followed

REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}
LISTS = ["/v1/events", f"{PLAN}/tasks", f"{PLAN}/reports", "/v1/units", "/v1/districts", f"{PLAN}/tasks/21/history"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is longer than a few items is sent as it is made."""
    monkeypatch.setattr(front, "LONG_BODY", 2_000)


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_by_suffix_is_given_whole(told: Site, path: str) -> None:
    expected = await followed(told, path)
    answer = await told.http.get(f"{path}.json")
    whole = answer.json()
    assert (whole["items"], whole["next"]) == (expected, None)
    assert answer.headers.get("Items") in {None, str(len(expected))}
    assert ("Items" in answer.headers) == (len(expected) <= ITEMS_AT_ONCE)
    lines = (await told.http.get(f"{path}.ndjson")).text.splitlines()
    assert [json.loads(line) for line in lines] == expected
    table = (await told.http.get(f"{path}.csv")).text
    assert len(list(csv.reader(io.StringIO(table, newline="")))) == len(expected) + 1


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("path", LISTS)
async def test_a_long_one_is_sent_as_it_is_made_and_is_the_same(told: Site, path: str) -> None:
    expected = await followed(told, path)
    effective = "&effectiveOn=2023-12-31"  # another question than one whose answer is remembered
    for packing in ("identity", "gzip", "br"):
        address = f"{path}.json?{effective[1:]}"
        answer = await told.http.get(address, headers={"Accept-Encoding": packing})
        assert answer.json()["items"] == expected
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.headers.get("Content-Encoding", "identity") == packing
        same = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": packing}
        assert (await told.http.get(address, headers=same)).status_code == 304
    head = await told.http.head(f"{path}.json?{effective[1:]}")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_limit_is_kept_and_a_filter_too(told: Site) -> None:
    page = await told.get("/v1/events.json", limit=3)
    assert len(page["items"]) == 3
    assert page["next"].startswith("/v1/events.json?")
    assert (await told.http.get("/v1/events.csv?limit=3")).headers["Items"] == "3"
    assert "Items" not in (await told.http.get("/v1/events?limit=3")).headers
    reports = await told.get("/v1/events.json", type="progress.reported.v1")
    assert reports["items"] == await followed(told, type="progress.reported.v1")
    assert len(reports["items"]) > 200
    assert len((await told.get("/v1/events"))["items"]) == 100
    rows = (await told.http.get("/v1/events", headers={"Accept": "application/x-ndjson"})).text.splitlines()
    assert len(rows) == 100


@pytest.mark.usefixtures("short")
async def test_a_whole_list_is_of_one_moment_while_facts_are_appended(server: str, folder: Path) -> None:
    async with copied(server, folder) as site:
        size = (await site.get("/v1/events", limit=1))["meta"]["position"]
        async with site.http.stream("GET", "/v1/events.ndjson") as answer:
            lines = aiter(answer.aiter_lines())
            first = await anext(lines)
            await site.record(REWORD | {"text": "另写"})
            rest = [line async for line in lines]
        positions = [json.loads(line)["position"] for line in (first, *rest)]
        assert positions == [*range(1, size + 1)]
        assert answer.headers["Log-Position"] == str(size)


@pytest.mark.usefixtures("short")
async def test_many_who_ask_for_the_same_long_list_are_each_given_it(told: Site) -> None:
    address = "/v1/events.csv?effectiveOn=2023-12-30"
    answers = await asyncio.gather(*(told.http.get(address) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.usefixtures("short")
async def test_a_client_that_leaves_a_long_list_is_sent_no_more(told: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Any] = []
    parts = front._all_parts  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def watched(*given: Any) -> Any:
        try:
            async for part in parts(*given):
                yield part
                await asyncio.sleep(0.3)
        finally:
            closed.append(True)

    monkeypatch.setattr(front, "_all_parts", watched)
    async with told.http.stream("GET", "/v1/events.ndjson?effectiveOn=2023-12-29") as answer:
        await anext(answer.aiter_bytes())
    async with asyncio.timeout(2):
        while not closed:
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("coding", "unpacked"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
async def test_what_is_packed_as_it_is_made_can_be_unpacked(
    told: Site, coding: str, unpacked: Callable[[bytes], bytes]
) -> None:
    headers = {"Accept-Encoding": coding}
    async with told.http.stream("GET", "/v1/events.ndjson?effectiveOn=2023-12-28", headers=headers) as answer:
        parts = [part async for part in answer.aiter_raw()]
    assert answer.headers["Content-Encoding"] == coding
    assert len(unpacked(b"".join(parts)).splitlines()) == len(await followed(told))

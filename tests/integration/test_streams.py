"""A stream is read once, and then only what came since: by what is kept it is never another one."""

import asyncio

import pytest

from events.streams import Streams, read_streams
from projections.memory import Memory
from tests.conftest import TASK, Site

NAMES = [f"task:{TASK}", "unit:shi-ke-wei", "unit:nobody"]
REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}


@pytest.mark.parametrize("room", [0, 2_000, 10_000_000])
async def test_what_is_read_is_what_the_log_holds_however_much_is_kept(site: Site, room: int) -> None:
    streams = Streams(Memory(room))
    for number in range(4):
        async with site.running.pool.acquire() as connection:
            for names in (NAMES, NAMES[:1], []):
                assert await streams.read(connection, names) == await read_streams(connection, names)
        await site.record({**REWORD, "text": f"甲 {number}"})


async def test_writers_who_share_what_is_kept_lose_nothing(site: Site) -> None:
    async def writer(number: int) -> None:
        for turn in range(5):
            await site.record({**REWORD, "text": f"甲 {number} {turn}"})

    await asyncio.gather(*map(writer, range(8)))
    history = await site.get(f"/v1/plans/{TASK.replace('/', '/tasks/')}")
    async with site.running.pool.acquire() as connection:
        (facts,) = (await read_streams(connection, NAMES[:1])).values()
    assert history["version"] == len(facts)
    assert [one.version for one in facts] == [*range(1, len(facts) + 1)]

"""Whoever follows the record is brought the same by every door, in the same order, whatever breaks on the way.

JSON pages, long poll, NDJSON, server-sent events, CloudEvents, Atom with its archives, JSON Feed and the subscription.

Random facts, voidings and replacements, random filters, and every door cut at least once. `EXAMPLES=2000` tries more.
"""

import os
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from api.feeds import streams
from domain.undo import FactVoided
from events.proposal import NewFact, Proposal
from events.recorded import Cause
from events.streams import read_streams
from projections.views.items import FollowedItem
from tests.conftest import Site, copied
from tests.following import Door, followed
from tests.records import PLAN, TASKS, UNITS, Telling
from tests.unit.saying import Put

EXAMPLES = int(os.environ.get("EXAMPLES", "200"))
IN_ONE_RECORD = 25  # examples: the more a record holds, the longer each takes
FACTS = 30  # at least, in each example
ORDER = "沪信用办〔2023〕16号"


async def test_every_door_brings_the_same(server: str, folder: Path) -> None:
    counts = Counter[str]()
    for begin in range(0, EXAMPLES, IN_ONE_RECORD):
        async with copied(server, folder, "fresh") as site:
            for seed in range(begin, min(begin + IN_ONE_RECORD, EXAMPLES)):
                doors = await example(site, seed, counts)
                assert {type(one).__name__: one.names for one in doors if one.names != doors[0].names} == {}, (
                    f"seed {seed}, {doors[0].query}: {doors[0].names}"
                )
                assert all(one.cuts for one in doors)
                counts["names"] += len(doors[0].names)
                counts["examples"] += 1
                counts["filtered"] += bool(doors[0].query)
                counts["cuts"] += sum(one.cuts for one in doors)
    print(dict(counts))  # noqa: T201 - how much was tried
    assert counts["facts"] >= FACTS * EXAMPLES
    assert counts["voidings"] > EXAMPLES
    assert counts["replacements"] > EXAMPLES


async def test_a_door_that_drops_voids_is_found(server: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above fails for a build in which one door does."""

    async def dropping(items: AsyncGenerator[Sequence[FollowedItem]], **_: Any) -> AsyncIterator[bytes]:
        async for some in items:
            yield b"".join(one.json + b"\n" for one in some if b'"fact.voided.v1"' not in one.json) or b"\n"

    monkeypatch.setattr(streams, "_lines", dropping)
    async with copied(server, folder, "fresh") as site:
        doors = await example(site, 0, Counter(), filtered=False)
    assert {type(one).__name__ for one in doors if one.names != doors[0].names} == {"Lines", "LinesToTheHead"}


async def example(site: Site, seed: int, counts: Counter[str], *, filtered: bool = True) -> list[Door]:
    """Facts told in some requests, followed by every door from the first of them on, by a filter."""
    random = Random(seed)  # noqa: S311 - to be repeated
    head = site.running.reader.head
    after = head.size
    facts = told_by(random, after)
    counts["facts"] += len(facts)
    counts["voidings"] += sum(isinstance(one.fact, FactVoided) for one in facts)
    counts["replacements"] += sum(one.replaces is not None for one in facts)
    first = len(facts) // 2  # what is named by a filter is there before it is asked for
    await record(site, facts[:first], random)
    cut = sorted(random.sample(range(first + 1, len(facts)), 3))
    requests = [facts[low:high] for low, high in zip([first, *cut], [*cut, len(facts)], strict=True)]
    query = a_filter(random) if filtered else {}
    tell = [partial(record, site, some, random) for some in requests]
    return await followed(site.http, head.log, query, after, tell)


def told_by(random: Random, behind: int) -> list[Put]:
    """A small record of its own, told behind what is there."""
    telling = Telling(random)
    telling.begin()
    while len(telling.facts) < FACTS + 25:
        telling.further()
    return [_moved(one, behind) for one in telling.facts]


def _moved(one: Put, by: int) -> Put:
    fact = FactVoided(one.fact.target + by) if isinstance(one.fact, FactVoided) else one.fact
    return Put(one.stream, fact, one.on, None if one.replaces is None else one.replaces + by)


async def record(site: Site, facts: Sequence[Put], random: Random) -> None:
    """Have facts recorded in one request, as they are, by no rule."""
    async with site.running.pool.acquire() as connection:
        known = await read_streams(connection, {one.stream for one in facts})
    cause = Cause("test.record", UUID(int=random.getrandbits(128)), None, random.choice([None, ORDER]))
    new = [NewFact(one.stream, one.fact, one.on, one.replaces, cause) for one in facts]
    read = {stream: len(facts_) for stream, facts_ in known.items()}
    await site.running.log.append(Proposal("office", new, read, known, site.running.reader.head.today()))
    await site.running.reader.head.refresh()


def a_filter(random: Random) -> dict[str, Any]:
    """Some of the filters that there are; none now and then."""
    every: dict[str, Any] = {
        "plan": PLAN,
        "task": random.choice(TASKS),
        "unit": random.choice([*UNITS, "all"]),
        "district": "310101",
        "stream": random.choice([f"task:{TASKS[0]}", f"unit:{UNITS[0]}", f"plan:{PLAN}"]),
        "type": random.choice(["fact.voided.v1", "progress.reported.v1,task.unit_assigned.v1", "unit.registered.v1"]),
        "authority": ORDER,
        "corrections": "true",
    }
    return {name: every[name] for name in random.sample([*every], random.choice([0, 1, 1, 1, 2, 2, 3]))}

"""A copy's tables, folded again step by step where they were touched, are what the API shows of the same moment.

Random records, taken over in random steps, on days that come and go: each step is compared with the API's lists.
"""

import os
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest

from api.following.copy import FollowedCopy, FollowState
from api.following.folding import Refolding
from api.following.part import FollowedPart
from api.following.taken import TakenBatch
from projections.fold import RULES_VERSION
from tests.conftest import Site, serving
from tests.copies import KEYS, kept, unlike
from tests.integration.test_oracle import recorded
from tests.records import PLAN, PROBES, TASKS, UNITS

RECORDS: Final = int(os.environ.get("FOLLOWED_RECORDS", "4"))
FINE: Final = 30  # steps of one fact, at the end
PARTS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"plan": PLAN},
    {"task": TASKS[0]},
    {"unit": UNITS[2]},
    {"district": "310101"},
)
WHOLE: Final = PARTS[0]


class Kept:
    """A copy of one part, and the items that its feeds bring."""

    def __init__(self, path: Path, filters: dict[str, str]) -> None:
        self.path, self.part = path, FollowedPart(filters)
        state = FollowState(log="0" * 16, origin="test", url="", filters=filters, rules=RULES_VERSION)
        self.copy = FollowedCopy(path, state)
        self.day: date | None = None

    async def take(self, site: Site, position: int, day: date) -> None:
        """The facts up to a position, and the tables of a day."""
        state = self.copy.state
        batch = TakenBatch(self.copy, self.part, state.position, position)
        for number, filters in enumerate(self.part.feeds):
            batch.add(await items(site, filters, state.position, position), beside=number > 0)
        batch.settle()
        refolding = Refolding(self.copy, self.part, position, day)
        refolding.run(batch.streams, {name for name, _ in batch.named}, self.day)
        self.copy.save(
            msgspec.structs.replace(state, position=position, frontier=batch.frontier, effective_on=str(day))
        )
        self.copy.commit()
        self.day = day


async def items(site: Site, filters: Any, after: int, position: int) -> list[Any]:
    found = await site.http.get("/v1/events", params={**filters, "after": after, "position": position, "limit": 200})
    if found.status_code == 404:  # not there yet
        return []
    page = found.raise_for_status().json()
    assert page["next"] is None
    return page["items"]


def next_day(day: date, random: Random) -> date:
    """Mostly the same, or one near it: after a leap into another quarter everything is folded again."""
    chance, place = random.random(), PROBES.index(day)
    if chance < 1 / 2:
        return day
    near = PROBES[max(place - 1, 0) : place + 2]
    return random.choice(near) if chance < 9 / 10 else random.choice(PROBES[len(PROBES) // 2 :])


@pytest.mark.parametrize("seed", range(RECORDS))
async def test_each_step_shows_what_the_api_shows(server: str, folder: Path, tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - to be asked again, nothing secret
    async with recorded(server, folder, seed) as running, serving(running) as site:
        size = running.reader.head.size
        chosen = [WHOLE, random.choice(PARTS[1:])]
        copies = [Kept(tmp_path / f"{number}.db", filters) for number, filters in enumerate(chosen)]
        coarse = sorted(random.sample(range(40, size - FINE), 3))
        day = random.choice(PROBES)
        for position in (*coarse, *range(size - FINE, size + 1), size):
            day = next_day(day, random)
            for number, one in enumerate(copies):
                if number and position > size - FINE and position % 5:
                    continue
                await one.take(site, position, day)
                found = await unlike(site.http, one.path)
                assert not found, f"{one.part.said} at ({position}, {day}): " + "\n".join(found[:5])
        for one in copies:
            one.copy.close()


async def test_what_is_folded_anew_is_what_was_folded_step_by_step(server: str, folder: Path, tmp_path: Path) -> None:
    async with recorded(server, folder, 77) as running, serving(running) as site:
        one, size = Kept(tmp_path / "whole.db", WHOLE), running.reader.head.size
        for position in (50, 70, size):
            await one.take(site, position, PROBES[10])
        before = {table: kept(one.path, table) for table in KEYS}
        refolding = Refolding(one.copy, one.part, size, PROBES[10])
        refolding.all()
        one.copy.commit()
        assert {table: kept(one.path, table) for table in KEYS} == before
        assert refolding.changed == sum(map(len, before.values()))
        one.copy.close()


async def test_what_was_not_touched_is_not_folded(server: str, folder: Path, tmp_path: Path) -> None:
    """A fact of one task leaves the rows of the others as they are, and nothing at all changes without one."""
    async with recorded(server, folder, 78) as running, serving(running) as site:
        one, size = Kept(tmp_path / "whole.db", WHOLE), running.reader.head.size
        await one.take(site, size, PROBES[10])
        folded: list[str] = []
        refolding = Refolding(one.copy, one.part, size, PROBES[10])
        whole = refolding.fold
        refolding.fold = lambda stream: bool(folded.append(stream)) or whole(stream)
        refolding.run([f"task:{TASKS[1]}"], [], PROBES[10])
        assert f"task:{TASKS[1]}" in folded
        assert f"task:{TASKS[0]}" not in folded
        assert refolding.changed == 0
        one.copy.close()

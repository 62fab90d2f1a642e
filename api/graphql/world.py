"""All that stands at one moment, as far as it was read: where an edge finds the node at its other end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from api.services.problems import Trouble
from events.codec import decode_trusted
from events.database import Connection
from events.erasable import disclosed
from events.recorded import Recorded
from projections.as_of import Meta, Moment, Rows
from projections.documents import name_of
from projections.lists import Collection, Counting
from projections.views import districts, history, names, plans, platforms, reports, tasks, units
from projections.views.counts import Tally, TaskCounts
from projections.views.districts import DistrictView
from projections.views.events import BESIDES, EventFilter, EventView, Facts, LogEntry, end_of
from projections.views.history import Version
from projections.views.names import UNIT_VERSIONS, UNITS
from projections.views.own import OWN
from projections.views.plans import MeasureView, PartView, PlanView
from projections.views.platforms import PlatformView
from projections.views.reports import REPORTS, ReportRow, ReportView
from projections.views.tasks import ASSIGNMENTS, TaskView
from projections.views.units import UnitView

NO_FACTS: Final = Facts((), {})


EVENT_LIST: Final[Collection[EventView, EventFilter]] = Collection(
    name="events",
    view=EventView,
    filter=EventFilter,
    wanted=lambda _scope, _filter, _after, _limit: (),  # it has no slices: its rows are the facts themselves
    shown=lambda _rows, _moment: (),
    place=lambda event, _: (event.position,),
    places=lambda _: tuple[int],
)


class FactsWanted(NamedTuple):
    """Facts by position, or those of a stream and of the streams whose names begin with `below`."""

    position: int | None = None
    stream: str = ""
    below: str = ""


# Range by range, by their index: joined as a whole they are taken for so many that the whole log is read.
_SQL: Final = """
WITH asked AS MATERIALIZED (
    SELECT e.position FROM events e WHERE e.position = ANY($2::bigint[])
    UNION
    SELECT e.position FROM unnest($3::text[], $4::text[]) AS names(low, high) CROSS JOIN LATERAL (
        SELECT position FROM events WHERE stream >= names.low COLLATE "C" AND stream < names.high COLLATE "C" OFFSET 0
    ) e
)
SELECT e.entry, d.digest, d.salt, d.value, $besides
FROM events e LEFT JOIN disclosures d USING (position)
WHERE position = ANY (ARRAY(SELECT position FROM asked)) AND position <= $1
ORDER BY position
""".replace("$besides", BESIDES.replace("$n", "$1"))


async def load(connection: Connection, position: int, asked: Iterable[FactsWanted]) -> Mapping[FactsWanted, Facts]:
    """What is asked for of the log as it was at `position`."""
    positions = [one.position for one in asked if one.position is not None]
    names = [name for one in asked if one.position is None for name in _names(one)]
    rows = await connection.fetch(_SQL, position, positions, [low for low, _ in names], [high for _, high in names])
    entries = {row["entry"]: LogEntry(row["entry"], row["undoing"], row["request"]) for row in rows}
    recorded = [decode_trusted(entry) for entry in entries]
    texts = disclosed(row for row in rows if row["digest"])
    at = {fact.position: fact for fact in recorded}
    by_position = {fact.position: entry for fact, entry in zip(recorded, entries.values(), strict=True)}
    return {one: Facts(_of(one, at), texts, by_position) for one in asked}


def _of(ask: FactsWanted, at: Mapping[int, Recorded]) -> list[Recorded]:
    if ask.position is not None:
        return [at[ask.position]] if ask.position in at else []
    found = [
        fact for fact in at.values() if fact.stream == ask.stream or (ask.below and fact.stream.startswith(ask.below))
    ]
    return sorted(found, key=lambda fact: fact.position)


def _names(ask: FactsWanted) -> Iterable[tuple[str, str]]:
    """Ranges of stream names, each up to the first that is no more of it."""
    yield ask.stream, ask.stream + "\x01"
    if ask.below:
        yield ask.below, end_of(ask.below)


class Numbered(Protocol):
    """A part or a measure."""

    @property
    def number(self) -> int:
        """Its number in the plan."""
        ...


_WEIGHT: Final = 3  # bytes that a unit takes for each byte of its JSON
MOST: Final = 100_000  # items in the lists of one answer
N = TypeVar("N", bound=Numbered)
PlanPlace = tuple[str, int | None, int | None]  # a plan, a part of it or none, a measure of it or none


class World:
    """Every node at a moment, by its key. What was not read is not there: each field says what it needs."""

    def __init__(self, rows: Rows, moment: Moment) -> None:
        self.moment = moment
        self.missing: set[FactsWanted] = set()
        self.memory = rows.memory
        self._rows = rows
        self._facts: dict[FactsWanted, Facts] = {}
        self._versions: dict[FactsWanted, Sequence[Version]] = {}

    @cached_property
    def plans(self) -> Mapping[str, PlanView]:
        """Plans by id."""
        return {one.id: one for one in plans.show(self._rows)}

    @cached_property
    def tasks(self) -> Mapping[str, TaskView]:
        """Tasks by id, in the order of their numbers."""
        return {one.id: one for one in tasks.show(self._rows, self.moment.effective_on)}

    @cached_property
    def units(self) -> Mapping[str, UnitView]:
        """Units and groups by id."""
        return self.memory.made(
            ("units", self.units_name),
            lambda: {one.id: one for one in units.show(self._rows)},
            lambda made: _WEIGHT * sum(len(msgspec.json.encode(one)) for one in made.values()),
        )

    @cached_property
    def units_name(self) -> bytes:
        """What names the units by the rows that they are made from: the same at all moments that share them."""
        which = "\n".join(sorted(self._rows.groups(UNIT_VERSIONS))).encode()
        return name_of(which, *map(self._rows.joined, (UNITS, UNIT_VERSIONS, ASSIGNMENTS, OWN)))

    @cached_property
    def districts(self) -> Mapping[str, DistrictView]:
        """Districts by code."""
        return {one.code: one for one in districts.show(self._rows)}

    @cached_property
    def platforms(self) -> Mapping[str, PlatformView]:
        """Platforms by id."""
        return {one.id: one for one in platforms.show(self._rows)}

    def reports_of(self, task: str) -> Sequence[ReportRow]:
        """The reports on a task, without their texts, by unit and period."""
        return self._reported.get(task, ())

    def told(self, rows: Iterable[ReportRow]) -> list[ReportView]:
        """Reports with their texts, each once the fact that says it was read."""
        units = names.directory(self._rows)
        found = [(row, self.facts(FactsWanted(position=row.event))) for row in rows]
        return [view for row, facts in found if facts.recorded for view in reports.show([row], units, facts)]

    @cached_property
    def _reported(self) -> Mapping[str, list[ReportRow]]:
        by_task: dict[str, list[ReportRow]] = {}
        for row in sorted(self._rows.of(REPORTS, ReportRow), key=lambda row: row.id):
            by_task.setdefault(row.task, []).append(row)
        return by_task

    def part(self, plan: str, number: int | None) -> PartView | None:
        """A part of a plan."""
        return _numbered(self.plans[plan].parts, number)

    def measure(self, plan: str, number: int | None) -> MeasureView | None:
        """A measure of a plan."""
        return _numbered(self.plans[plan].measures, number)

    def measures_of(self, plan: str, part: int) -> list[MeasureView]:
        """The measures of a part."""
        return [one for one in self.plans[plan].measures if one.part == part]

    def tasks_of(self, plan: str, *, part: int | None = None, measure: int | None = None) -> Sequence[TaskView]:
        """The tasks of a plan, of its part, or of its measure, by number."""
        return self._placed.get((plan, part, measure), ())

    @cached_property
    def _placed(self) -> Mapping[PlanPlace, list[TaskView]]:
        placed: dict[PlanPlace, list[TaskView]] = {}
        for one in self.tasks.values():
            for part, measure in {(None, None), (one.part, None), (None, one.measure)}:
                placed.setdefault((one.plan, part, measure), []).append(one)
        return placed

    def counted(self, counting: Counting, one: msgspec.Struct) -> TaskCounts:
        """How many of the tasks of a plan, of a unit or of another such view stand how."""
        return counting.counts(one, self._tally)

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self._rows, self.moment.effective_on)

    def facts(self, ask: FactsWanted) -> Facts:
        """Facts of the log; none at first, while it is noted that they are still to be read."""
        if ask not in self._facts:
            self.missing.add(ask)
        return self._facts.get(ask, NO_FACTS)

    def versions(self, ask: FactsWanted) -> Sequence[Version]:
        """The versions that facts of the log make, put together once, however many names ask for them."""
        facts = self.facts(ask)
        if facts.recorded and ask not in self._versions:
            self._versions[ask] = history.of(facts)
        return self._versions.get(ask, ())

    def learn(self, found: Mapping[FactsWanted, Facts]) -> None:
        """Facts that were missing."""
        self._facts |= found
        self.missing -= found.keys()


def _numbered(these: Sequence[N], number: int | None) -> N | None:
    return next((one for one in these if one.number == number), None)


class Budget:
    """How many items the lists of one answer may still have, whatever was thought of them before they were read."""

    def __init__(self) -> None:
        self.left = MOST

    def spend(self, items: int) -> None:
        """A list of so many; Trouble once they are too many."""
        self.left -= items
        if self.left < 0:
            raise Trouble(400, "too_complex", f"the answer has lists of more than {MOST:,} items: ask for less depth")


class Here(NamedTuple):
    """Where a root's nodes stand: the world at its moment, what their ids say of it, and what it resolved to.

    `clocks` are those that the first page was asked with, as cursors name them: none at the head.
    """

    world: World
    suffix: str
    told: Callable[[Moment], Meta]
    budget: Budget
    clocks: str = ""

    @property
    def meta(self) -> Meta:
        """What the root resolved to, put together where it is asked for."""
        return self.told(self.world.moment)

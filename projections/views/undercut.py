"""What a request undercuts on days behind it: facts that change nothing any more, and reports by who may not report.

Nothing of this is refused: the record says what was ordered and reported. It is told to who wrote, with its dates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from domain.commands import evolve_of
from domain.directory import Unit
from domain.document.draft import Doubt
from domain.fact import Fact, subject_of, tag
from domain.report import Reports, why_silent
from domain.task import Task
from domain.undo import FactVoided
from domain.values import LATEST
from events.database import Connection
from events.recorded import Recorded
from events.steps import Pace, Work, at_once, in_steps
from projections.documents import structs_of
from projections.fold import INFINITY, Timeline, standing
from projections.slices import shown
from projections.table import SCHEMA, SliceTable
from projections.views.duties import BEHIND, DUTIES, BehindRow, DutyRow, R, UnitsBehind, on_day
from projections.views.reports import ReportRow

MOST_TOLD: Final = 100  # doubts that are told one by one
_LOOKED_AT: Final = 5_000  # reports
Edited = Mapping[str, Sequence[Recorded]]  # streams that a request wrote to, with all facts that they have then

_REPORTS: Final = f"""SELECT doc FROM {SCHEMA}.reports WHERE known_from <= $1 AND known_to > $1
    AND (task = ANY($2::text[]) OR unit = ANY($3::text[])) AND eff_from >= $4 LIMIT $5"""
_KNOWN: Final = f"SELECT doc FROM {SCHEMA}.{{}} WHERE known_from <= $1 AND known_to > $1"


def may_undercut(stream: str, type_: type[Fact]) -> bool:
    """Whether a fact may undercut others: one that gives or takes duties, or that voids something where such are."""
    return subject_of(stream)[0] in {Task.KIND, Unit.KIND} and (type_.MOVES_DUTIES or type_ is FactVoided)


async def undercut(connection: Connection, written: Edited, before: int) -> tuple[Doubt, ...]:
    """What a request undercuts that found the log with `before` facts: at most MOST_TOLD, and how many more."""
    old = {stream: facts for stream, facts in written.items() if any(one.position <= before for one in facts)}
    found = [one async for one in in_steps(_idle(old, before))]
    found += await _silenced(connection, written, old, before)
    told = [Doubt("undercut", (), one) for one in found[:MOST_TOLD]]
    if len(found) > MOST_TOLD:
        told.append(Doubt("undercut", (), f"{len(found) - MOST_TOLD:,} more such facts and reports are not named here"))
    return tuple(told)


def _idle(written: Edited, before: int) -> Work[str]:
    for stream, facts in written.items():
        yield None
        if subject_of(stream)[0] not in {Task.KIND, Unit.KIND}:
            continue
        then = {one.position for one in _saying_nothing(stream, facts, before)}
        for one in _saying_nothing(stream, facts, facts[-1].position):
            if one.position not in then:
                yield (
                    f"position {one.position}, {tag(one.fact)} in {stream} from {one.effective_on}, changes nothing "
                    "any more: what it says holds before it"
                )


def _saying_nothing(stream: str, facts: Sequence[Recorded], position: int) -> Iterator[Recorded]:
    """The facts up to a position that find already so what they say."""
    state, evolve = None, evolve_of(stream)
    for _, fact, place in standing(facts, position):
        if state is not None and fact.fact.holds_in(state):
            yield fact
        state = evolve(state, fact.fact, fact.placed(place))


class _Report(NamedTuple):
    """A report by its fact and its day; a `fresh` one is of the request itself."""

    event: int
    task: str
    unit: str
    period: str
    on: date
    fresh: bool = False


class _World(NamedTuple):
    """Who takes part in which task, and who stands behind whom, on all days."""

    duties: Mapping[str, Sequence[DutyRow]]
    behind: UnitsBehind

    def why_not(self, one: _Report) -> str | None:
        """Why a report could not be made on its day."""
        return why_silent(one.unit, on_day(one.on, self.duties.get(one.task, ())), self.behind.on(one.on))


class _Change(NamedTuple):
    """How tasks and units stand after a request that have other duties then, and the first day of that."""

    duties: Mapping[str, Sequence[DutyRow]]
    behind: Mapping[str, Sequence[BehindRow]]
    units: frozenset[str]
    since: date


async def _change(old: Edited, before: int) -> _Change:
    duties, behind, units, since, pace = {}, {}, set[str](), INFINITY, Pace()
    for stream, facts in old.items():
        await pace.rest()
        kind, key = subject_of(stream)
        then = [one for one in facts if one.position <= before]
        if kind == Task.KIND:
            rows = _course(DUTIES, DutyRow, stream, then), _course(DUTIES, DutyRow, stream, facts)
            if day := _first_other(*rows):
                duties[key], since = rows[1], min(since, day)
        elif kind == Unit.KIND:
            those = _course(BEHIND, BehindRow, stream, then), _course(BEHIND, BehindRow, stream, facts)
            if day := _first_other(*those):
                behind[key], since = those[1], min(since, day)
                units |= {key}.union(*(one.units for some in those for one in some))
    return _Change(duties, behind, frozenset(units), since)


def _course(table: SliceTable, type_: type[R], stream: str, facts: Sequence[Recorded]) -> list[R]:
    """The rows of a stream's course at the last of some facts."""
    return structs_of([one.doc for one in at_once(shown((table,), stream, facts))], type_)


def _first_other(before: Sequence[R], after: Sequence[R]) -> date | None:
    """The first day on which two courses differ."""
    for day in sorted({day for one in (*before, *after) for day in (one.since, one.until)}):
        one, other = on_day(day, before), on_day(day, after)
        if (one and one.says) != (other and other.says):
            return day
    return None


async def _silenced(connection: Connection, written: Edited, old: Edited, before: int) -> list[str]:
    """The reports that could not be made on their days any more, each with why not."""
    change = await _change(old, before)
    if not (change.duties or change.behind):
        return []
    known = structs_of([row["doc"] for row in await connection.fetch(_KNOWN.format("behind"), before)], BehindRow)
    after = [one for one in known if one.id not in change.behind]
    after += [one for some in change.behind.values() for one in some]
    units = _with_successors(change.units, (*known, *after))
    rows = await connection.fetch(_REPORTS, before, list(change.duties), units, change.since, _LOOKED_AT)
    undone = {one.undoes for facts in written.values() for one in facts if one.position > before}
    reports = [
        _Report(one.event, one.task, one.unit, one.period, one.effective_on)
        for one in structs_of([row["doc"] for row in rows], ReportRow)
        if one.event not in undone
    ]
    reports += _fresh(written, before)
    tasks = sorted({one.task for one in reports})
    found = await connection.fetch(f"{_KNOWN.format('duties')} AND key = ANY($2::text[])", before, tasks)
    duties: dict[str, Sequence[DutyRow]] = {}
    for key, some in groupby(sorted(structs_of([row["doc"] for row in found], DutyRow), key=_task), key=_task):
        duties[key] = list(some)
    worlds = _World(duties, UnitsBehind(known)), _World({**duties, **change.duties}, UnitsBehind(after))
    told = [one async for one in in_steps(_told(*worlds, sorted(reports)))]
    if len(rows) == _LOOKED_AT:
        told.append(f"only {_LOOKED_AT:,} reports were looked at: others may be by who takes no part any more")
    return told


def _task(one: DutyRow) -> str:
    return one.task


def _with_successors(units: Iterable[str], rows: Sequence[BehindRow]) -> list[str]:
    """These, and whoever succeeded one of them on some day."""
    successors: dict[str, set[str]] = {}
    for one in rows:
        successors.setdefault(one.id, set()).update(one.successors)
    found = dict.fromkeys(sorted(units))
    ahead = list(found)
    for one in ahead:
        new = successors.get(one, set()) - found.keys()
        found.update(dict.fromkeys(new))
        ahead += new
    return list(found)


def _fresh(written: Edited, before: int) -> Iterator[_Report]:
    """The reports of the request itself."""
    for stream, facts in written.items():
        if subject_of(stream)[0] == Reports.KIND:
            task, unit = subject_of(stream)[1].rsplit("/", 1)
            there = Timeline(stream, facts).at(LATEST)
            assert isinstance(there, Reports | None)  # noqa: S101 - what such a stream folds to
            for one in there.reports if there else ():
                if one.event > before:
                    yield _Report(one.event, task, unit, one.period, one.effective_on, fresh=True)


def _told(before: _World, after: _World, reports: Iterable[_Report]) -> Work[str]:
    for one in reports:
        yield None
        why = after.why_not(one)
        if why and (one.fresh or before.why_not(one) is None):
            report = f"the report of {one.unit} on task {one.task} for {one.period} from {one.on}"
            yield f"position {one.event}, {report}: {why}"

"""What a unit itself says of a task, beside what all its speakers say together: a part is not the whole."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import msgspec

from domain.report import OwnReport, own_word, speaks_for
from domain.values import Status
from projections.as_of import Rows
from projections.views.names import Directory, Named
from projections.views.reports import REPORTS

# Reports under a name of their own: wanted where a unit's word is shown, which their table finds by the unit.
OWN: Final = REPORTS._replace(name="own", by="task")


class OwnWord(msgspec.Struct, frozen=True):
    """The least advanced of the latest reports of a unit, a group's members or a district's units; `unit` said it."""

    status: Status
    period: str
    event: int
    unit: Named


class ReportOn(NamedTuple):
    """A report as its unit's word, and the task that it is on."""

    task: str
    report: OwnReport


class OwnWords:
    """What units say of tasks at one moment, where these rows hold reports."""

    def __init__(self, rows: Rows, directory: Directory) -> None:
        self._rows = rows
        self._directory = directory
        self._there = rows.groups(OWN)
        self._said: dict[str, Mapping[str, Sequence[OwnReport]]] = {}

    def of(self, units: Sequence[str], task: str, days: tuple[date, date] | None = None) -> OwnWord | None:
        """What these say of a task, or say of it for some days; null where they have not reported on it."""
        if task not in self._there:
            return None
        said = self._on(task)
        if days:
            said = {unit: own for unit, all_ in said.items() if (own := [one for one in all_ if speaks_for(one, days)])}
        word = own_word(units, self._directory.ways.predecessors, said)
        if word is None:
            return None
        unit = next(unit for unit, reports in said.items() if word in reports)
        return OwnWord(word.status, word.period, word.event, self._directory.named(unit))

    def spoken(self, units: Collection[str] | None = None) -> list[ReportOn]:
        """All reports of these units, or of all whose reports were read, on whatever task: the last one first."""
        every = (ReportOn(task, one) for task in self._there for own in self._on(task).values() for one in own)
        found = (one for one in every if units is None or one.report.unit in units)
        return sorted(found, key=lambda one: one.report.event, reverse=True)

    def _on(self, task: str) -> Mapping[str, Sequence[OwnReport]]:
        found = self._said.get(task)
        if found is None:
            by_unit: dict[str, list[OwnReport]] = {}
            for one in self._rows.of_group(OWN, task, OwnReport):
                by_unit.setdefault(one.unit, []).append(one)
            found = self._said[task] = by_unit
        return found

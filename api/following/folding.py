"""The tables of a copy, brought to a position and a day: what was touched is folded again, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from api.following.copy import FollowedCopy
from api.following.part import FollowedPart
from api.following.shown import ListItem, district_item, plan_item, task_item, unit_item
from api.following.watched import WatchedLog, WatchedMoment
from domain.fact import subject_of
from domain.values import last_quarter

_SOON: Final = timedelta(days=29)  # before its deadline, and from then on, a task is due soon
_TABLE: Final = {"plan": "plans", "task": "tasks", "unit": "units", "district": "districts"}
_KEY: Final = {"plan": "id", "task": "id", "unit": "id", "district": "code"}
_COLUMNS: Final = {
    "plan": ("id", "title", "issuer", "documentNumber", "issuedOn", "version"),
    "task": (
        *("id", "plan", "number", "part", "measure", "text", "openEnded", "reportedStatus", "scheduleStatus"),
        *("evidenceStatus", "due", "completedOn", "withdrawn", "version"),
    ),
    "unit": ("id", "kind", "name", "district", "version"),
    "district": ("code", "name", "version"),
}


class Refolding:
    """One refold of a copy, at a position and a day, within the transaction of the facts that it follows from."""

    def __init__(self, copy: FollowedCopy, part: FollowedPart, position: int, on: date) -> None:
        self._copy, self._part, self._on = copy, part, on
        self._log = WatchedLog(copy)
        self._shown: WatchedMoment = self._log.at(position, on)
        _, quarter = last_quarter(on)
        self._item: dict[str, Callable[[str], ListItem | None]] = {
            "task": partial(task_item, self._shown),
            "plan": partial(plan_item, self._shown),
            "unit": partial(unit_item, self._shown, lacks=part.lacks),
            "district": partial(district_item, self._shown, lacks=part.lacks),
        }
        self._silent = partial(self._shown.silent, days=quarter)
        self.changed = 0

    def run(self, streams: Iterable[str], named: Iterable[str], before: date | None) -> None:
        """Fold what these streams and names are behind, and what is not as it was on the day before."""
        touched = {*streams}
        if before is not None and before != self._on:
            touched.update(self._begun(before))
        sources = _sources(touched, named)
        tasks = {one for one in self._behind(sources, touched) if one.startswith("task:")}
        if before is not None and before != self._on:
            tasks.update(self._due(before))
        tasks.update(self._mentioning(one for one in touched if one.startswith("platform:")))
        for stream in sorted(tasks):
            if self.fold(stream):
                sources.add(f"={stream}")
                touched.add(f"plan:{subject_of(stream)[1].partition('/')[0]}")
        for stream in sorted(self._behind(sources, touched) - tasks):
            if not stream.startswith("task:"):
                self.fold(stream)

    def all(self) -> None:
        """Fold everything, as if the tables were empty."""
        for table in _TABLE.values():
            self._copy.run(f"DELETE FROM {table}", [()])  # noqa: S608 - our own names
        self.run(self._log.streams, [], None)

    def _begun(self, before: date) -> Iterator[str]:
        """The streams of facts that hold on one of the two days alone; in another quarter all that count the silent."""
        if last_quarter(before) != last_quarter(self._on):
            for kind, table in _TABLE.items():
                yield from self._copy.each(f"SELECT '{kind}:' || {_KEY[kind]} FROM {table}")  # noqa: S608 - our own names
        days = sorted((before.isoformat(), self._on.isoformat()))
        yield from self._copy.each(
            "SELECT DISTINCT stream FROM events WHERE effectiveOn > ? AND effectiveOn <= ?", *days
        )

    def _due(self, before: date) -> Iterator[str]:
        """The tasks whose schedule another day may change."""
        first, last = sorted((before, self._on))
        days = first.isoformat(), (last + _SOON).isoformat()
        return self._copy.each("SELECT 'task:' || id FROM tasks WHERE due >= ? AND due <= ?", *days)

    def _mentioning(self, platforms: Iterable[str]) -> Iterator[str]:
        """The tasks whose text holds any name that one of these platforms ever had."""
        for stream in platforms:
            for fact in self._log.streams[stream]:
                if name := fact["data"].get("name") or fact["data"].get("alias"):
                    yield from self._copy.each("SELECT 'task:' || id FROM tasks WHERE instr(text, ?)", name)

    def _behind(self, sources: Iterable[str], touched: Iterable[str]) -> set[str]:
        """The subjects that were folded from one of these sources, or are one of these streams themselves."""
        statement = "SELECT subject FROM folded_from WHERE source = ?"
        found = {subject for one in sources for subject in self._copy.each(statement, one)}
        return found | {one for one in touched if subject_of(one)[0] in _TABLE}

    def fold(self, stream: str) -> bool:
        """Fold one subject; whether its row is another."""
        kind, key = subject_of(stream)
        table, column = _TABLE[kind], _KEY[kind]
        if not (self._part.holds(stream) or (kind == "unit" and self._part.kind == "district")):
            return False  # in which a unit is, its state tells
        self._log.read.clear()
        item = self._item[kind](key)
        if item is not None and not self._part.holds(stream, item.get("district")):
            item = None
        row = None if item is None else self._row(kind, key, item)
        self._remember(stream)
        ((was,),) = self._copy.rows(f"SELECT (SELECT {_same(kind)} FROM {table} WHERE {column} = ?)", key)  # noqa: S608
        if was == (row and _same_of(kind, row)):
            return False
        self.changed += 1
        if row is None:
            self._copy.run(f"DELETE FROM {table} WHERE {column} = ?", [(key,)])  # noqa: S608 - our own names
        else:
            self._copy.put(table, row)
        return True

    def _row(self, kind: str, key: str, item: ListItem) -> dict[str, Any]:
        columns: dict[str, Any] = {name: item[name] for name in _COLUMNS[kind]}
        if kind == "task":
            columns["silent"] = msgspec.json.encode(self._silent(key)).decode()
        return columns | {"item": msgspec.json.encode(item).decode()}

    def _remember(self, stream: str) -> None:
        """What it was folded from, in the place of what that was before."""
        was = {*self._copy.each("SELECT source FROM folded_from WHERE subject = ?", stream)}
        now = {one for one in self._log.read if not one.startswith("platform:")}
        self._copy.run("DELETE FROM folded_from WHERE source = ? AND subject = ?", ((one, stream) for one in was - now))
        self._copy.run("INSERT INTO folded_from VALUES (?, ?)", ((one, stream) for one in now - was))


def _same(kind: str) -> str:
    """By what a row is compared."""
    return "silent || item" if kind == "task" else "item"


def _same_of(kind: str, row: dict[str, Any]) -> str:
    return row["silent"] + row["item"] if kind == "task" else row["item"]


def _sources(streams: Sequence[str] | set[str], named: Iterable[str]) -> set[str]:
    """What was touched with these streams and those whom their facts name."""
    reports = {f"{one.rpartition('/')[0]}/*" for one in streams if one.startswith("report:")}
    return {*streams, *reports, *(f"@{one}" for one in named)}

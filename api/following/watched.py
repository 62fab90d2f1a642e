"""The second fold (`api/auditing/answers.py`) over the facts of a copy, which notes what each subject is folded from.

A source is the name of a stream; or `STREAM/*`, those whose names begin so; or `@STREAM`, whoever names that subject;
or `=STREAM`, the row of that subject. What was read for a subject is all that it follows from: it is folded again when
one of these was touched, and else never.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from typing import Any, Final

from api.auditing.answers import AuditedLog, Item, ShownAt, Speakers, period_end
from api.following.copy import FollowedCopy
from domain.values import period_days

_MOMENTS: Final = 1_000
_STEPS: Final = 30_000
_STREAMS: Final = 10_000  # whose facts are held in memory


class CopiedFacts(Mapping[str, Sequence[Item]]):
    """The facts of each stream as the copy has them."""

    def __init__(self, copy: FollowedCopy) -> None:
        self._copy = copy
        self._facts = lru_cache(_STREAMS)(self._read)

    def __getitem__(self, stream: str) -> Sequence[Item]:
        """The facts of a stream; KeyError where it has none."""
        if found := self._facts(stream):
            return found
        raise KeyError(stream)

    def __iter__(self) -> Iterator[str]:
        return self._copy.each("SELECT DISTINCT stream FROM events ORDER BY stream")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _read(self, stream: str) -> Sequence[Item]:
        said = self._copy.each("SELECT leaf FROM events WHERE stream = ? ORDER BY position", stream)
        return [json.loads(one) for one in said]


class WatchedLog(AuditedLog):
    """The facts of a copy; `read` has the sources that were read since it was emptied."""

    def __init__(self, copy: FollowedCopy) -> None:
        self.copy, self.streams = copy, CopiedFacts(copy)
        self.read: set[str] = set()
        self.at: Any = lru_cache(_MOMENTS)(partial(WatchedMoment, self))
        self.steps = lru_cache(_STEPS)(self._steps)

    def below(self, prefix: str) -> list[str]:
        """The streams whose names begin so."""
        self.read.add(f"{prefix}*")
        end = f"{prefix}\U0010ffff"
        statement = "SELECT DISTINCT stream FROM events WHERE stream >= ? AND stream < ? ORDER BY stream"
        return [*self.copy.each(statement, prefix, end)]

    def facts(self, stream: str, position: int) -> list[Item]:
        """Those of a stream."""
        self.read.add(stream)
        return super().facts(stream, position)

    def naming(self, stream: str, kind: str) -> list[str]:
        """The streams of a kind that have a fact that names a subject, by its own stream, whether it stands or not."""
        self.read.add(f"@{stream}")
        statement = "SELECT stream FROM named_in WHERE name = ? AND stream >= ? AND stream < ? ORDER BY stream"
        return [*self.copy.each(statement, stream, f"{kind}:", f"{kind};")]


class WatchedMoment(ShownAt):
    """What it shows at one moment."""

    log: WatchedLog

    def state(self, stream: str) -> Any:
        """The state of a stream, which was read."""
        self.log.read.add(stream)
        return super().state(stream)

    def silent(self, key: str, days: tuple[date, date]) -> list[str]:
        """Who should have reported on a task for these days, which are over, and has not."""
        then: WatchedMoment = self.log.at(self.position, days[1])
        state = then.state(f"task:{key}")
        if state is None or state["withdrawn"]:
            return []
        words = SpeakersFor(then, key, self, days).words
        return [*dict.fromkeys(acting for (_, acting), word in words.items() if not word)]


class SpeakersFor(Speakers):
    """Those who should speak for some days, by the reports that speak for one of them and are there now."""

    def __init__(self, shown: ShownAt, key: str, now: ShownAt, days: tuple[date, date]) -> None:
        self._now, self._days = now, days
        super().__init__(shown, key)

    def _said(self, unit: str) -> Sequence[Item]:
        reports: Sequence[Item] = (self._now.state(f"report:{self.key}/{unit}") or {"reports": ()})["reports"]
        return [one for one in reports if self._speaks(one)]

    def _speaks(self, report: Item) -> bool:
        first, last = self._days
        end = min(period_end(report["period"]), date.fromisoformat(report["effectiveOn"]))
        return period_days(report["period"])[0] <= last and end >= first

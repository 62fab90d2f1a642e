"""Tests of rules read as sentences: `given(*facts).when(command).then(*facts)`, or `.refused(IsWithdrawn)`."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.commands import AnyCommand
from domain.errors import Refused
from domain.fact import Fact, data_of, tag
from domain.record import State
from domain.values import SHANGHAI, Sealed, shanghai_day
from events.deciding import decide_all
from events.erasable import sealed_digest
from events.proposal import NewFact
from events.recorded import OPEN_END, Cause, Recorded
from events.remembered import Remembered
from projections import fold

NOW = datetime(2023, 8, 10, 12, 0, tzinfo=SHANGHAI)
TODAY = shanghai_day(NOW)
ADOPTED = date(2023, 3, 28)
OFFICE = "shanghai-credit-office"
WHY = "更正"
REQUEST = UUID("0189dd21-4a00-7000-8000-000000000001")
_BEGINNING = datetime(2023, 4, 1, 9, 0, tzinfo=SHANGHAI)


class Put(NamedTuple):
    """A fact in a stream, the day from which it holds, and the position that it replaces."""

    stream: str
    fact: Fact
    on: date = ADOPTED
    replaces: int | None = None


def words(text: str) -> Sealed:
    """In an expected fact: sealed text whose digest proves these words."""
    return Sealed(text)


def logged(*facts: Put) -> list[Recorded]:
    """The facts as a log holds them, at positions 1, 2, 3 …, a minute apart."""
    versions: dict[str, int] = {}
    log: list[Recorded] = []
    for position, one in enumerate(facts, 1):
        versions[one.stream] = versions.get(one.stream, 0) + 1
        log.append(
            Recorded(
                position,
                one.stream,
                versions[one.stream],
                OFFICE,
                _BEGINNING + timedelta(minutes=position),
                one.on,
                one.replaces,
                Cause("test.record", REQUEST, WHY, None),
                one.fact,
            )
        )
    return log


def given(*facts: Put) -> "Given":
    """What the log holds before anything is asked of it."""
    return Given(logged(*facts), NOW)


class Given:
    """A log, and the moment at which it is asked to take more."""

    def __init__(self, log: Sequence[Recorded], instant: datetime) -> None:
        self._log = log
        self._instant = instant

    def at(self, instant: datetime) -> "Given":
        """The same log at another moment."""
        return Given(self._log, instant)

    def when(self, *commands: AnyCommand) -> "Verdict":
        """What the rules say to one request of these commands."""
        memory = Remembered(fold.Timeline, len(self._log))
        new: list[NewFact] = []
        try:
            for facts in decide_all(commands, memory, OFFICE, self._instant, REQUEST):
                if facts is None:
                    self._load(memory)
                new += facts or ()
        except Refused as refused:
            return Verdict([], refused)
        return Verdict(new, None)

    def shows(self, stream: str, on: date = TODAY) -> State | None:
        """The subject of a stream at (head, on)."""
        return fold.state(stream, self._of(stream), OPEN_END, on)

    def _of(self, stream: str | None) -> list[Recorded]:
        return [one for one in self._log if one.stream == stream]

    def _load(self, memory: Remembered) -> None:
        """As the handler loads from the database: what was asked for and is not there yet."""
        by_position = {one.position: one.stream for one in self._log}
        memory.where |= {position: by_position.get(position) for position in memory.missing_positions}
        asked = {memory.where[position] for position in memory.missing_positions} | memory.missing_streams
        memory.facts |= {stream: self._of(stream) for stream in asked if stream is not None}
        memory.named |= {stream: self._named(stream) for stream in memory.missing_names}
        memory.namers |= {stream: self._namers(stream) for stream in memory.missing_below}

    def _namers(self, stream: str) -> frozenset[str]:
        return frozenset(one.stream for one in self._log if stream in one.refers and one.stream != stream)

    def _named(self, stream: str) -> frozenset[int]:
        undone = {one.undoes for one in self._log}
        live = (one for one in self._log if one.position not in undone and one.stream != stream)
        return frozenset(one.position for one in live if stream in one.fact.refers())


class Verdict:
    """What became of a request: the facts that it would record, or the rule that refused it."""

    def __init__(self, new: list[NewFact], refusal: Refused | None) -> None:
        self._new = new
        self._refusal = refusal

    @property
    def facts(self) -> list[NewFact]:
        """The facts with their envelopes; fails if the request was refused."""
        assert self._refusal is None, f"refused: {self._refusal!r}"
        return self._new

    @property
    def refusal(self) -> Refused:
        """The refusal; fails if there is none."""
        assert self._refusal is not None, f"not refused, but made {self._new}"
        return self._refusal

    def then(self, first: Put, *rest: Put) -> None:
        """Exactly these facts, in this order."""
        assert [_spoken(one) for one in self.facts] == [_expected(one) for one in (first, *rest)]

    def then_nothing(self) -> None:
        """Accepted, and there is nothing to record."""
        assert self.facts == []

    def refused(self, by: type[Refused], saying: str = "", pointer: str | None = None, index: int = 0) -> None:
        """Refused by this very rule, in a sentence that holds these words, about this field of that command."""
        refusal = self.refusal
        assert type(refusal) is by, f"refused by {refusal!r}"
        assert saying in refusal.detail
        assert pointer in {None, refusal.pointer}
        assert index == refusal.index


Spoken = tuple[str, str, dict[str, Any], date, int | None]


def _expected(one: Put) -> Spoken:
    return one.stream, tag(one.fact), data_of(one.fact), one.on, one.replaces


def _spoken(one: NewFact) -> Spoken:
    """A new fact with its texts in place of the digests, each of which is proved."""
    texts: dict[str, str] = {}
    for hidden in one.disclosures:
        assert sealed_digest(hidden.salt, hidden.value) == hidden.digest
        texts[hidden.digest] = hidden.value
    return one.stream, tag(one.fact), _with_texts(data_of(one.fact), texts), one.effective_on, one.replaces


def _with_texts(data: Any, texts: dict[str, str]) -> Any:
    match data:
        case {"_sd": str(digest)}:
            return {"_sd": texts[digest]}
        case dict():
            return {key: _with_texts(value, texts) for key, value in data.items()}  # pyright: ignore[reportUnknownVariableType]
        case list() | tuple():
            return type(data)(_with_texts(value, texts) for value in data)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _:
            return data

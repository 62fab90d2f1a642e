"""The log as a rule may ask it: what is loaded, what is decided and not yet recorded, what is asked for and missing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

from domain.commands import AnyCommand
from domain.errors import Unknown
from domain.fact import above
from domain.record import Past, State, StateSpan
from domain.report import ReportProgress
from domain.undo import FactVoided, VoidFact
from events.proposal import NewFact
from events.recorded import OPEN_END, Recorded


class Folding(Protocol):
    """A stream's facts, and the states that they fold to."""

    facts: list[Recorded]

    def copy(self) -> "Folding":
        """The same, to be added to by itself."""
        ...

    def add(self, fact: Recorded) -> None:
        """One more fact, later than all others."""
        ...

    def at(self, on: date) -> State | None:
        """The subject on a day, or None."""
        ...

    def spans(self) -> Iterable[StateSpan]:
        """All its states, along the effective clock."""
        ...

    def weight(self) -> int:
        """How much is written for one more fact, roughly, in bytes."""
        ...


Fold = Callable[[str, Sequence[Recorded]], Folding]
"""The facts of a stream, to be folded; `projections/fold.py` is handed in."""


Ahead = Mapping[str, Sequence[Recorded]]
"""Facts by stream that are about to be recorded."""

NOTHING_AHEAD: Final[Ahead] = MappingProxyType({})


def add_facts(facts: dict[str, list[Recorded]], more: Ahead) -> None:
    """Have more facts by stream, behind those that are there."""
    for stream, own in more.items():
        facts.setdefault(stream, []).extend(own)


class Loaded:
    """What was read from the log for those who are decided together, and what others before them are to record."""

    def __init__(self, ahead: Ahead = NOTHING_AHEAD) -> None:
        self.facts: dict[str, list[Recorded]] = {}
        self.where: dict[int, str | None] = {}
        self.named: dict[str, frozenset[int]] = {}
        self.namers: dict[str, frozenset[str]] = {}
        self.count_ahead = 0
        self._ahead: dict[str, list[Recorded]] = {}
        self.expect(ahead)

    def ahead(self, stream: str) -> list[Recorded]:
        """What is to be recorded in a stream behind what was read of it."""
        read = len(self.facts[stream])
        return [one for one in self._ahead.get(stream, ()) if one.version > read]

    def expect(self, facts: Ahead) -> None:
        """Let those who are decided next see what somebody is to record."""
        add_facts(self._ahead, facts)
        self.count_ahead += sum(map(len, facts.values()))


class Remembered:
    """The log of a size as a rule may ask it. What is not loaded answers as if absent and is noted in `missing_…`.

    `read`: the version of each stream that was asked for. `ahead`: the requests that are to record the last facts of
    such a stream. `names`, `below_of`: whose namers were asked for.
    """

    def __init__(self, fold: Fold, size: int, loaded: Loaded | None = None) -> None:
        self._fold = fold
        self._loaded = loaded = loaded or Loaded()
        self.read_at = size
        self._size = size + loaded.count_ahead
        self._folded: dict[str, Folding] = {}
        self._left_out: tuple[str, Folding] | None = None
        self.facts, self.where, self.named, self.namers = loaded.facts, loaded.where, loaded.named, loaded.namers
        self.read: dict[str, int] = {}
        self.names, self.below_of = set[str](), set[str]()
        self.ahead: dict[str, tuple[UUID, ...]] = {}
        self.voiding = frozenset[int]()
        self.pending: dict[str, list[Recorded]] = {}
        self.unchanged: list[int] = []
        self._naming: dict[str, set[int]] = {}  # by this request's own facts
        self._undone = set[int]()
        self.weight = 0
        self.forget_missing()

    @property
    def complete(self) -> bool:
        """Whether every question was answered from what is loaded."""
        return not (self.missing_streams or self.missing_positions or self.missing_names or self.missing_below)

    def forget_missing(self) -> None:
        """Begin to decide one command, perhaps once more."""
        self._left_out = None
        self.missing_streams = set[str]()
        self.missing_positions = set[int]()
        self.missing_names = set[str]()
        self.missing_below = set[str]()

    def lack(self, other: "Remembered") -> None:
        """Note as missing what another lacks."""
        self.missing_streams |= other.missing_streams
        self.missing_positions |= other.missing_positions
        self.missing_names |= other.missing_names
        self.missing_below |= other.missing_below

    def expect(self, command: AnyCommand) -> None:
        """Note as missing what a command itself names, so that it is loaded with what others name."""
        if isinstance(command, VoidFact):
            self.missing_positions.add(command.target)
        else:
            self.missing_streams.add(command.stream)
        if isinstance(command, ReportProgress):
            self.missing_streams |= {*above(command.stream)}
        if command.replaces is not None:
            self.missing_positions.add(command.replaces)

    def state(self, stream: str, on: date) -> State | None:
        """The subject at (head, on), this request's earlier facts included and what is being replaced left out."""
        if self._left_out and self._left_out[0] == stream:
            return self._left_out[1].at(on)
        return self._of(stream).at(on)

    def past(self, position: int, field: str) -> Past:
        """The fact at `position`; Unknown if there is none."""
        if position not in self.where:
            self.missing_positions.add(position)
        stream = self.where.get(position)
        facts = self._of(stream).facts if stream else []
        found = next((one for one in facts if one.position == position), None)
        if found is None:
            raise Unknown(f"there is no fact at position {position}", pointer=f"/{field}")
        undone_by = next((one.position for one in facts if one.undoes == position), None)
        without = cache(lambda: self._without(found))
        return Past(
            position,
            found.stream,
            lambda on: without().at(on),
            lambda: [one for one in self.live(found.stream) if one != position],
            found.effective_on,
            found.fact,
            undone_by,
        )

    def live(self, stream: str) -> Sequence[int]:
        """The positions of the live facts of a stream, without those that this request voids."""
        facts = self._of(stream).facts
        gone = {one.undoes for one in facts} | self.voiding
        return [one.position for one in facts if one.position not in gone and not isinstance(one.fact, FactVoided)]

    def leave_out(self, past: Past) -> None:
        """Answer as if this fact were void, as it will be once it is replaced, until `forget_missing`."""
        found = next(one for one in self._of(past.stream).facts if one.position == past.position)
        self._left_out = (past.stream, self._without(found))

    def referred(self, stream: str) -> bool:
        """Whether a live fact of another stream names the subject, this request's own facts and voidings counted.

        Its later voidings too: if one of them is refused, so is the whole request.
        """
        self.names.add(stream)
        if stream not in self.named:
            self.missing_names.add(stream)
        named = self.named.get(stream, frozenset()) | self._naming.get(stream, set())
        return not named <= self._undone | self.voiding

    def states(self, stream: str) -> Iterable[StateSpan]:
        """All that the subject is at the head, this request's earlier facts included."""
        return self._of(stream).spans()

    def below(self, stream: str) -> Iterable[str]:
        """The streams of other subjects whose facts name this one, this request's own included."""
        self.below_of.add(stream)
        if stream not in self.namers:
            self.missing_below.add(stream)
        named = self.namers.get(stream, frozenset())
        return sorted(named | {one for one, own in self.pending.items() if any(stream in new.refers for new in own)})

    def version(self, stream: str) -> int:
        """The stream's version, without this request's own facts."""
        self._of(stream)
        return self.read.get(stream, 0)

    def pretend(self, new: NewFact, actor: str, instant: datetime) -> None:
        """Let the commands that follow see a fact of this request, at the position it would have now."""
        folded = self._of(new.stream)
        one = self._recorded(new, actor, instant)
        self._size += 1
        self.pending.setdefault(new.stream, []).append(one)
        if new.undoes is not None:
            self._undone.add(new.undoes)
        if not isinstance(one.fact, FactVoided):  # which names nothing that it stands on
            for stream in one.refers:
                self._naming.setdefault(stream, set()).add(one.position)
        folded.add(one)
        self.weight += folded.weight()

    def states_with(self, new: NewFact, actor: str, instant: datetime) -> Sequence[StateSpan]:
        """All that the subject of a fact's stream will be with it, along the effective clock."""
        folded = self._of(new.stream).copy()
        folded.add(self._recorded(new, actor, instant))
        return tuple(folded.spans())

    def _recorded(self, new: NewFact, actor: str, instant: datetime) -> Recorded:
        return Recorded(
            self._size + 1,
            new.stream,
            len(self._of(new.stream).facts) + 1,
            actor,
            instant,
            new.effective_on,
            new.replaces,
            new.cause,
            new.fact,
        )

    def _of(self, stream: str) -> Folding:
        if stream not in self.facts:
            self.missing_streams.add(stream)
            return self._fold(stream, ())
        if stream not in self._folded:
            self._folded[stream] = folded = self._fold(stream, self.facts[stream])
            ahead = self._loaded.ahead(stream)
            for one in ahead:
                folded.add(one)
            if ahead:
                self.ahead[stream] = tuple(one.cause.request for one in ahead)
            self.read[stream] = len(folded.facts)
            if folded.facts:  # it may have been read later than the size: what is pretended stands behind it
                self._size = max(self._size, folded.facts[-1].position)
        return self._folded[stream]

    def _without(self, one: Recorded) -> Folding:
        without = self._of(one.stream).copy()
        without.add(_void(one))
        return without


def _void(one: Recorded) -> Recorded:
    """A pretended fact that voids another, later than all."""
    void = FactVoided(one.position)
    return Recorded(OPEN_END, one.stream, 0, one.actor, one.recorded_at, one.effective_on, None, one.cause, void)

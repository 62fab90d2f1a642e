"""Whether a history is strictly serialisable: the log is the order, and it has to explain every answer.

This knows what the clients saw, the log as `/v1/events` tells it, and the pure `decide`; nothing of the server. Every
request in the log must be what the rules make of its commands on the facts before it. What was answered before another
request was begun stands before it in the log. A refusal, and a command that changed nothing, must be right at some
place of the log between what was there when it was begun and what was there when it was answered. A read that said
`minPosition` shows the state at its position, and no earlier one than it asked for.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.commands import AnyCommand
from domain.errors import Refused
from domain.fact import Fact, data_of, tag
from domain.task import Task
from events import codec, merkle
from events.deciding import decide_all
from events.recorded import Recorded
from events.remembered import Remembered
from projections.fold import Timeline

BESIDE: Final = ("leafHash", "undoneBy", "inRequest", "disclosures", "meta")  # what is no part of a leaf
REQUEST: Final = UUID(int=1)


class Call(msgspec.Struct):
    """A request: when it was first begun and last answered, and how. Its key is the reason of all its commands."""

    key: str
    commands: list[dict[str, Any]]
    begun: float
    ended: float = math.inf
    positions: list[int] | None = None  # none recorded: empty
    refusal: str | None = None  # its code


class Look(msgspec.Struct):
    """A read of a task: what was asked for, and what was shown."""

    begun: float
    ended: float
    least: int
    position: int
    on: date
    task: str
    text: str
    due: date | None


class Heard(msgspec.Struct):
    """A head that somebody was told of."""

    position: int
    root: str


class Judge:
    """The log as far as it was judged, and what was found wrong in it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.size = 0
        self.decided = 0
        self._streams: dict[str, list[Recorded]] = {}
        self._kept: dict[str, Timeline] = {}
        self._where: dict[int, str] = {}
        self._naming: dict[str, dict[int, str]] = {}  # stream → position and stream of each fact that names it
        self._undone = set[int]()
        self._frontier: merkle.Frontier = ()
        self._last_begun = -math.inf

    def hear(
        self, items: Sequence[Mapping[str, Any]], calls: Iterable[Call], looks: Iterable[Look], heads: Iterable[Heard]
    ) -> None:
        """All that came to the log, and all that was asked and answered meanwhile; nothing is under way any more."""
        calls, by_key = list(calls), {call.key: call for call in calls}
        waiting = [_Waiting(call, *self._window(call, calls)) for call in calls if not call.positions]
        reads: dict[int, list[Look]] = {}
        for look in looks:
            reads.setdefault(look.position, []).append(look)
            low, high = self._window(look, calls)
            if not max(low, look.least) <= look.position <= high:
                self.faults.append(f"a read showed position {look.position}, where {low} to {high} were there")
        roots: dict[int, set[str]] = {}
        for head in heads:
            roots.setdefault(head.position, set()).add(head.root)
        self._root(roots.pop(self.size, set()))
        self._shown(reads.pop(self.size, []))
        self._justify(waiting)
        for at in _requests(items):
            leaves = [_leaf(item) for item in at]
            self._request(leaves, by_key)
            for leaf in leaves:
                self._add(leaf)
                self._root(roots.get(leaf.position, set()))
                self._shown(reads.pop(leaf.position, []))
            self._justify(waiting)
        self.faults += [f"{one.call.key}: {one.call.refusal or 'nothing recorded'} is never right" for one in waiting]
        self.faults += [
            f"a read showed position {position}, which is not there" for position in reads if reads[position]
        ]
        there = {one.cause.reason for at in self._streams.values() for one in at}
        self.faults += [f"{call.key} is lost" for call in calls if call.positions and call.key not in there]

    def _window(self, one: Call | Look, calls: Sequence[Call]) -> tuple[int, int]:
        """Between which sizes of the log it was answered."""
        low = max(
            (call.positions[-1] for call in calls if call.positions and call.ended < one.begun), default=self.size
        )
        high = max(
            (call.positions[-1] for call in calls if call.positions and call.begun < one.ended), default=self.size
        )
        return low, high

    def _request(self, leaves: Sequence[Recorded], calls: Mapping[str, Call]) -> None:
        """A request in the log is what the rules make of it, where it stands, and was told of so."""
        key, positions = leaves[0].cause.reason or "", [one.position for one in leaves]
        call = calls.get(key)
        if call is None:
            if self.size:
                self.faults.append(f"{key} at {positions} was never sent, or stands twice")
            return
        if call.positions != positions:
            self.faults.append(f"{key} stands at {positions}, and {call.positions} were acknowledged")
        if call.ended < self._last_begun:
            self.faults.append(f"{key} was acknowledged before one was begun that stands before it")
        self._last_begun = max(self._last_begun, call.begun)
        made = self.decide(call.commands, leaves[0].recorded_at)
        if made != [_spoken(one.stream, one.fact, one.effective_on) for one in leaves]:
            self.faults.append(f"{key} at {positions} is not what the rules make of it there: {made}")
        self.decided += 1

    def decide(self, commands: Sequence[dict[str, Any]], instant: datetime) -> list[Any] | str:
        """The facts that commands make on the log as it is, or the code of their refusal."""
        given = [msgspec.convert(one, AnyCommand) for one in commands]
        memory, made = Remembered(self._fold, self.size), list[Any]()
        for one in given:
            memory.expect(one)
        self._load(memory)
        try:
            for facts in decide_all(given, memory, "office", instant, REQUEST):
                if facts is None:
                    self._load(memory)
                made += [_spoken(one.stream, one.fact, one.effective_on) for one in facts or ()]
        except Refused as refused:
            return refused.code
        return made

    def _justify(self, waiting: list["_Waiting"]) -> None:
        """Whoever recorded nothing may have been right here."""
        for one in [one for one in waiting if one.low <= self.size <= one.high]:
            made = self.decide(one.call.commands, self._now())
            self.decided += 1
            if made == (one.call.refusal or []):
                waiting.remove(one)

    def _now(self) -> datetime:
        stream = self._streams[self._where[self.size]]
        return stream[-1].recorded_at

    def _root(self, told: Iterable[str]) -> None:
        root = merkle.root(self._frontier).hex()
        self.faults += [f"the root at {self.size} was told to be {one}, it is {root}" for one in told if one != root]

    def _shown(self, looks: Iterable[Look]) -> None:
        for look in looks:
            stream = f"task:{look.task}"
            task = self._fold(stream, self._streams[stream]).at(look.on)
            if not isinstance(task, Task) or (task.text, task.due) != (look.text, look.due):
                self.faults.append(f"a read of {look.task} at {look.position} showed {look.text}, {look.due}: {task}")

    def _add(self, one: Recorded) -> None:
        if one.position != self.size + 1:
            self.faults.append(f"position {one.position} stands behind position {self.size}")
        self._frontier, _ = merkle.extend(self._frontier, self.size, [codec.encode(one)])
        self.size = one.position
        self._streams.setdefault(one.stream, []).append(one)
        self._where[one.position] = one.stream
        for stream in one.refers:
            self._naming.setdefault(stream, {})[one.position] = one.stream
        if one.undoes is not None:
            self._undone.add(one.undoes)

    def _fold(self, stream: str, facts: Sequence[Recorded]) -> Timeline:
        kept = self._kept.setdefault(stream, Timeline(stream))
        for one in facts[len(kept.facts) :]:
            kept.add(one)
        return kept.copy()

    def _load(self, memory: Remembered) -> None:
        memory.where |= {position: self._where.get(position) for position in memory.missing_positions}
        asked = {memory.where[position] for position in memory.missing_positions} | memory.missing_streams
        memory.facts |= {stream: list(self._streams.get(stream, ())) for stream in asked if stream is not None}
        for stream in memory.missing_names | memory.missing_below:
            naming = {at: by for at, by in self._naming.get(stream, {}).items() if by != stream}
            memory.named[stream] = frozenset(naming.keys() - self._undone)
            memory.namers[stream] = frozenset(naming.values())


class _Waiting:
    """A call that recorded nothing, and between which sizes of the log it was answered."""

    def __init__(self, call: Call, low: int, high: int) -> None:
        self.call, self.low, self.high = call, low, high


def _requests(items: Sequence[Mapping[str, Any]]) -> Iterable[list[Mapping[str, Any]]]:
    """The facts of each request, which stand together."""
    own: list[Mapping[str, Any]] = []
    for item in items:
        if item["inRequest"]["index"] == 0 and own:
            yield own
            own = []
        own.append(item)
    if own:
        yield own


def _leaf(item: Mapping[str, Any]) -> Recorded:
    return codec.decode(codec.canonical({name: value for name, value in item.items() if name not in BESIDE}))


def _spoken(stream: str, fact: Fact, on: date) -> Any:
    """A fact without the digests of its sealed texts, which chance is part of."""
    return stream, tag(fact), on, _open(data_of(fact))


def _open(value: Any) -> Any:
    match value:
        case {"_sd": str()}:
            return "sealed"
        case dict():
            return {name: _open(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_open(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value

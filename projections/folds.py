"""Streams that were folded before: one more fact costs one step of the fold, however many there are."""

from collections.abc import Sequence
from typing import Final

import msgspec

from domain.values import LATEST
from events.recorded import Recorded
from projections.fold import Timeline
from projections.memory import Memory

_FACT: Final = 400  # bytes that a fact takes among those that are folded
_DECODED: Final = 3  # bytes that a state takes for each byte of its JSON
_FAR: Final = 64  # facts more than are known: as many are folded anew


class Folds:
    """Timelines by stream, in the process's memory. Each is a copy of whoever asks for it, to be added to.

    What is known of a stream is used where its last fact stands among those asked for, in its place and alike in all:
    then so do those before it, as nothing recorded ever changes.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __call__(self, stream: str, facts: Sequence[Recorded] = ()) -> Timeline:
        """The timeline of a stream that has these facts."""
        key = "folded", stream
        known: Timeline | None = self._memory.get(key) if facts else None
        size = len(known.facts) if known else 0
        if known is None or not 0 <= len(facts) - size <= _FAR or known.facts[-1] != facts[size - 1]:
            made = Timeline(stream, facts)
        elif size == len(facts):
            return known.copy()
        else:
            made = known.copy()
            for fact in facts[size:]:
                made.add(fact)
        if facts:
            self._memory.put(key, made.copy(), _weight(made))
        return made


def _weight(made: Timeline) -> int:
    return (_FACT + _DECODED * len(msgspec.json.encode(made.at(LATEST)))) * len(made.facts)

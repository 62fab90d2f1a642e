"""The state at (P, D): the rule of the two clocks, as pure code, and its slices on both clocks."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from functools import reduce
from typing import Final

import msgspec

from domain.commands import evolve_of
from domain.record import State, StateSpan
from domain.undo import FactVoided
from events.recorded import OPEN_END, Recorded

RULES_VERSION: Final = 1  # the version of the rules, as openapi/FOLD.md says them: it says when this is raised, too
MINUS_INFINITY: Final = date.min  # −infinity and
INFINITY: Final = date.max  # infinity on the effective clock, as asyncpg reads and writes them
ROW: Final = 100  # bytes that a row costs beside what it says
FOLD: Final = 3  # and a fact that is folded once more


def state(stream: str, facts: Iterable[Recorded], position: int, on: date) -> State | None:
    """The subject of `stream` at (position, on), folded from the facts of its stream; None if it is not there."""
    folded: State | None = None
    evolve = evolve_of(stream)
    for since, fact, place in standing(facts, position):
        if since <= on:
            folded = evolve(folded, fact.fact, fact.placed(place))
    return folded


def standing(facts: Iterable[Recorded], position: int) -> list[tuple[date, Recorded, int]]:
    """The facts that stand at `position`, each with the day from which it holds and its place, as they are folded.

    Take the facts at positions up to `position`. Drop those voided or replaced by one of them. Sort by the day from
    which they hold, then by place: their own position or, for a replacement, that of its chain's first fact. Of the
    facts that found a timeless subject the first by place holds from −infinity, every other fact from its own date.
    """
    known = [fact for fact in facts if fact.position <= position]
    undone = {fact.undoes for fact in known}
    place: dict[int, int] = {}
    for fact in known:
        place[fact.position] = place.get(fact.replaces, fact.position) if fact.replaces else fact.position
    live = [fact for fact in known if fact.position not in undone and not isinstance(fact.fact, FactVoided)]
    live.sort(key=lambda fact: place[fact.position])
    founding = next((fact for fact in live if fact.fact.FOUNDS), None)
    dated = [(MINUS_INFINITY if fact is founding else fact.effective_on, fact, place[fact.position]) for fact in live]
    return sorted(dated, key=lambda one: one[0])


def timeline(stream: str, facts: Iterable[Recorded], position: int) -> list[StateSpan]:
    """The subject's states at `position` along the effective clock, without gaps from the day it is there."""
    spans: list[StateSpan] = []
    folded: State | None = None
    evolve = evolve_of(stream)
    steps = standing(facts, position)
    ends = [day for day, _, _ in steps[1:]] + [INFINITY]
    for (since, fact, place), until in zip(steps, ends, strict=False):
        folded = evolve(folded, fact.fact, fact.placed(place))
        if folded is None or since == until:
            continue
        if spans and spans[-1][1] == since and spans[-1][2] == folded:
            since = spans.pop()[0]  # noqa: PLW2901 - the same state goes on: one span
        spans.append((since, until, folded))
    return spans


class Timeline:
    """A subject's states along the effective clock at its last fact, kept up while facts are added.

    What holds from the last of its days on, or a later one, costs one step of the fold; an earlier fact folds the days
    behind it once more, and one that undoes another the whole stream. `state` and `timeline`, the rule as it is said,
    are what this is tested against.
    """

    def __init__(self, stream: str, facts: Iterable[Recorded] = ()) -> None:
        self.facts = list(facts)
        self._evolve = evolve_of(stream)
        self._begin()

    def copy(self) -> "Timeline":
        """The same, to be added to by itself."""
        other = Timeline.__new__(Timeline)
        other.facts, other._evolve = self.facts.copy(), self._evolve  # noqa: SLF001 - of its own kind
        other._days, other._states = self._days.copy(), self._states.copy()  # noqa: SLF001
        other._steps = {day: facts.copy() for day, facts in self._steps.items()}  # noqa: SLF001
        other._places = self._places.copy()  # noqa: SLF001
        return other

    def add(self, fact: Recorded) -> None:
        """One more fact, later recorded than all others."""
        self.facts.append(fact)
        if fact.undoes is not None:
            self._begin()
            return
        founding = fact.fact.FOUNDS and MINUS_INFINITY not in self._steps
        since = MINUS_INFINITY if founding else fact.effective_on
        at = bisect_left(self._days, since)
        if since not in self._steps:
            self._days.insert(at, since)
            self._steps[since] = []
            self._states[since] = self._before(at)
        self._steps[since].append(fact)  # of equal dates the later place wins
        self._places[fact.position] = fact.position
        self._states[since] = self._evolved(self._states[since], fact)
        self._fold(at + 1)

    def at(self, on: date) -> State | None:
        """The subject on a day, or None."""
        return self._before(bisect_right(self._days, on))

    def standing(self, on: date) -> Iterator[Recorded]:
        """The facts that make it what it is on a day, in the order in which they are folded."""
        for day in self._days[: bisect_right(self._days, on)]:
            yield from self._steps[day]

    def spans(self) -> Iterator[StateSpan]:
        """Its states one after the other, as `timeline` gives them."""
        open_: StateSpan | None = None
        for since, until in zip(self._days, [*self._days[1:], INFINITY], strict=False):
            state = self._states[since]
            if state is None:
                continue
            if open_ and open_[2] == state:
                open_ = (open_[0], until, state)
                continue
            if open_:
                yield open_
            open_ = (since, until, state)
        if open_:
            yield open_

    def weight(self) -> int:
        """What it took to add the last fact, roughly, in bytes that the tables are given: its rows on all days."""
        rows = sum(ROW + len(msgspec.json.encode(state)) for _, _, state in self.spans())
        return rows + (FOLD * len(self.facts) if self.facts[-1].undoes else 0)

    def _begin(self) -> None:
        self._steps: dict[date, list[Recorded]] = {}
        self._places: dict[int, int] = {}
        for since, fact, place in standing(self.facts, OPEN_END):
            self._steps.setdefault(since, []).append(fact)
            self._places[fact.position] = place
        self._days = list(self._steps)
        self._states: dict[date, State | None] = {}
        self._fold(0)

    def _fold(self, at: int) -> None:
        state = self._before(at)
        for day in self._days[at:]:
            state = reduce(self._evolved, self._steps[day], state)
            if day in self._states and self._states[day] == state:
                return  # then so are all days behind it
            self._states[day] = state

    def _before(self, at: int) -> State | None:
        return self._states[self._days[at - 1]] if at else None

    def _evolved(self, state: State | None, fact: Recorded) -> State | None:
        return self._evolve(state, fact.fact, fact.placed(self._places[fact.position]))

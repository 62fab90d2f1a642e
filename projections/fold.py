"""The state at (P, D): the rule of the two clocks, as pure code, and its slices on both clocks."""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from copy import copy
from datetime import date
from functools import reduce
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

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


class Redone(NamedTuple):
    """What one more fact made of a subject: from a day up to another it is not what it was.

    `before` is what it was there, each from its day on; outside of these days nothing has changed.
    """

    since: date
    until: date
    before: Sequence[tuple[date, State | None]]


class Timeline:
    """A subject's states along the effective clock at its last fact, kept up while facts are added.

    What holds from the last of its days on, or a later one, costs one step of the fold; an earlier fact, or one that
    undoes an earlier one, folds once more from its day up to the first that stays what it was. `state` and `timeline`,
    the rule as it is said, are what this is tested against.
    """

    def __init__(self, stream: str, facts: Iterable[Recorded] = ()) -> None:
        self.facts = list(facts)
        self._evolve = evolve_of(stream)
        self._redone, self._folded = Redone(INFINITY, INFINITY, ()), 0
        self._begin()

    @classmethod
    def folded(cls, stream: str, facts: Iterable[Recorded]) -> Generator[None, None, "Timeline"]:
        """The timeline of these facts, in steps."""
        made = cls(stream)
        made.facts = list(facts)
        yield from made._days_begun()
        return made

    @property
    def days(self) -> int:
        """The days on which it may become another."""
        return len(self._days)

    def copy(self) -> "Timeline":
        """The same, to be added to by itself."""
        other = copy(self)
        other.facts = self.facts.copy()
        other._days, other._states = self._days.copy(), self._states.copy()  # noqa: SLF001 - of its own kind
        other._steps, other._places = self._steps.copy(), self._places.copy()  # noqa: SLF001
        return other

    def add(self, fact: Recorded) -> Redone:
        """One more fact, later recorded than all others."""
        self.facts.append(fact)
        undone = self._undone(fact)
        if fact.undoes is None:
            founding = fact.fact.FOUNDS and MINUS_INFINITY not in self._days[:1]
            self._redone = self._append(MINUS_INFINITY if founding else fact.effective_on, fact)
        elif undone is None or undone.fact.FOUNDS or fact.fact.FOUNDS:  # another fact may be the one that founds it
            before = self._from(0, MINUS_INFINITY)
            self._begin()
            self._redone = Redone(MINUS_INFINITY, INFINITY, before)
        else:
            self._redone = self._undo(undone, None if isinstance(fact.fact, FactVoided) else fact)
        return self._redone

    def at(self, on: date) -> State | None:
        """The subject on a day, or None."""
        return self._before(bisect_right(self._days, on))

    def standing(self, on: date) -> Iterator[Recorded]:
        """The facts that make it what it is on a day, in the order in which they are folded."""
        for steps in self._steps[: bisect_right(self._days, on)]:
            yield from steps

    def spans(self) -> Iterator[StateSpan]:
        """Its states one after the other, as `timeline` gives them."""
        open_: StateSpan | None = None
        for since, until, state in self.within(MINUS_INFINITY, INFINITY):
            if open_ and open_[2] == state:
                since = open_[0]  # noqa: PLW2901 - the same state goes on: one span
            elif open_:
                yield open_
            open_ = (since, until, state) if state is not None else None
        if open_:
            yield open_

    def within(self, since: date, until: date) -> Iterator[tuple[date, date, State | None]]:
        """What it is from a day up to another, cut wherever a fact holds from."""
        at = bisect_right(self._days, since)
        while since < until:
            end = min(self._days[at], until) if at < len(self._days) else until
            yield since, end, self._before(at)
            since, at = end, at + 1

    def earlier(self, day: date) -> Iterator[tuple[date, date, State | None]]:
        """What it is before a day, cut in the same way, the latest first."""
        for at in range(bisect_left(self._days, day) - 1, -1, -1):
            yield self._days[at], day, self._states[at]
            day = self._days[at]

    def weight(self) -> int:
        """What it took to add the last fact, roughly, in bytes that the tables are given: the rows that changed.

        What stands before the first of its days ends or begins there, and counts too.
        """
        since, until, _ = self._redone
        states = [state for _, _, state in self.within(since, until)]
        states += [state for _, _, state in islice(self.earlier(since), 1)]
        return FOLD * self._folded + sum(ROW + len(msgspec.json.encode(state)) for state in states if state is not None)

    def _begin(self) -> None:
        for _ in self._days_begun():
            pass

    def _days_begun(self) -> Iterator[None]:
        self._days: list[date] = []
        self._states: list[State | None] = []
        self._steps: list[tuple[Recorded, ...]] = []
        self._places: dict[int, int] = {}  # of the facts that have another than their own position
        for since, steps in groupby(standing(self.facts, OPEN_END), key=itemgetter(0)):
            days = [(fact, place) for _, fact, place in steps]
            self._places |= {fact.position: place for fact, place in days if place != fact.position}
            self._days.append(since)
            self._steps.append(tuple(fact for fact, _ in days))
            self._states.append(reduce(self._evolved, self._steps[-1], self._before(len(self._states))))
            yield
        self._folded = len(self.facts)

    def _undone(self, fact: Recorded) -> Recorded | None:
        """The fact that this one undoes, if it stands where it is looked for."""
        for found in self.facts[bisect_left(self.facts, fact.undoes or OPEN_END, key=_position) :][:1]:
            day = bisect_left(self._days, found.effective_on)
            if found.position == fact.undoes and any(found in steps for steps in self._steps[day : day + 1]):
                return found
        return None

    def _append(self, since: date, fact: Recorded) -> Redone:
        """A fact that is folded behind all others of its day."""
        at = bisect_left(self._days, since)
        said = self.at(since)
        self._day(at, since)
        self._steps[at] = (*self._steps[at], fact)
        self._states[at], self._folded = self._evolved(said, fact), 1
        if self._states[at] == said:
            return Redone(since, since, ())
        until, behind = self._fold(at + 1, since)
        return Redone(since, until, [(since, said), *behind])

    def _undo(self, undone: Recorded, instead: Recorded | None) -> Redone:
        """Fold without a fact, and with what it is replaced by in its place."""
        since, last = sorted((undone.effective_on, (instead or undone).effective_on))
        at = bisect_left(self._days, since)
        stood = self._from(at, since, bisect_right(self._days, last))
        old = bisect_left(self._days, undone.effective_on)
        self._steps[old] = tuple(one for one in self._steps[old] if one.position != undone.position)
        if not self._steps[old]:
            del self._days[old], self._states[old], self._steps[old]
        if instead:
            self._places[instead.position] = self._place(undone)
            new = bisect_left(self._days, instead.effective_on)
            self._day(new, instead.effective_on)
            self._steps[new] = tuple(sorted((*self._steps[new], instead), key=self._place))
        self._folded = 0
        until, behind = self._fold(at, last)
        return Redone(since, until, [*stood, *behind])

    def _from(self, at: int, since: date, end: int | None = None) -> list[tuple[date, State | None]]:
        """What it is from a day on, which is that of a place or lies before it, up to the day of another."""
        stood = list(zip(self._days[at:end], self._states[at:end], strict=True))
        return stood if stood and stood[0][0] == since else [(since, self._before(at)), *stood]

    def _day(self, at: int, day: date) -> None:
        """Have a day at its place."""
        if self._days[at : at + 1] != [day]:
            self._days.insert(at, day)
            self._states.insert(at, None)
            self._steps.insert(at, ())

    def _fold(self, at: int, last: date) -> tuple[date, list[tuple[date, State | None]]]:
        """Fold once more from a day on: the first day behind `last` that stays what it was, and what did not, was."""
        behind: list[tuple[date, State | None]] = []
        for place in range(at, len(self._days)):
            state = reduce(self._evolved, self._steps[place], self._before(place))
            self._folded += len(self._steps[place])
            if self._days[place] > last:
                if state == self._states[place]:
                    return self._days[place], behind  # then so do all behind it
                behind.append((self._days[place], self._states[place]))
            self._states[place] = state
        return INFINITY, behind

    def _before(self, at: int) -> State | None:
        return self._states[at - 1] if at else None

    def _place(self, fact: Recorded) -> int:
        return self._places.get(fact.position, fact.position)

    def _evolved(self, state: State | None, fact: Recorded) -> State | None:
        return self._evolve(state, fact.fact, fact.placed(self._place(fact)))


_position: Final = attrgetter("position")

"""The state at (P, D): the rule of the two clocks, as pure code, and its slices on both clocks."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from domain.commands import subject
from domain.record import State
from domain.undo import FactVoided
from events.recorded import Recorded

ALWAYS: Final = date.min  # −infinity and
FOREVER: Final = date.max  # infinity on the effective clock, as asyncpg reads and writes them


def state(stream: str, facts: Iterable[Recorded], position: int, on: date) -> State | None:
    """The subject of `stream` at (position, on), folded from the facts of its stream; None if it is not there."""
    folded: State | None = None
    evolve = subject(stream).evolve
    for since, fact in standing(stream, facts, position):
        if since <= on:
            folded = evolve(folded, fact.fact, fact.position)
    return folded


def standing(stream: str, facts: Iterable[Recorded], position: int) -> list[tuple[date, Recorded]]:
    """The facts that stand at `position`, each with the day from which it holds, in the order in which they are folded.

    Take the facts at positions up to `position`. Drop those voided or replaced by one of them. Sort by the day from
    which they hold, then by place: their own position or, for a replacement, that of its chain's first fact.
    """
    known = [fact for fact in facts if fact.position <= position]
    undone = {fact.undoes for fact in known}
    place: dict[int, int] = {}
    for fact in known:
        place[fact.position] = place.get(fact.replaces, fact.position) if fact.replaces else fact.position
    live = [fact for fact in known if fact.position not in undone and not isinstance(fact.fact, FactVoided)]
    origin = _origin(stream, known, live, place)
    dated = [(ALWAYS if fact.effective_on == origin else fact.effective_on, fact) for fact in live]
    return sorted(dated, key=lambda one: (one[0], place[one[1].position]))


def _origin(stream: str, known: Sequence[Recorded], live: Sequence[Recorded], place: dict[int, int]) -> date | None:
    """The date of a timeless subject's first fact: what holds from then on holds from −infinity."""
    if not subject(stream).timeless or not known:
        return None
    first = place[known[0].position]
    return next((fact.effective_on for fact in live if place[fact.position] == first), None)


Span = tuple[date, date, State]  # from a day to the day before another, a state


def timeline(stream: str, facts: Iterable[Recorded], position: int) -> list[Span]:
    """The subject's states at `position` along the effective clock, without gaps from the day it is there."""
    spans: list[Span] = []
    folded: State | None = None
    evolve = subject(stream).evolve
    steps = standing(stream, facts, position)
    ends = [day for day, _ in steps[1:]] + [FOREVER]
    for (since, fact), until in zip(steps, ends, strict=False):
        folded = evolve(folded, fact.fact, fact.position)
        if folded is None or since == until:
            continue
        if spans and spans[-1][1] == since and spans[-1][2] == folded:
            since = spans.pop()[0]  # noqa: PLW2901 - the same state goes on: one span
        spans.append((since, until, folded))
    return spans

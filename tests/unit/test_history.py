"""A subject's versions: the rectangles that the rule makes on both clocks, whether told at once or page by page."""

from collections.abc import Sequence
from datetime import date

import msgspec
from hypothesis import given as whenever
from hypothesis import settings

from domain.undo import FactVoided
from events.recorded import OPEN_END, Recorded
from events.steps import at_once
from projections.fold import INFINITY, MINUS_INFINITY, standing, state, timeline
from projections.lists import Excerpt
from projections.memory import Memory
from projections.views.events import Facts, entries_of
from projections.views.history import Version, all_stretches, of, versions
from tests.unit.histories import anything, tasks, units


def facts_of(recorded: Sequence[Recorded]) -> Facts:
    """Facts that are all that there is."""
    return Facts(recorded, {}, dict(at_once(entries_of(recorded))))


Rectangle = tuple[int, date, int | None, date]


def rectangles(facts: Sequence[Recorded]) -> set[Rectangle]:
    """Each state on both clocks, folded from the first fact at every position: begin, first day, end, day after."""
    stream, found = facts[0].stream, set[Rectangle]()
    showing: dict[tuple[date, date, str], int] = {}
    for size, fact in enumerate(facts, 1):
        shown = {(since, until, repr(one)) for since, until, one in timeline(stream, facts[:size], OPEN_END)}
        for place in showing.keys() - shown:
            found.add((showing.pop(place), place[0], fact.position, place[1]))
        showing |= dict.fromkeys(shown - showing.keys(), fact.position)
    return found | {(begun, since, None, until) for (since, until, _), begun in showing.items()}


def rectangle(one: Version) -> Rectangle:
    return one.known.from_, one.effective.from_ or MINUS_INFINITY, one.known.to, one.effective.to or INFINITY


@whenever(anything)
@settings(max_examples=200, deadline=None)
def test_the_versions_are_the_states_on_both_clocks_each_once(facts: list[Recorded]) -> None:
    told = [rectangle(one) for one in of(facts_of(facts))]
    assert len(told) == len(set(told))
    assert set(told) == rectangles(facts)
    assert told == sorted(told, key=lambda one: one[:2])


@whenever(anything)
@settings(max_examples=200, deadline=None)
def test_a_version_names_the_facts_that_it_is_folded_from_and_what_was_said_before(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for one in of(facts_of(facts)):
        since = one.effective.from_ or MINUS_INFINITY
        stood = standing(facts, one.known.from_)
        assert one.standing == tuple(fact.position for day, fact, _ in stood if day <= since)
        before, after = (state(stream, facts, position, since) for position in (one.known.from_ - 1, one.known.from_))
        assert bool(one.changes) == (before != after)
        assert one.fact.position == one.known.from_


@whenever(units, tasks)
@settings(max_examples=100, deadline=None)
def test_the_pages_of_a_history_are_the_whole(unit: list[Recorded], task: list[Recorded]) -> None:
    later = [_moved(one, len(unit)) for one in task]
    facts = facts_of([*unit, *later])
    whole, found = of(facts), list[Version]()
    while page := list(at_once(versions(facts, Excerpt(2, _place(found[-1]) if found else None)))):
        assert len(page) <= 2
        found += page
    assert tuple(found) == whole
    found.clear()
    while page := list(at_once(versions(facts, Excerpt(2, _place(found[0]) if found else None, backwards=True)))):
        assert len(page) <= 2
        found[:0] = page
    assert tuple(found) == whole


@whenever(units, tasks)
@settings(max_examples=100, deadline=None)
def test_what_begins_behind_a_position_is_the_same_told_by_itself(unit: list[Recorded], task: list[Recorded]) -> None:
    facts = facts_of([*unit, *(_moved(one, len(unit)) for one in task)])
    for position in range(len(facts.recorded) + 1):
        later = tuple(at_once(versions(facts, behind=position)))
        assert later == tuple(one for one in of(facts) if one.known.from_ > position)


@whenever(units, tasks)
@settings(max_examples=50, deadline=None)
async def test_pages_are_the_same_by_what_is_remembered(unit: list[Recorded], task: list[Recorded]) -> None:
    facts = facts_of([*unit, *(_moved(one, len(unit)) for one in task)])
    memory = Memory(1_000_000)
    for number in range(len(of(facts))):
        excerpt = Excerpt(3, _place(of(facts)[number]))
        known = await all_stretches(facts, unit[0].stream, memory)
        assert known is await all_stretches(facts, unit[0].stream, memory)
        assert [*at_once(versions(facts, excerpt, known=known))] == [*at_once(versions(facts, excerpt))]


def _place(one: Version) -> tuple[int, date]:
    return one.known.from_, one.effective.from_ or MINUS_INFINITY


def _moved(one: Recorded, by: int) -> Recorded:
    """The same fact at a later position, and whatever it undoes too."""
    fact = FactVoided(one.fact.target + by) if isinstance(one.fact, FactVoided) else one.fact
    replaces = one.replaces + by if one.replaces else None
    return msgspec.structs.replace(one, position=one.position + by, replaces=replaces, fact=fact)

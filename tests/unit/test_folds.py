"""A timeline that is remembered is the one that the facts make, whatever was asked for and pretended before."""

import msgspec
from hypothesis import given as whenever
from hypothesis import settings
from hypothesis import strategies as st

from events.recorded import Recorded
from projections.fold import Timeline
from projections.folds import Folds
from projections.memory import Memory
from tests.unit.histories import anything


def same(one: Timeline, other: Timeline) -> bool:
    return (one.facts, list(one.spans())) == (other.facts, list(other.spans()))


@whenever(anything, st.lists(st.integers(0, 12), max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_was_asked_for_before_it_is_what_the_facts_make(facts: list[Recorded], sizes: list[int]) -> None:
    folds, stream = Folds(Memory(1_000_000)), facts[0].stream
    for size in sizes:
        some = facts[: min(size, len(facts))]
        made = folds(stream, some)
        assert same(made, Timeline(stream, some))
        for fact in facts[len(some) :]:
            made.add(fact)  # whoever has it may add to it
        assert same(made, Timeline(stream, facts))


@whenever(anything)
@settings(max_examples=100, deadline=None)
def test_facts_that_were_only_thought_of_are_not_taken_for_others_in_their_place(facts: list[Recorded]) -> None:
    folds, stream = Folds(Memory(1_000_000)), facts[0].stream
    for at in range(1, len(facts) + 1):
        thought = msgspec.structs.replace(facts[at - 1], actor="another office")
        folds(stream, [*facts[: at - 1], thought])
        assert same(folds(stream, facts[:at]), Timeline(stream, facts[:at]))


@whenever(anything)
@settings(max_examples=50, deadline=None)
def test_with_no_room_every_timeline_is_folded_anew(facts: list[Recorded]) -> None:
    folds, stream = Folds(Memory(0)), facts[0].stream
    assert same(folds(stream, facts), Timeline(stream, facts))
    assert same(folds(stream, facts), Timeline(stream, facts))

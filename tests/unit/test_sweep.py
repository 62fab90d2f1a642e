"""What `verify` folds by, held against the rule and against what appends do."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given as whenever
from hypothesis import settings

from domain.fact import Fact
from domain.task import TaskDeadlineSet, TaskReworded
from domain.undo import FactVoided
from events.recorded import Recorded
from events.steps import at_once
from projections.slices import slice_changes, slices
from projections.sweep import sweep
from projections.views.subjects import TABLES
from tests.unit.histories import anything
from tests.unit.saying import Put, logged
from tests.unit.world import STREAM, task


@whenever(anything)
@settings(max_examples=400, deadline=None)
def test_the_sweep_cuts_the_same_slices_as_every_state_folded_from_its_first_fact(facts: list[Recorded]) -> None:
    stream = facts[0].stream
    for size in range(1, len(facts) + 1):
        assert sorted(sweep(TABLES, stream, facts[:size])) == sorted(slices(TABLES, stream, facts[:size]))


def long(kind: str, size: int) -> Sequence[Recorded]:
    """A task with a long history: on days that follow one another, that go back, at random, or undone at random."""
    random = Random(f"{kind} {size}")  # noqa: S311 - a history, nothing secret
    born = date(2024, 1, 1)
    said = [task(on=born)]
    undone = {1}
    for number in range(2, size + 1):
        days = {"on": number, "back": size - number, "one day": 1}.get(kind, random.randrange(size))
        fact: Fact = (
            TaskReworded(f"第{number}稿") if number % 2 else TaskDeadlineSet(born + timedelta(days=number % 900))
        )
        one = Put(STREAM, fact, born + timedelta(days=days))
        target = number - random.randint(1, min(number - 1, 50))
        if kind == "undone" and number % 3 == 0 and target not in undone:
            undone.add(target)
            old = said[target - 1].fact
            one = (
                one._replace(fact=FactVoided(target))
                if isinstance(old, FactVoided) or number % 2
                else one._replace(fact=old, replaces=target)
            )
            if isinstance(old, FactVoided):
                one = Put(STREAM, TaskReworded(f"第{number}稿"), born)
        said.append(one)
    return logged(*said)


@pytest.mark.parametrize("kind", ["on", "back", "one day", "random", "undone"])
def test_a_long_history_is_swept_as_it_was_appended(kind: str) -> None:
    facts = long(kind, 400)
    assert sorted(sweep(TABLES, STREAM, facts)) == sorted(at_once(slice_changes(TABLES, STREAM, facts, len(facts))))

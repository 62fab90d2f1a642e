"""Small random histories of one stream: facts on any date, voidings and replacements, all of them legal."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import strategies as st

from domain.directory import UnitAliasAdded, UnitKind, UnitRegistered, UnitRenamed, UnitSucceeded, UnitSucceededByOne
from domain.fact import Fact
from domain.task import (
    TaskAdded,
    TaskDeadlineSet,
    TaskMoved,
    TaskReinstated,
    TaskRenumbered,
    TaskReworded,
    TaskTargetSet,
    TaskUnitAssigned,
    TaskUnitReleased,
    TaskWithdrawn,
)
from domain.undo import FactVoided
from domain.values import Role
from events.recorded import Recorded
from tests.unit.saying import Put, logged

DAYS = [date(2023, 6, 26) + timedelta(days=number) for number in range(9)]
UNIT, TASK = "unit:a", "task:credit-2023/1"

Facts = st.SearchStrategy[Fact]
Step = tuple[str, Fact, date, int]  # what to do, with which fact, from which day, to which live fact

_names, _units = st.sampled_from("甲乙丙丁"), st.sampled_from("abc")
_registered: Facts = st.builds(UnitRegistered, _names, st.just(UnitKind.BODY))
_unit_facts: Facts = st.one_of(
    st.builds(UnitRenamed, _names),
    st.builds(UnitAliasAdded, _names),
    st.builds(UnitSucceeded, st.lists(_units, max_size=2, unique=True).map(tuple)),
    st.builds(UnitSucceededByOne, _units),
)
_added: Facts = st.builds(TaskAdded, st.integers(1, 3), st.none(), st.none(), _names)
_task_facts: Facts = st.one_of(
    st.builds(TaskReworded, _names),
    st.builds(TaskRenumbered, st.integers(1, 3)),
    st.builds(TaskMoved, st.just(1), st.integers(1, 3)),
    st.builds(TaskUnitAssigned, _units, st.sampled_from(Role), _names),
    st.builds(TaskUnitReleased, _units),
    st.builds(TaskDeadlineSet, st.sampled_from([None, *DAYS])),
    st.builds(TaskTargetSet, st.integers(1, 2), _names, st.just("1"), st.just("个")),
    st.sampled_from([TaskWithdrawn(), TaskReinstated()]),
)


def _steps(facts: Facts) -> st.SearchStrategy[list[Step]]:
    """Facts twice as often as voidings and replacements; `9` names one of the live facts, counted round."""
    doing = st.sampled_from(["record", "record", "void", "replace"])
    return st.lists(st.tuples(doing, facts, st.sampled_from(DAYS), st.integers(0, 9)), max_size=9)


def _told(stream: str, first: Fact, on: date, steps: Sequence[Step]) -> list[Recorded]:
    facts = [Put(stream, first, on)]
    live = {1: first}
    for doing, fact, day, choice in steps:
        position = len(facts) + 1
        of_a_kind = [one for one, other in live.items() if type(other) is type(fact)]
        if doing == "void" and live:
            target = sorted(live)[choice % len(live)]
            del live[target]
            facts.append(Put(stream, FactVoided(target), day))
            continue
        replaced = of_a_kind[choice % len(of_a_kind)] if doing == "replace" and of_a_kind else None
        live.pop(replaced or 0, None)
        live[position] = fact
        facts.append(Put(stream, fact, day, replaced))
    return logged(*facts)


def _histories(stream: str, first: Facts, later: Facts) -> st.SearchStrategy[list[Recorded]]:
    steps = _steps(st.one_of(later, later, first))
    return st.builds(_told, st.just(stream), first, st.sampled_from(DAYS), steps)


units = _histories(UNIT, _registered, _unit_facts)
tasks = _histories(TASK, _added, _task_facts)
anything = st.one_of(units, tasks)

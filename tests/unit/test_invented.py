"""The facts that are invented for the benchmarks are such as the rules would have decided."""

from collections import Counter

from domain.commands import evolve_of
from domain.directory import Unit
from domain.fact import data_of, recordable, subject_of
from domain.record import Placed, State
from domain.report import Listing, ProgressReported, membership
from domain.task import Task
from domain.values import shanghai_day
from events.erasable import digests
from events.proposal import NewFact
from tests.benchmarks.invented import Request, requests

SIZE = 3_333


def all_facts() -> list[tuple[Request, NewFact]]:
    return [(one, new) for one in requests(SIZE) for new in one.new]


def test_a_record_has_exactly_the_facts_that_were_asked_for_and_always_the_same() -> None:
    made = all_facts()
    assert len(made) == SIZE
    assert made == all_facts()


def test_no_two_requests_of_a_day_write_to_the_same_stream() -> None:
    for instant in {one.instant for one in requests(SIZE)}:
        written = Counter(
            stream for one in requests(SIZE) if one.instant == instant for stream in {new.stream for new in one.new}
        )
        assert max(written.values()) == 1


def test_who_reports_takes_part_and_each_fact_has_the_subject_that_it_speaks_of() -> None:
    states: dict[str, State | None] = {}
    reported: dict[tuple[str, str], int] = {}

    def unit(key: str) -> Unit | None:
        found = states.get(f"unit:{key}")
        assert found is None or isinstance(found, Unit)
        return found

    for position, (request, new) in enumerate(all_facts(), 1):
        assert recordable(new.fact) == new.fact
        assert {*digests(data_of(new.fact))} == {one.digest for one in new.disclosures}
        assert new.effective_on <= shanghai_day(request.instant)
        for stream in new.fact.refers():
            assert states[stream], stream
        if isinstance(new.fact, ProgressReported):
            task_key, _, by = subject_of(new.stream)[1].rpartition("/")
            task = states[f"task:{task_key}"]
            assert isinstance(task, Task)
            assert membership(by, task, unit) is Listing.LISTED
            place = new.stream, new.fact.period
            assert reported.get(place) == new.replaces
            reported[place] = position
        before = states.get(new.stream)
        states[new.stream] = evolve_of(new.stream)(before, new.fact, Placed(position, position, new.effective_on))
        assert states[new.stream] is not None
        assert new.replaces is not None or states[new.stream] != before
    assert any(isinstance(one, Task) and one.withdrawn for one in states.values())

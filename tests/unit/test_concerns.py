"""What a fact concerns: by which filters of the log it is found, and by which requests it came."""

from domain.directory import DistrictRegistered, UnitKind, UnitRegistered, UnitRenamed
from domain.report import Listing, ProgressReported
from domain.task import TaskAdded, TaskUnitAssigned
from domain.undo import FactVoided
from domain.values import Role, Sealed, Status
from projections.concerns import concerns
from tests.unit.saying import ADOPTED, Put, logged

TASK = "task:credit-2023/1"


def told(*puts: Put, new: int | None = None) -> dict[int, set[str]]:
    """What each of the last `new` facts concerns, by position."""
    found: dict[int, set[str]] = {}
    for what, position in concerns(logged(*puts), new or len(puts)):
        found.setdefault(position, set()).add(what)
    return found


def assigned(unit: str, replaces: int | None = None) -> Put:
    return Put(TASK, TaskUnitAssigned(unit, Role.LEAD, unit), ADOPTED, replaces)


ADDED = Put(TASK, TaskAdded(1, None, None, "推进信用立法。"))


def test_a_fact_concerns_its_stream_what_that_is_of_what_it_names_and_its_type() -> None:
    assert told(ADDED, assigned("a"), new=1) == {2: {TASK, "plan:credit-2023", "unit:a", "type:task.unit_assigned.v1"}}
    said = ProgressReported("2023", Status.COMPLETED, Sealed("A" * 43), membership=Listing.LISTED)
    report = "report:credit-2023/1/a"
    named = {report, TASK, "plan:credit-2023", "unit:a"}
    assert told(Put(report, said)) == {1: {*named, "type:progress.reported.v1"}}
    registered = Put("unit:a", UnitRegistered("甲", UnitKind.BODY, "310101"))
    assert told(registered) == {1: {"unit:a", "district:310101", "type:unit.registered.v1"}}
    assert told(Put("district:310101", DistrictRegistered("黄浦区"))) == {
        1: {"district:310101", "type:district.registered.v1"}
    }


def test_what_voids_a_fact_concerns_all_that_the_fact_concerns() -> None:
    found = told(ADDED, assigned("a"), Put(TASK, FactVoided(2)))
    assert found[3] == {*found[2], "type:fact.voided.v1", "correction"}


def test_what_undoes_a_replacement_concerns_what_was_replaced_along_the_whole_chain() -> None:
    found = told(ADDED, assigned("a"), assigned("b", 2), assigned("c", 3), Put(TASK, FactVoided(4)), new=1)
    assert {"unit:a", "unit:b", "unit:c", "correction", "type:task.unit_assigned.v1"} <= found[5]


def test_a_fact_that_undoes_nothing_concerns_nothing_of_the_facts_before_it() -> None:
    found = told(Put("unit:a", UnitRegistered("甲", UnitKind.BODY, "310101")), Put("unit:a", UnitRenamed("乙")))
    assert found[2] == {"unit:a", "type:unit.renamed.v1"}


def test_all_at_once_concern_what_each_concerned_when_it_was_appended() -> None:
    puts = [ADDED, assigned("a"), assigned("b", 2), Put(TASK, FactVoided(3)), assigned("c")]
    one_by_one = {size: told(*puts[:size], new=1)[size] for size in range(1, 6)}
    assert told(*puts) == one_by_one

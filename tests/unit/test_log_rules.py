"""What is recorded about the log itself."""

import pytest

from domain.errors import CannotUndo
from domain.log import Continued, Lineage, LogContinued, evolve_log
from domain.record import Past
from domain.task import TaskReworded
from domain.undo import FactVoided, check_live
from tests.unit.test_undo_rules import TODAY  # the day on which rules are tried

ROOT = "0" * 64
FACT = LogContinued("9f3c0a17b25e4d68", 3, ROOT)


def test_a_log_knows_all_that_it_continues() -> None:
    once = evolve_log(None, FACT)
    twice = evolve_log(once, LogContinued("0123456789abcdef", 9, ROOT))
    assert once == Lineage((Continued("9f3c0a17b25e4d68", 3, ROOT),))
    assert [one.size for one in twice.continues] == [3, 9]


@pytest.mark.parametrize("fact", [FACT, FactVoided(1)])
def test_what_continues_a_log_stands_for_good_as_a_voiding_does(fact: LogContinued | FactVoided) -> None:
    with pytest.raises(CannotUndo, match="stands for good"):
        check_live(past(fact), "target")


def test_other_facts_do_not() -> None:
    check_live(past(TaskReworded("改")), "target")


def past(fact: LogContinued | FactVoided | TaskReworded) -> Past:
    """A live fact."""
    return Past(1, "log", lambda _: None, list, TODAY, fact, None)

"""A part is not the whole: what a unit, a group or a district itself says of a task."""

import pytest

from domain.report import own_word
from domain.values import Status
from tests.unit.test_status import BLOCKED, DONE, UNDERWAY, says

PREDECESSORS = {"new": ["old"], "newest": ["new"]}


def said(*reports: tuple[str, Status, str]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for event, (unit, status, period) in enumerate(reports, 1):
        found.setdefault(unit, []).append(says(unit, status, period, event).report)
    return found


@pytest.mark.parametrize(
    ("sentence", "units", "reports", "status", "period"),
    [
        ("who has not reported has no word", "a", [("b", DONE, "2023-Q2")], None, None),
        (
            "a unit's latest report is its word",
            "a",
            [("a", BLOCKED, "2023-Q1"), ("a", DONE, "2023-Q2")],
            DONE,
            "2023-Q2",
        ),
        ("until it has spoken those before it speak", "newest", [("old", BLOCKED, "2023-Q1")], BLOCKED, "2023-Q1"),
        (
            "its own word counts from its first on",
            "new",
            [("old", BLOCKED, "2023-Q1"), ("new", DONE, "2023-Q2")],
            DONE,
            "2023-Q2",
        ),
        (
            "of several the least advanced",
            "a b",
            [("a", DONE, "2023-Q2"), ("b", UNDERWAY, "2023-Q1")],
            UNDERWAY,
            "2023-Q1",
        ),
        ("of equals the latest", "a b", [("a", DONE, "2023-Q2"), ("b", DONE, "2023-Q3")], DONE, "2023-Q3"),
        ("some who have not spoken hide nothing", "a b", [("b", UNDERWAY, "2023-Q1")], UNDERWAY, "2023-Q1"),
        (
            "of a district's two the successor speaks",
            "old new",
            [("old", BLOCKED, "2023-Q1"), ("new", DONE, "2023-Q2")],
            DONE,
            "2023-Q2",
        ),
        ("or the one before it", "old new", [("old", BLOCKED, "2023-Q1")], BLOCKED, "2023-Q1"),
        (
            "who was succeeded elsewhere has still spoken",
            "old",
            [("old", BLOCKED, "2023-Q1"), ("new", DONE, "2023-Q2")],
            BLOCKED,
            "2023-Q1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.count(" ") > 1 else "",
)
def test_own_is_the_least_advanced_of_the_latest_reports_of_these_units(
    sentence: str, units: str, reports: list[tuple[str, Status, str]], status: Status | None, period: str | None
) -> None:
    word = own_word(units.split(), PREDECESSORS, said(*reports))  # type: ignore[arg-type]
    assert (word.status if word else None, word.period if word else None) == (status, period), sentence


def test_a_circle_of_old_facts_ends() -> None:
    circle = {"a": ["b"], "b": ["a"]}
    word = own_word(["a", "b"], circle, said(("a", DONE, "2023-Q1")))  # type: ignore[arg-type]
    assert word is None or word.status == DONE


def test_no_reports_are_no_word() -> None:
    assert own_word(["a"], {}, {"a": []}) is None
    assert own_word(["new"], PREDECESSORS, {"new": [], "old": []}) is None

"""What is selected of a view is remembered by that very view, which it neither keeps alive nor takes another for."""

from datetime import UTC, date, datetime
from typing import Any
from weakref import ref

import msgspec

from api.graphql.remembered import Projection, Remembering
from api.graphql.world import Budget, Here, World
from projections.as_of import Meta, Moment, Rows
from projections.memory import Memory

MOMENT = Moment(7, datetime(2023, 6, 30, tzinfo=UTC), date(2023, 6, 30), "planrecord.test", "", "", pinned=True)


class View(msgspec.Struct, frozen=True, weakref=True):
    """Something that is shown."""

    number: int


def here(memory: Memory, suffix: str = "") -> Here:
    def told(_: Moment) -> Meta:
        raise AssertionError

    return Here(World(Rows({}, {}, memory), MOMENT), suffix, told, Budget())


def counted(*depends: str) -> tuple[Projection, list[int]]:
    """A projection that tells of what it was made."""
    made: list[int] = []

    def project(value: Any, at: Here) -> Any:
        made.append(value.number)
        return {"number": value.number, "at": at.suffix}

    return Remembering(project, frozenset(depends)), made


def shown(project: Projection, view: View, at: Here) -> Any:
    return msgspec.json.decode(msgspec.json.encode(project(view, at)))


def test_a_view_is_projected_once() -> None:
    (project, made), at, view = counted(), here(Memory(100_000)), View(1)
    assert [shown(project, view, at)["number"] for _ in range(3)] == [1, 1, 1]
    assert made == [1]


def test_two_projections_of_one_view_are_two() -> None:
    at, view = here(Memory(100_000)), View(1)
    for project, made in (counted(), counted()):
        shown(project, view, at)
        assert made == [1]


def test_a_view_in_the_place_of_another_is_not_taken_for_it() -> None:
    (project, made), at = counted(), here(Memory(10_000_000))
    for number in range(100):
        assert shown(project, View(number), at)["number"] == number
    assert made == list(range(100))


def test_no_view_is_kept_alive() -> None:
    (project, _), at, view = counted(), here(Memory(100_000)), View(1)
    shown(project, view, at)
    there = ref(view)
    del view
    assert there() is None


def test_what_names_a_moment_is_another_at_another() -> None:
    (project, _), memory, view = counted("suffix"), Memory(100_000), View(1)
    found = [shown(project, view, here(memory, suffix))["at"] for suffix in ("", "@1,2023-06-30", "@2,2023-06-30", "")]
    assert found == ["", "@1,2023-06-30", "@2,2023-06-30", ""]

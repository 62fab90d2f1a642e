"""From a query string to a moment: strict, with an answer that says what to do."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated

import msgspec
import pytest

from api.http.asking import Clocks, asked, clocks
from api.services.problems import Fault, Trouble, trouble
from projections.as_of import AsOf, NoSuchMoment
from tests.unit.world import day


class Paged(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A query with a limit beside the clocks."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


def moment(**query: str) -> AsOf:
    return clocks(asked(query, Clocks))


def refusal(query: dict[str, str], type_: type[Clocks] = Clocks) -> Trouble:
    with pytest.raises(Trouble) as caught:
        asked(query, type_)
    return caught.value


def unanswerable(**query: str) -> Trouble:
    """What the one who asked is told of a moment that has no form."""
    with pytest.raises(NoSuchMoment) as caught:
        moment(**query)
    return trouble(caught.value)


def test_nothing_asks_for_the_head() -> None:
    assert moment() == AsOf()


def test_a_date_an_instant_and_a_position_are_moments() -> None:
    assert moment(asOf="2023-06-30") == AsOf(day("2023-06-30"))
    assert moment(asOf="2023-06-30T12:00:00Z") == AsOf(datetime(2023, 6, 30, 12, tzinfo=UTC))
    assert moment(position="354") == AsOf(position=354)


def test_an_instant_keeps_its_zone() -> None:
    zone = timezone(timedelta(hours=8))
    assert moment(asOf="2023-06-30T12:00:00+08:00").as_of == datetime(2023, 6, 30, 12, tzinfo=zone)


@pytest.mark.parametrize("digits", ["1234567", "123456999999999999999", "1234565"])
def test_more_than_six_digits_are_cut(digits: str) -> None:
    assert moment(asOf=f"2023-06-30T12:00:00.{digits}Z").as_of == datetime(2023, 6, 30, 12, 0, 0, 123456, UTC)


def test_the_two_clocks_are_asked_together() -> None:
    found = moment(asOf="2023-06-30", effectiveOn="2023-12-31")
    assert found == AsOf(day("2023-06-30"), None, day("2023-12-31"))


def test_an_effective_date_may_be_ahead() -> None:
    assert moment(effectiveOn="2999-12-31").effective_on == date(2999, 12, 31)


BAD_DATES = [
    "",
    "2023-6-30",
    "20230630",
    "2023-02-30",
    "0000-00-00",
    "1899-12-31",
    "3000-01-01",
    "yesterday",
    "2023-06-3O",
]


@pytest.mark.parametrize("text", BAD_DATES)
def test_what_is_no_date_is_refused_for_the_parameter_that_holds_it(text: str) -> None:
    for parameter in ("asOf", "effectiveOn"):
        told = unanswerable(**{parameter: text})
        assert (told.status, told.code, told.faults[0].pointer) == (400, "bad_moment", parameter)


def test_an_effective_date_is_no_instant() -> None:
    assert "write it as 2023-06-30" in unanswerable(effectiveOn="2023-06-30T12:00:00Z").detail


def test_a_plus_that_arrived_as_a_blank_is_explained() -> None:
    assert "%2B" in unanswerable(asOf="2023-06-30T12:00:00 08:00").detail


def test_an_instant_without_a_zone_is_refused() -> None:
    assert "needs its zone" in unanswerable(asOf="2023-06-30T12:00:00").detail


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    told = refusal({"effective_on": "2023-06-30"})
    assert (told.status, told.code) == (400, "unknown_parameter")
    assert told.detail == "unknown parameter effective_on; known here: asOf, position, effectiveOn, minPosition"
    assert told.faults == (Fault("effective_on", "unknown"),)


def test_every_unknown_parameter_is_named() -> None:
    assert [one.pointer for one in refusal({"a": "1", "position": "1", "b": "2"}).faults] == ["a", "b"]


@pytest.mark.parametrize("text", ["", "x", "1.5", " 1", "0x10", "一"])
def test_a_position_is_a_number(text: str) -> None:
    told = refusal({"position": text})
    assert (told.status, told.code, told.faults[0].pointer) == (400, "bad_parameter", "position")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many"])
def test_a_parameter_beyond_its_bounds_is_refused_by_name(limit: str) -> None:
    assert refusal({"limit": limit}, Paged).faults[0].pointer == "limit"


def test_a_parameter_within_its_bounds_is_read() -> None:
    assert asked({"limit": "200", "position": "1"}, Paged) == Paged(limit=200, position=1)

"""What a root field is asked: both clocks, filters as REST has them, and ids that may name their moment."""

import datetime as dt
import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin

import msgspec
import strawberry

from api.graphql.shapes import Position, graphql_type
from api.http.cursors import Resent
from api.services.problems import Trouble
from domain.errors import WrongDate
from domain.values import checked_date, parse_date
from projections.as_of import AsOf, NoSuchMoment
from projections.views.subjects import whole

Given = Mapping[str, Any]  # arguments by their names in GraphQL, as graphql-core coerces them
REQUIRED: Final = object()


class Argument(NamedTuple):
    """An argument of a root field."""

    name: str
    type: Any
    description: str
    default: Any = None


@strawberry.input(one_of=True, description="What the public record showed: exactly one of the three.")
class AsOfInput:
    """The recorded clock."""

    date: strawberry.Maybe[dt.date] = strawberry.field(description="The end of this day in Shanghai.")
    instant: strawberry.Maybe[dt.datetime] = strawberry.field(description="An instant with its zone.")
    position: strawberry.Maybe[Position] = strawberry.field(description="The log of this size.")


def _subject_input() -> Any:
    """A subject, by its kind and key: of the kinds that have streams of their own."""
    words = {
        "plan": "A plan, as shanghai-credit-2023.",
        "task": "A task, as shanghai-credit-2023/12.",
        "unit": "A unit or group, as shi-ke-wei.",
        "district": "A district's GB/T 2260 code, as 310101.",
    }
    kinds = [one.kind.value for one in whole()]
    fields: dict[str, Any] = {kind: strawberry.field(description=words.get(kind, f"A {kind}'s id.")) for kind in kinds}
    annotations = dict.fromkeys(kinds, strawberry.Maybe[strawberry.ID])
    made = type("SubjectInput", (), {**fields, "__annotations__": annotations})
    return strawberry.input(made, one_of=True, description="Whose history it is: exactly one of the five.")


SubjectInput: Final = _subject_input()


USUAL_PAGE: Final = 100
LONGEST_PAGE: Final = 200  # the same limit as REST
CLOCKS: Final = (
    Argument("asOf", AsOfInput | None, "What the public record showed then. Default: the head."),
    Argument("effectiveOn", dt.date | None, "What held on this date. Default: today, else the day of asOf."),
)
PAGING: Final = (
    Argument("first", int | None, "Items on a page, 0 to 200. Default: 100.", USUAL_PAGE),
    Argument("after", str | None, "The endCursor of the page before; it pins both clocks."),
)


def filters(struct: type[msgspec.Struct]) -> tuple[Argument, ...]:
    """The parameters by which REST filters a list, as arguments of the same names."""
    return tuple(
        Argument(
            field.encode_name,
            _optional(graphql_type(field.type)),
            _description(field.type),
            None,
        )
        for field in msgspec.structs.fields(struct)
    )


def _optional(type_: Any) -> Any:
    return type_ if type(None) in get_args(type_) else type_ | None


def _description(type_: Any) -> str:
    metas = get_args(type_)[1:] if get_origin(type_) is Annotated else ()
    found = [one.description for one in metas if isinstance(one, msgspec.Meta) and one.description]
    return found[0] if found else ""


def filter_of(given: Given, struct: type[msgspec.Struct]) -> Any:
    """The filter that is asked for; Trouble for a value that REST would not take."""
    values = {name: given[name] for name in _names(struct) if given.get(name) is not None}
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
    try:
        return msgspec.convert(plain, struct, strict=False)
    except msgspec.ValidationError as error:
        raise Trouble(400, "bad_parameter", str(error)) from error


@cache
def _names(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(struct))


def first_of(given: Given) -> int:
    """How many items a page has."""
    first: int | None = given["first"]
    if first is None:
        return USUAL_PAGE
    if not 0 <= first <= LONGEST_PAGE:
        raise Trouble(400, "bad_parameter", f"first is 0 to {LONGEST_PAGE}, not {first}")
    return first


def asked_for(given: Given) -> AsOf:
    """The moment that is asked for."""
    day = given.get("effectiveOn")
    as_of = given.get("asOf")
    if as_of is None:
        return AsOf(effective_on=day)
    if "position" in as_of:
        return AsOf(position=as_of["position"], effective_on=day)
    if "date" in as_of:
        return AsOf(as_of=as_of["date"], effective_on=day)
    return AsOf(as_of=_instant(as_of["instant"]), effective_on=day)


def _instant(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is None:
        raise NoSuchMoment("an instant needs its zone, as in 2023-06-30T12:00:00+08:00", parameter="asOf")
    try:
        checked_date(instant.date())
    except WrongDate as error:
        raise NoSuchMoment(f"asOf: {error}", parameter="asOf") from error
    return instant


def located(id_: str, asked: AsOf) -> tuple[str, AsOf, Resent | None]:
    """The key in an id, and the moment: that of the clocks or, where the id names one, its own."""
    found = re.fullmatch(r"(.*)@([0-9]{1,16}),([0-9]{4}-[0-9]{2}-[0-9]{2})", id_)
    if not found:
        return id_, asked, None
    pinned = AsOf(position=int(found[2]), effective_on=_day(found[3]))
    wrong = Trouble(400, "id_of_another_moment", "this id names its moment: leave the clocks out")
    return found[1], pinned, None if asked in {AsOf(), pinned} else Resent(asked, wrong)


def _day(text: str) -> dt.date:
    try:
        return parse_date(text)
    except WrongDate as error:
        raise NoSuchMoment(f"id: {error}", parameter="id") from error

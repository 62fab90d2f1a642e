"""What a root field is asked: both clocks, filters as REST has them, and ids that may name their moment."""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, cast, get_args, get_origin

import msgspec
import strawberry

from api.graphql.ids import ANY, parse_id
from api.graphql.shapes import Position, graphql_type
from api.http.cursors import Cursor, Resent, Start, clocks_of, started
from api.services.problems import Fault, Trouble, echo
from domain.errors import WrongDate
from domain.misfit import misfit
from domain.values import checked_date
from projections.as_of import AsOf, NoSuchMoment
from projections.views.subjects import whole

Values = Mapping[str, Any]  # arguments by their names in GraphQL, as graphql-core coerces them
REQUIRED: Final = object()
NAMED: Final = {name: name for name in ("plan", "task", "unit", "district", "platform")} | {"stream": ANY}


class Argument(NamedTuple):
    """An argument of a root field; `of`: it is the id of a thing of this kind."""

    name: str
    type: Any
    description: str
    default: Any = None
    of: str = ""


class Given(NamedTuple):
    """What a root is asked: its arguments with plain ids, its clocks, and the moment that these and its ids mean.

    `resent` are the clocks where an id beside them names its moment.
    """

    values: Values
    clocks: AsOf
    moment: AsOf
    resent: Resent | None


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
            strawberry.ID | None if field.name in NAMED else _optional(graphql_type(field.type)),
            _description(field.type),
            of=NAMED.get(field.name, ""),
        )
        for field in msgspec.structs.fields(struct)
    )


def _optional(type_: Any) -> Any:
    return type_ if type(None) in get_args(type_) else type_ | None


def _description(type_: Any) -> str:
    metas = get_args(type_)[1:] if get_origin(type_) is Annotated else ()
    found = [one.description for one in metas if isinstance(one, msgspec.Meta) and one.description]
    return found[0] if found else ""


def filter_of(values: Values, struct: type[msgspec.Struct], scope: str = "") -> Any:
    """The filter that is asked for of a list within `scope`; Trouble for a value that REST would not take."""
    given = {name: values[name] for name in _names(struct) if values.get(name) is not None}
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in given.items()}
    if "task" in plain:
        plain["task"] = _key_within(scope, plain["task"])
    try:
        return msgspec.convert(plain, struct, strict=False)
    except msgspec.ValidationError as error:
        wrong = misfit(error, struct)
        detail = f"{wrong.path[0]}: {wrong.sentence}"
        raise Trouble(400, "bad_parameter", detail) from error


def _key_within(plan: str, task: str) -> str:
    """A task's key in its plan, by which REST filters; an id may be given whole."""
    above, slash, key = task.rpartition("/")
    if slash and above != plan:
        detail = f"the plan {echo(plan)} has no task {echo(task)}"
        raise Trouble(404, "unknown_id", detail, [Fault("task", detail)])
    return key


@cache
def _names(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(struct))


def first_of(values: Values) -> int:
    """How many items a page has."""
    first: int | None = values["first"]
    if first is None:
        return USUAL_PAGE
    if not 0 <= first <= LONGEST_PAGE:
        raise Trouble(400, "bad_parameter", f"first is 0 to {LONGEST_PAGE}, not {first}")
    return first


def given_of(arguments: Sequence[Argument], values: Values) -> Given:
    """What is asked, once its ids are read; Trouble if they are not of one moment."""
    plain, clocks = dict(values), _clocks(values)
    moments: set[AsOf] = set()
    for one in arguments:
        if one.of and values.get(one.name) is not None:
            plain[one.name] = _plain(one, values[one.name], moments)
    if len(moments) > 1:
        raise Trouble(400, "id_of_another_moment", "these ids name several moments: give such as name one")
    if not moments:
        return Given(plain, clocks, clocks, None)
    moment = moments.pop()
    wrong = Trouble(400, "id_of_another_moment", "this id names its moment: leave the clocks out")
    return Given(plain, clocks, moment, None if clocks in {AsOf(), moment} else Resent(clocks, wrong))


def _plain(argument: Argument, value: Any, moments: set[AsOf]) -> Any:
    """The plain id in an argument, or in the one field of an input object; its moment is added to those of others."""
    if isinstance(value, dict):
        return {kind: _key(kind, kind, text, moments) for kind, text in cast("dict[str, str]", value).items()}
    return _key(argument.of, argument.name, value, moments)


def _key(kind: str, name: str, text: str, moments: set[AsOf]) -> str:
    found = parse_id(text, kind, name)
    if found.moment:
        moments.add(found.moment)
    return f"{found.kind}:{found.key}" if kind == ANY and found.kind else found.key


def begun(given: Given, cursor: Cursor | None) -> Start:
    """Where a page begins. Clocks beside an id beside a cursor: all three must mean the same."""
    if cursor is None:
        return Start(given.moment, None, clocks_of(given.clocks if given.resent else given.moment), given.resent)
    start = started(given.moment, cursor)
    if given.resent is None:
        return start
    return start._replace(resent=start.resent or started(given.clocks, cursor).resent)


def _clocks(values: Values) -> AsOf:
    """The moment that the clocks name."""
    day, as_of = values.get("effectiveOn"), values.get("asOf")
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

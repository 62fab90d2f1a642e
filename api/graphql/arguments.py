"""What a root field is asked: both clocks, filters as REST has them, and ids that may name their moment."""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, cast, get_args, get_origin

import msgspec
import strawberry

from api.graphql.connections import Argument, Values
from api.graphql.ids import ANY, parse_id
from api.graphql.shapes import PositionScalar, graphql_type
from api.http.cursors import Cursor, Resent, Start, clocks_of, started
from api.services.problems import Fault, Trouble, echo
from domain.errors import WrongDate
from domain.misfit import misfit
from domain.values import checked_date
from projections.as_of import AsOf, NoSuchMoment
from projections.views.subjects import whole

NAMED: Final = {name: name for name in ("plan", "task", "unit", "district", "platform")} | {"stream": ANY}


class Given(NamedTuple):
    """What a root is asked: its arguments with plain ids, and when it stands, as its clocks and ids say.

    So do `cursors`, which belong to lists below it.
    """

    values: Values
    start: Start
    cursors: Sequence[Cursor]


@strawberry.input(one_of=True, description="What the public record showed: exactly one of the three.")
class AsOfInput:
    """The recorded clock."""

    date: strawberry.Maybe[dt.date] = strawberry.field(description="The end of this day in Shanghai.")
    instant: strawberry.Maybe[dt.datetime] = strawberry.field(description="An instant with its zone.")
    position: strawberry.Maybe[PositionScalar] = strawberry.field(description="The log of this size.")


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


CLOCK_ARGUMENTS: Final = (
    Argument("asOf", AsOfInput | None, "What the public record showed then. Default: the head."),
    Argument("effectiveOn", dt.date | None, "What held on this date. Default: today, else the day of asOf."),
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
    if "task" in plain and scope:
        plain["task"] = _key_within(scope, plain["task"])
    try:
        return msgspec.convert(plain, struct, strict=False)
    except msgspec.ValidationError as error:
        wrong = misfit(error, struct)
        name, detail = str(wrong.path[0]), wrong.sentence
        raise Trouble(400, "bad_parameter", f"{name}: {detail}", [Fault(name, detail)]) from error


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


def given_of(arguments: Sequence[Argument], values: Values, cursors: Sequence[Cursor] = ()) -> Given:
    """What is asked, once its ids are read; Trouble if they are not of one moment."""
    plain = dict(values)
    moments: dict[AsOf, str] = {}
    for one in arguments:
        if one.of and values.get(one.name) is not None:
            plain[one.name] = _plain(one, values[one.name], moments)
    return Given(plain, begun(_start(_clocks(values), moments), *cursors), cursors)


def _start(clocks: AsOf, moments: dict[AsOf, str]) -> Start:
    """When a root stands whose ids name these moments, each in its argument."""
    if not moments:
        return Start(clocks, None, clocks_of(clocks))
    moment, name = moments.popitem()
    if moments:
        raise _another("these ids name several moments: give such as name one", name)
    resent = Resent(clocks, _another("this id names its moment: leave the clocks out", name))
    same = clocks in {AsOf(), moment}
    return Start(moment, None, clocks_of(moment if same else clocks), None if same else resent)


def _another(detail: str, name: str) -> Trouble:
    return Trouble(400, "id_of_another_moment", detail, [Fault(name, detail)])


def _plain(argument: Argument, value: Any, moments: dict[AsOf, str]) -> Any:
    """The plain id in an argument, or in the one field of an input object; its moment is added to those of others."""
    if isinstance(value, dict):
        return {kind: _key(kind, kind, text, moments) for kind, text in cast("dict[str, str]", value).items()}
    return _key(argument.of, argument.name, value, moments)


def _key(kind: str, name: str, text: str, moments: dict[AsOf, str]) -> str:
    found = parse_id(text, kind, name)
    if found.moment:
        moments[found.moment] = name
    return f"{found.kind}:{found.key}" if kind == ANY and found.kind else found.key


def begun(start: Start, *cursors: Cursor | None) -> Start:
    """When a root stands that cursors belong to, its own or those of lists below it.

    All of them must mean one moment, and so must whatever names one beside them.
    """
    for cursor in cursors:
        if cursor is not None:
            beside = started(start.resent.asked, cursor).resent if start.resent else None
            start = started(start.asked, cursor)
            start = start._replace(resent=start.resent or beside)
    return start


def _clocks(values: Values) -> AsOf:
    """The moment that the clocks name."""
    return clocks_at(values.get("asOf"), values.get("effectiveOn"))


def clocks_at(as_of: Mapping[str, Any] | None, day: dt.date | None) -> AsOf:
    """The moment that an AsOfInput and a day mean."""
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

"""From a query string to what is asked: strict, so that a misspelt parameter never answers another question."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from api.services.phrases import Lang, Sentence
from api.services.problems import Fault, Trouble, echo
from domain.errors import WrongDate
from domain.misfit import misfit
from domain.values import parse_date
from projections.as_of import AsOf, NoSuchMoment, parse_as_of

Q = TypeVar("Q", bound=msgspec.Struct)


AsOfText = Annotated[
    str | None,
    Meta(
        description="What the public record showed then: a date (its end in Shanghai) or an RFC 3339 "
        "instant, whose + is sent as %2B. Default: the head.",
        examples=["2023-06-30"],
    ),
]
PositionNumber = Annotated[
    int | None, Meta(description="What the log of this size showed; instead of asOf.", examples=[354])
]
MinPosition = Annotated[
    Annotated[int, Meta(ge=0, lt=2**53)] | None,
    Meta(description="Wait until this position is visible: read your own writes.", examples=[354]),
]


class Clocks(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Both clocks, as every read takes them."""

    as_of: AsOfText = None
    position: PositionNumber = None
    effective_on: Annotated[
        str | None,
        Meta(
            description="What held on this date, also a future one. Default: today at the head, else the day of asOf.",
            examples=["2023-06-30"],
        ),
    ] = None
    min_position: MinPosition = None


class Days(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Both clocks of what is told of several days, as one record showed them."""

    as_of: AsOfText = None
    position: PositionNumber = None
    effective_on: Annotated[
        Annotated[tuple[str, ...], Meta(max_length=24)] | None,
        Meta(
            description="What held on each of these dates, 24 at most, joined by commas. Default: today at the head, "
            "else the day of asOf.",
            examples=["2023-06-30,2023-09-30"],
        ),
    ] = None
    min_position: MinPosition = None


LIMIT: Final = "At most so many. Without it a list by suffix (.json, .ndjson, .csv) is given whole."


class Paging(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=200, description=LIMIT, examples=[100])] = 100
    cursor: Annotated[
        str | None, Meta(description="Where the page before ended, as `next` gives it. It pins both clocks.")
    ] = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """How a table is wanted."""

    excel: Annotated[
        bool,
        Meta(
            description="Of CSV: a file for a spreadsheet, with a byte order mark and a name, in which whatever it "
            "would take for a formula is marked with an apostrophe. Otherwise CSV is exactly what the record says.",
            examples=[True],
        ),
    ] = False


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address takes no parameters."""


def asked(query: Mapping[str, str], type_: type[Q]) -> Q:
    """The query as `type_`; Trouble that lists the known parameters for an unknown one."""
    known(query, type_)
    return part_of(query, type_)


def known(query: Mapping[str, str], *types: type[msgspec.Struct]) -> None:
    """Trouble, which lists the parameters of `types`, for any other."""
    names = [name for type_ in types for name in parameters_of(type_)]
    unknown = [name for name in query if name not in names]
    if unknown:
        some = [echo(name, 40) for name in unknown[:5]]
        detail = Sentence(
            "detail.unknown_parameter", names=", ".join(some), known=", ".join(names) or Sentence("detail.none")
        )
        raise Trouble(400, "unknown_parameter", detail, [Fault(name, "unknown") for name in some])


def parameters_of(type_: type[msgspec.Struct]) -> tuple[str, ...]:
    """The parameters that a type names."""
    return type_.__struct_encode_fields__


def part_of(query: Mapping[str, str], type_: type[Q]) -> Q:
    """The parameters that `type_` names; Trouble for a wrong one."""
    names = parameters_of(type_)
    several = _several(type_)
    given = {name: query[name] for name in query if name in names}
    try:
        parts = {name: text.split(",") if name in several else text for name, text in given.items()}
        found = msgspec.convert(parts, type_, strict=False)
    except msgspec.ValidationError as error:
        wrong = misfit(error, type_)
        name = wrong.path[0] if wrong.path else wrong.field
        detail = f"{name}: {wrong.wish}, not {echo(given[name]) or 'nothing'}" if name in given else f"give {name}"
        raise Trouble(400, "bad_parameter", detail, [Fault(name, detail)]) from error
    values: dict[str, Any] = msgspec.to_builtins(found) if given else {}
    for name, text in given.items():
        value = values[name]
        spelled = "" if value is None else msgspec.json.encode(value).decode()
        if (
            not isinstance(value, str) and name not in several and spelled != text
        ):  # 1.0, +1, 1 for true, null: one question has one spelling
            detail = Sentence(
                "detail.spelled", name=name, given=echo(text), right=spelled or Sentence("detail.left_out")
            )
            raise Trouble(400, "bad_parameter", detail, [Fault(name, detail.said(Lang.EN))])
    return found


@cache
def _several(type_: type[msgspec.Struct]) -> frozenset[str]:
    """The parameters that take several values, joined by commas."""
    fields = msgspec.structs.fields(type_)
    return frozenset(one.encode_name for one in fields if "tuple[" in str(one.type))


def clocks(given: Clocks) -> AsOf:
    """The moment that is asked for."""
    as_of = parse_as_of(given.as_of) if given.as_of is not None else None
    return AsOf(
        as_of, given.position, None if given.effective_on is None else day_of(given.effective_on), given.min_position
    )


def day_of(text: str) -> date:
    """A day as effectiveOn names it; NoSuchMoment for what is none."""
    try:
        return parse_date(text)
    except WrongDate as error:
        raise NoSuchMoment(f"effectiveOn: {error}", parameter="effectiveOn") from error

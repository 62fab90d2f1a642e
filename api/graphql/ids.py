"""Ids: a subject's stream, or a name in that form, with the moment at which it was read; printed and parsed here."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from api.services.problems import Fault, Trouble, echo
from domain.errors import WrongDate
from domain.values import parse_date
from projections.as_of import AsOf, Moment, NoSuchMoment

# The plain id of each kind, as REST has it. Parts, measures and targets have none there: theirs is their row's key.
KEYS: Final[dict[str, Callable[[Any], str]]] = {
    "plan": lambda one: one.id,
    "part": lambda one: f"{one.plan}/{one.number}",
    "measure": lambda one: f"{one.plan}/{one.number}",
    "task": lambda one: one.id,
    "target": lambda one: f"{one.task}/{one.target}",
    "unit": lambda one: one.id,
    "district": lambda one: one.code,
    "platform": lambda one: one.id,
    "report": lambda one: one.id,
    "event": lambda one: str(one.position),
}
TYPES: Final = {kind: "PlanTarget" if kind == "target" else kind.title() for kind in KEYS}  # their names in the schema
KINDS: Final = {type_: kind for kind, type_ in TYPES.items()}
ANY: Final = "any"  # where an id of each kind will do
_ID: Final = re.compile(r"(?:([a-z]+):)?(.*?)(?:@([0-9]{1,16}),([0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.DOTALL)


class Id(NamedTuple):
    """What an id says: the kind, empty in a plain id; the plain id; the moment at which it was read."""

    kind: str
    key: str
    moment: AsOf | None


def print_moment(moment: Moment) -> str:
    """The end of an id that was read at a moment of the past."""
    return f"@{moment.position},{moment.effective_on}"


def parse_id(text: str, kind: str, argument: str = "id") -> Id:
    """The id of a thing of this kind, in any of its spellings; Trouble for that of another kind."""
    found = _ID.fullmatch(text)
    assert found  # noqa: S101 - each part may be missing, and the middle may be anything
    said, key, position, day = found.groups()
    if said is not None and said not in KEYS:
        said, key = None, f"{said}:{key}"
    if said is not None and kind not in {said, ANY}:
        detail = f"{argument} is the id of a {kind}, and {echo(text)} is that of another kind: {said}"
        raise Trouble(400, "id_of_another_kind", detail, [Fault(argument, detail)])
    moment = AsOf(position=int(position), effective_on=_day(day)) if position else None
    return Id(said or "", key, moment)


def parse_node(text: str) -> Id:
    """The id of a node of any kind, which it has to say; Trouble for one that does not."""
    found = parse_id(text, ANY)
    if not found.kind:
        detail = f"{echo(text)} does not say what it is the id of, as task:shanghai-credit-2023/12 does"
        raise Trouble(400, "id_without_kind", detail, [Fault("id", detail)])
    return found


def _day(text: str) -> dt.date:
    try:
        return parse_date(text)
    except WrongDate as error:
        raise NoSuchMoment(f"id: {error}", parameter="id") from error

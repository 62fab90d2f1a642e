"""From a query to two moments: what changed between them is asked with `from` and `to`."""

import re
from collections.abc import Awaitable, Mapping
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from api.http.asking import Clocks, clocks
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from domain.values import instant_text
from projections.as_of import Moment, NoSuchMoment, parse_as_of
from projections.fold import RULES_VERSION

_SPELLINGS: Final = "a date (its end in Shanghai), an RFC 3339 instant whose + is sent as %2B, or a position"


class Ends(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Both moments, each on both clocks."""

    from_: Annotated[
        str, Meta(description=f"What the public record showed then: {_SPELLINGS}.", examples=["2023-06-30"])
    ]
    from_effective_on: Annotated[
        str | None,
        Meta(description="What held on this date then. Default: the day of `from`.", examples=["2023-06-30"]),
    ] = msgspec.field(default=None, name="fromEffectiveOn")
    to: Annotated[
        str | None,
        Meta(description=f"And what it showed then: {_SPELLINGS}. Default: the head.", examples=["2023-12-31"]),
    ] = None
    to_effective_on: Annotated[
        str | None,
        Meta(description="What held on this date then. Default: the day of `to`.", examples=["2023-12-31"]),
    ] = msgspec.field(default=None, name="toEffectiveOn")
    min_position: Annotated[
        Annotated[int, Meta(ge=0, lt=2**53)] | None,
        Meta(description="Wait until this position is visible: read your own writes.", examples=[354]),
    ] = msgspec.field(default=None, name="minPosition")


class End(msgspec.Struct, frozen=True, rename="camel"):
    """One of two moments, as it was resolved; `root` is the RFC 6962 root of the log's first `position` facts."""

    position: int
    root: str
    as_of: str
    effective_on: date


class Between(msgspec.Struct, frozen=True, rename={"from_": "from", "self_": "self"}):
    """The two moments that an answer resolved to. `self` is its address with both pinned; `origin` names the log.

    `log` is the random identity that the log was made with: 16 hex digits. `rules` is the version of openapi/FOLD.md,
    the rules by which both follow from its facts.
    """

    from_: End
    to: End
    log: str
    rules: int
    self_: str
    origin: str
    license: str


class Span(msgspec.Struct, frozen=True):
    """Two moments, the first no later in the record than the second."""

    before: Moment
    after: Moment

    @property
    def moment(self) -> Moment:
        """The moment at which an answer about both was read: it stays true if both stay what they are."""
        return msgspec.structs.replace(self.after, pinned=self.before.pinned and self.after.pinned)

    def pins(self) -> dict[str, str]:
        """Both ends as parameters that never mean anything else."""
        return {
            "from": str(self.before.position),
            "fromEffectiveOn": self.before.effective_on.isoformat(),
            "to": str(self.after.position),
            "toEffectiveOn": self.after.effective_on.isoformat(),
        }


def between_of(span: Span, license_: str, path: str, query: Mapping[str, str]) -> Between:
    """What an answer resolved to."""
    rest = {name: value for name, value in query.items() if name not in Ends.__struct_encode_fields__}
    address = f"{path}?{urlencode({**rest, **span.pins()})}"
    after = span.after
    return Between(_end(span.before), _end(after), after.log, RULES_VERSION, address, after.origin, license_)


def _end(moment: Moment) -> End:
    return End(moment.position, moment.root, instant_text(moment.as_of), moment.effective_on)


async def span_of(reader: Reader, given: Ends) -> Span:
    """The two moments that are meant; a problem that names the wrong one."""
    after = await end_at("to", _moment(reader, given.to, given.to_effective_on, given.min_position))
    before = await end_at("from", _moment(reader, given.from_, given.from_effective_on, None))
    return in_order(before, after)


def in_order(before: Moment, after: Moment) -> Span:
    """The span between two moments; a problem if the first lies after the second."""
    if before.position > after.position:
        detail = f"from is position {before.position} and lies after to, position {after.position}"
        raise Trouble(400, "bad_moment", detail, [Fault("from", detail)])
    return Span(before, after)


async def end_at(name: str, found: Awaitable[Moment]) -> Moment:
    """One end of a span, once it is found; what is wrong with it is said of its own name."""
    try:
        return await found
    except NoSuchMoment as error:
        parameter = f"{name}EffectiveOn" if error.parameter == "effectiveOn" else name
        detail = str(error).replace("asOf", name).replace("effectiveOn", f"{name}EffectiveOn")
        if error.before:
            detail += f" beside a later {name}"
        raise NoSuchMoment(detail, parameter=parameter, before=error.before) from error


async def _moment(reader: Reader, text: str | None, day: str | None, wait: int | None) -> Moment:
    asked = clocks(Clocks(effective_on=day, min_position=wait))
    return await reader.moment(msgspec.structs.replace(asked, **_recorded(text)))


def _recorded(text: str | None) -> dict[str, Any]:
    """A moment on the recorded clock: digits alone are a position."""
    if text is None:
        return {}
    if re.fullmatch(r"[1-9][0-9]{0,15}", text):
        return {"position": int(text)}
    return {"as_of": parse_as_of(text)}

"""RFC 7089: a resource as it was, negotiated by Accept-Datetime, and the list of the moments at which it changed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from werkzeug.http import http_date as spelled
from werkzeug.http import parse_date

from api.http.formats import LINK_FORMAT
from api.http.question import Question
from api.services.problems import Fault, Trouble, echo
from api.services.reader import CLOCKS, Reader
from domain.values import shanghai_day
from projections.as_of import AsOf, Moment
from projections.views import moments
from projections.views.subjects import Subject

HEADER: Final = "Accept-Datetime"
LATEST_ASKED: Final = datetime(3000, 1, 1, tzinfo=UTC)  # later ones leave the calendar in some zone
WITHIN_THE_SECOND: Final = timedelta(microseconds=999_999)  # an HTTP date names a whole second


class Memento(NamedTuple):
    """The log's size at the end of an instant at which a subject grew."""

    position: int
    recorded_at: datetime


def asks(question: Question, subject: Subject[Any]) -> bool:
    """Whether a memento is negotiated: by the header, where the address names no moment itself."""
    return bool(question.then) and not subject.inner and not question.parameters.keys() & set(CLOCKS)


def links(path: str, subject: Subject[Any]) -> dict[str, str]:
    """Where a resource is negotiated, and where its mementos are listed."""
    return {"original timegate": path, "timemap": f"{path}/timemap"} if not subject.inner else {}


def http_date(instant: datetime) -> str:
    """An instant as HTTP spells it."""
    return spelled(instant.astimezone(UTC).replace(microsecond=0))


async def negotiated(question: Question, reader: Reader, subject: Subject[Any], key: str) -> tuple[str, str]:
    """Where the resource is as it was then, no earlier than its first memento and no later than now, and its links."""
    then = min(_asked(question.then or ""), reader.head.now())
    head = await reader.moment(AsOf())
    found = await mementos(reader, subject, key, head)
    path = question.path
    first, size = found[0], reader.head.found(then)
    if size < first.position:
        location = _address(path, first)
    else:
        day = min(shanghai_day(then), head.effective_on)
        location = f"{path}?position={size}&effectiveOn={day}"
    said = [f'<{address}>; rel="{name}"' for name, address in links(path, subject).items()]
    said += [_link(path, one, found) for one in dict.fromkeys((first, found[-1]))]
    return location, ", ".join(said)


def _asked(text: str) -> datetime:
    then = parse_date(text)
    if then is None:
        detail = f"{HEADER} is an HTTP date, such as Fri, 30 Jun 2023 04:00:00 GMT: {echo(text)!r} is none"
        raise Trouble(400, "bad_moment", detail, [Fault(HEADER, detail)])
    return min(then, LATEST_ASKED) + WITHIN_THE_SECOND


async def mementos(reader: Reader, subject: Subject[Any], key: str, moment: Moment) -> Sequence[Memento]:
    """When the record of a subject grew, a task's by its reports too; a problem if there is no such thing."""
    async with reader.pool.acquire() as connection:
        found = await moments.moments_of(connection, moment.position, subject.stream(key), subject.below(key))
    if not found:
        raise await reader.absent(subject, key, moment)
    return [Memento(min(reader.head.found(instant), moment.position), instant) for instant in found]


def timemap(path: str, subject: Subject[Any], found: Sequence[Memento]) -> bytes:
    """All mementos of a resource, as `application/link-format` (RFC 6690, RFC 7089 section 5)."""
    span = f'from="{http_date(found[0].recorded_at)}"; until="{http_date(found[-1].recorded_at)}"'
    gate, map_ = links(path, subject).values()
    return ",\n".join(
        [
            f'<{gate}>; rel="original timegate"',
            f'<{map_}>; rel="self"; type="{LINK_FORMAT}"; {span}',
            *(_link(path, one, found) for one in found),
        ]
    ).encode()


def _link(path: str, one: Memento, found: Sequence[Memento]) -> str:
    place = [name for name, end in (("first", found[0]), ("last", found[-1])) if one == end]
    return f'<{_address(path, one)}>; rel="{" ".join([*place, "memento"])}"; datetime="{http_date(one.recorded_at)}"'


def _address(path: str, one: Memento) -> str:
    return f"{path}?position={one.position}&effectiveOn={shanghai_day(one.recorded_at)}"

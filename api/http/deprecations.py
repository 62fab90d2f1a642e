"""What is going to be gone: declared here once, told in headers (RFC 9745, RFC 8594), OpenAPI and change log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from api.http.mementos import http_date

_Header = tuple[bytes, bytes]


class Deprecated(NamedTuple):
    """An operation, as `GET /v1/units` in openapi.json (but no feed), or a query parameter of it: since and until when.

    `link` is where it is told what to do instead. Days begin in UTC.
    """

    operation: str
    since: date
    until: date
    link: str
    parameter: str | None = None

    @property
    def sentence(self) -> str:
        """What the change log has to say of it."""
        what = self.operation + (f": parameter {self.parameter}" if self.parameter else "")
        return f"Deprecated: `{what}` since {self.since}, gone on {self.until}"

    def concerns(self, operation: str, parameters: Iterable[str]) -> bool:
        """Whether a question of these parameters stands on it."""
        return operation == self.operation and (self.parameter is None or self.parameter in parameters)

    def headers(self) -> Iterable[_Header]:
        """What an answer tells of it, but for the link."""
        yield b"deprecation", b"@%d" % _begin(self.since).timestamp()
        yield b"sunset", http_date(_begin(self.until)).encode()


DEPRECATED: Sequence[Deprecated] = ()


def deprecating(headers: Sequence[_Header], operation: str, parameters: Iterable[str]) -> Sequence[_Header]:
    """The headers of an answer, with what is to be told of the first of what it stands on."""
    found = next((one for one in DEPRECATED if one.concerns(operation, parameters)), None)
    if found is None:
        return headers
    link = b'<%b>; rel="deprecation"; type="text/html"' % found.link.encode()
    links = [value for name, value in headers if name == b"link"]
    rest = [(name, value) for name, value in headers if name != b"link"]
    return [*rest, (b"link", b", ".join([*links, link])), *found.headers()]


def mark_deprecated(operation: str, described: dict[str, Any]) -> None:
    """Have OpenAPI say so of an operation, or of its parameter."""
    for one in DEPRECATED:
        if one.operation == operation:
            parts: Iterable[dict[str, Any]] = described.get("parameters", ())
            for part in (described,) if one.parameter is None else (of for of in parts if of["name"] == one.parameter):
                part["deprecated"] = True


def untold(changes: str) -> Mapping[str, Deprecated]:
    """What a change log does not say yet, by the sentence that is missing."""
    return {one.sentence: one for one in DEPRECATED if one.sentence not in changes}


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

"""The answers of REST: a body with its headers, which say at which moment it was read, and how long it stays true."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, time
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response

from api.http.mementos import http_date
from api.http.question import Ask
from api.http.release import FORMATS
from api.services.reader import CLOCKS
from domain.values import SHANGHAI
from events.demo import is_demo
from projections.as_of import Moment
from projections.views import texts

JSON: Final = "application/json"
STAYS: Final = "stays"  # where the first message of an answer says it, for the wrapper outside
BODY_PARTS: Final = "parts"  # and where it has its body in parts


NOTICE: Final = "Planrecord-Notice"


class TypedLink(NamedTuple):
    """Where something is, and of which media type it is there."""

    address: str
    media_type: str


Links = Mapping[str, str | TypedLink]  # by their relations


class Once(msgspec.Struct, frozen=True):
    """True for the one who asked, and for those who ask the same at the same time."""


class Always(msgspec.Struct, frozen=True):
    """True for as long as the process runs and nothing is erased: it holds nothing of the log, or a pinned moment.

    `erasable`: it holds text that may be erased; without it nothing can become untrue but the validator.
    """

    erasable: bool = False


class AtHead(msgspec.Struct, frozen=True):
    """True until the log grows beyond `position`, or the day ends."""

    position: int


class Goes(msgspec.Struct, frozen=True):
    """It goes on as the log grows: its parts come when they come, each is sent at once, and nobody gathers them."""


class Stored(msgspec.Struct, frozen=True):
    """It lies in a file: its parts are sent as they are, without a coding, and nobody gathers them."""


Stays = Once | Always | AtHead | Goes | Stored
ONCE: Final = Once()
ALWAYS: Final = Always()
UNLESS_ERASED: Final = Always(erasable=True)
GOES_ON: Final = Goes()
STORED: Final = Stored()


LARGE_BODY: Final = 1_000_000  # bytes


class Answer(Response[bytes]):
    """A body with its headers, sent as it is: preparing a response as Litestar does costs more than reading a list.

    `headers` hold the Content-Type, and a charset for text. `stays` tells the wrapper outside how long it may be given
    to others. Of a long body the content is empty, and `parts` make it, for the wrapper outside to send.
    """

    def __init__(self, body: bytes, headers: Mapping[str, str], stays: Stays, status: int = 200) -> None:
        self.content = body
        self.headers = dict(headers)
        self.stays = stays
        self.status_code = status
        self.parts: AsyncGenerator[bytes] | None = None

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The answer as two messages."""

        async def answered(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - by name
            await send(self._start())
            if len(self.content) > LARGE_BODY:
                await asyncio.sleep(0)  # to hand over megabytes is a step of its own
            await send({"type": "http.response.body", "body": self.content})

        return answered

    def _start(self) -> dict[str, Any]:
        lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        return {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": lines,
            STAYS: self.stays,
            BODY_PARTS: self.parts,
        }


def now(body: bytes, media_type: str = JSON, **headers: str) -> Answer:
    """An answer of this very moment, which nobody keeps."""
    others = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, {"Content-Type": media_type, "Cache-Control": "no-store", **others}, ONCE)


def same(body: bytes, media_type: str, cache: str = "no-cache", **headers: str) -> Answer:
    """An answer that holds nothing of the log: its validator is that of its own bytes."""
    others = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, {"Content-Type": media_type, "Cache-Control": cache, "ETag": etag_of(body), **others}, ALWAYS)


def etag_of(content: bytes) -> str:
    """A strong validator of bytes by themselves."""
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


def cache_control(origin: str, *, pinned: bool, erasable: bool) -> str:
    """How long others may keep an answer; `pinned`: all of it stands at a position and a day that were named."""
    # A demo is told anew in the same place: whoever kept its answers would hold another record's.
    lasting = pinned and not erasable and not is_demo(origin)
    return "public, max-age=3600" if lasting else "no-cache"


def ok(request: Ask, body: msgspec.Struct, moment: Moment, *, links: Links | None = None) -> Answer:
    """An answer in JSON, read at a moment."""
    explicit, encoded = "effectiveOn" in request.question.parameters, msgspec.json.encode(body)
    return made(request, encoded, moment, explicit_day=explicit, erasable=texts.erasable(type(body)), links=links)


def made(  # noqa: PLR0913 - all that an answer's headers say
    request: Ask,
    body: bytes,
    moment: Moment,
    media_type: str = JSON,
    *,
    explicit_day: bool,
    erasable: bool = False,
    links: Links | None = None,
) -> Answer:
    """An answer read at a moment: it may be kept for as long as it is true.

    `explicit_day`: the question names its effectiveOn; `erasable`: the body holds text that may have to be forgotten.
    `links`: addresses by their relation (RFC 8288), beside the licence's.
    """
    headers = {
        "Content-Type": media_type,
        "Log-Position": str(moment.position),
        "Cache-Control": cache_control(moment.origin, pinned=moment.pinned and explicit_day, erasable=erasable),
        "ETag": etag(request, moment, media_type),
        "Link": ", ".join(
            _link(name, target) for name, target in {**(links or {}), "license": request.reader.license}.items()
        ),
    }
    if not (erasable and moment.pinned):  # of which a text may have been erased since, at a moment that nobody names
        headers["Last-Modified"] = http_date(_changed_at(moment, explicit_day=explicit_day))
    lasting = UNLESS_ERASED if erasable else ALWAYS
    return Answer(body, headers, lasting if moment.pinned else AtHead(moment.position))


def _link(relation: str, target: str | TypedLink) -> str:
    """A link as RFC 8288 writes it."""
    address, *media_type = (target,) if isinstance(target, str) else target
    return f'<{address}>; rel="{relation}"' + "".join(f'; type="{one.partition(";")[0]}"' for one in media_type)


def _changed_at(moment: Moment, *, explicit_day: bool) -> datetime:
    """When what stands at a moment can last have changed: as the last fact came, or as the day began that is meant."""
    begun = datetime.combine(moment.effective_on, time.min, SHANGHAI)
    return moment.as_of if explicit_day else max(moment.as_of, begun)


def noticed(request: Ask, answer: Answer) -> Answer:
    """An answer to somebody who follows the record, with what the operator has to tell."""
    if notice := request.reader.head.notice:
        answer.headers[NOTICE] = quote(notice, safe=" ,.;:!?()/+-'")
    return answer


def etag(request: Ask, moment: Moment, media_type: str) -> str:
    """A strong validator: it covers the question and all that makes its body. The wrapper outside adds the encoding."""
    assert moment.root  # noqa: S101 - whoever answers has had it read
    question, epoch = request.question, request.reader.head.erasure_epoch
    rest = urlencode([(name, value) for name, value in question.query if name not in CLOCKS])
    read_at = (
        f"{moment.log}\0{moment.root}\0{moment.position}\0{moment.effective_on}\0{epoch}\0{request.reader.license}"
    )
    if question.audience.lang:
        media_type = f"{media_type}; {question.audience.lang}"
    # Only the address may itself hold the sign between, and it stands first: no two of these are read alike.
    covered = f"{question.address}\0{rest}\0{media_type}\0{FORMATS}\0{read_at}"
    return f'"{blake2b(covered.encode(), digest_size=12).hexdigest()}"'

"""The answers of REST: one view, or any body, with the headers that say at which moment it was read."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from api import mementos
from api.asking import Clocks, asked, clocks, query_of
from api.reader import CLOCKS, Reader, Subject
from api.release import RELEASE
from projections.as_of import Moment, Rows
from projections.wanted import Wanted

V = TypeVar("V", bound=msgspec.Struct)
Ask = Request[Any, Any, State]
Show = Callable[[Rows, Moment], Sequence[V]]
JSON: Final = "application/json"
READER: Final = "planrecord.reader"  # where it is found again in the same request
KEPT: Final = "planrecord.kept"  # where a handler tells the wrapper outside how long its answer stays true:
FOREVER: Final = 0  # or at which head it was read


class Made(Response[bytes]):
    """A body with its headers, sent as it is: preparing a response as Litestar does costs more than reading a list."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.content = body
        self.headers = headers

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The answer as two messages."""
        lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]

        async def answered(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": lines})
            await send({"type": "http.response.body", "body": self.content})

        return answered


def reader(request: Ask) -> Reader:
    """The reader that `api/main.py` wired."""
    found: Reader = request.scope.get(READER) or request.app.state.reader  # type: ignore[assignment]
    request.scope[READER] = found  # type: ignore[typeddict-unknown-key]
    return found


async def one(request: Ask, subject: Subject, wanted: Sequence[Wanted], show: Show[V]) -> Response[bytes]:
    """The one view that is asked for, or the problem that says from when to when it is there."""
    query = query_of(request)
    if mementos.asks(request, subject, query):
        return await mementos.negotiated(request, reader(request), subject)
    moment, rows = await reader(request).rows(clocks(asked(query, Clocks)), wanted)
    views = show(rows, moment)
    if not views:
        raise await reader(request).absent(subject, moment)
    meta = reader(request).meta(moment, request.scope["path"], query)
    links = mementos.links(request.scope["path"], subject)
    response = ok(request, msgspec.structs.replace(views[0], meta=meta), moment, query, links=links)
    if links and moment.pinned:
        response.headers["Memento-Datetime"] = mementos.http_date(moment.as_of)
    return response


def ok(  # noqa: PLR0913 - as made
    request: Ask,
    body: msgspec.Struct,
    moment: Moment,
    query: Mapping[str, str],
    *,
    erasable: bool = False,
    links: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """An answer in JSON, read at a moment."""
    explicit = "effectiveOn" in query
    return made(request, msgspec.json.encode(body), moment, explicit_day=explicit, erasable=erasable, links=links)


def made(  # noqa: PLR0913 - all that an answer's headers say
    request: Ask,
    body: bytes,
    moment: Moment,
    media_type: str = JSON,
    *,
    explicit_day: bool,
    erasable: bool = False,
    links: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """An answer read at a moment: it may be kept for as long as it is true.

    `explicit_day`: the question names its effectiveOn; `erasable`: the body holds text that may have to be forgotten.
    `links`: addresses by their relation (RFC 8288), beside the licence's.
    """
    request.scope[KEPT] = FOREVER if moment.pinned else moment.position  # type: ignore[typeddict-unknown-key]
    lasting = moment.pinned and explicit_day and not erasable
    headers = {
        "Log-Position": str(moment.position),
        "Cache-Control": "public, max-age=3600" if lasting else "no-cache",
        "ETag": _etag(request, moment, media_type),
        "Link": ", ".join(
            f'<{address}>; rel="{name}"'
            for name, address in {**(links or {}), "license": reader(request).license}.items()
        ),
    }
    return Made(body, {"Content-Type": media_type, **headers})


def _etag(request: Ask, moment: Moment, media_type: str) -> str:
    """A strong validator: it covers the question, the moment, the form, the release, and what was erased."""
    rest = {name: value for name, value in query_of(request).items() if name not in CLOCKS}
    epoch = reader(request).head.erasure_epoch
    said = (request.scope["path"], urlencode(rest), moment.position, moment.effective_on, media_type, RELEASE, epoch)
    return f'"{blake2b(repr(said).encode(), digest_size=12).hexdigest()}"'


def only(views: Sequence[V], key: str, name: str = "id") -> Sequence[V]:
    """The view with this key, alone."""
    return [view for view in views if getattr(view, name) == key]

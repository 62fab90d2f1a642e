"""The door outside the application: a request is read here, once, and answers that are still true come from memory.

An answer is a pure function of the question and the moment. One read at a pinned moment stays true; one read at the
head is true until the head moves or the day ends. Both are forgotten when something is erased. While the database is
away, whoever asks for what is pinned, holds no text that may be erased, and is remembered is answered; nobody else.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import aclosing
from datetime import date
from time import perf_counter
from typing import Any, Final, NamedTuple

from werkzeug.http import parse_etags

from api.http import body
from api.http.answers import BODY_PARTS, GOES_ON, ONCE, STAYS, STORED, Always, Answer, AtHead, Goes, Once, Stays
from api.http.audience import NOBODY, Audience, audience_of, listener
from api.http.clients import CLIENT_GONE, Hearing, Receive, unless_gone
from api.http.deadlines import within
from api.http.deprecations import deprecating
from api.http.packing import packed_parts, packed_whole
from api.http.question import (
    Asked,
    Coding,
    Credentials,
    Elsewhere,
    Headers,
    Question,
    credentials_of,
    handed,
    headers_of,
    question_of,
)
from api.http.traces import Trace
from api.services.meter import NOWHERE, Meter
from api.services.problems import Trouble, allowed, unknown_address
from api.services.reader import Reader
from events.head import Head
from projections.memory import Memory

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]
# Method, path, query, who asked, the head, what went wrong, and under which id it is noted.
Failed = Callable[[str, str, Mapping[str, str], Audience, Head, Exception, Trace], Answer]
_Parts = tuple[Any, ...]
_Key = tuple[Question, bytes]  # all that an answer depends on: the question, and the body of a GraphQL query
_State = tuple[int, date, str]  # the head's size, the day, the notice: what an answer at the head was read at
_Flight = tuple[_Key, Audience, _State]  # who is told, too: what goes wrong is said in one language

SOCKET: Final = "/graphql"  # where a websocket is
WORTH_PACKING: Final = 1_000  # bytes
LONG_BODY: Final = 1 << 20  # bytes up to which the body of a whole list is held, and remembered
TAKEN_WITHIN: Final = 30.0  # seconds in which a client must have taken a part, of what the system does not take for it
LARGEST_QUERY: Final = 16_384  # bytes of a GraphQL request that is remembered
LARGEST_READING: Final = 4_000  # bytes of what a reading was made from, up to which it is remembered
EXPOSED: Final = (  # what a program in a browser is shown, beside what it is always shown
    *("Accept-Ranges", "Allow", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Range"),
    *("Deprecation", "ETag", "Items", "Last-Modified", "Link", "Location", "Log-Position", "Memento-Datetime"),
    *("Planrecord-Notice", "RateLimit", "RateLimit-Policy", "Repr-Digest", "Retry-After", "Sunset", "Vary"),
)
OPEN: Final[list[Header]] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", ", ".join(EXPOSED).encode()),
    (b"vary", b"Accept, Accept-Datetime, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
]
SPOKEN: Final = (b"vary", b"Accept-Language")
PACKED: Final = (b"application/", b"text/")
_TYPE: Final = re.compile(r":\w+}")  # of a part of an address, as Litestar has it
AS_THEY_COME: Final = (GOES_ON, STORED)  # the parts of which nothing is gathered
OF_THE_BODY: Final = frozenset({b"content-type", b"content-length", b"content-range"})  # 304 has none
_BELOW: Final = re.compile(r"/(?=\.\w+$)")  # where a form has a handler of its own (Question.route)
NO_BODY: Final[Message] = {"type": "http.response.body", "body": b""}


class Entry(NamedTuple):
    """An answer as it is sent. `state` is what it was read at: None where it stays true whatever is recorded.

    `lasting`: and whatever is erased, so that nobody need hear of the log to give it.
    """

    route: str
    state: _State | None
    lasting: bool
    epoch: int
    etag: bytes
    start: Message
    whole: Message
    unchanged: Message


class Long(NamedTuple):
    """An answer that is sent as it is made, as it is too long to be held."""

    route: str
    etag: bytes
    start: Message
    unchanged: Message
    parts: AsyncGenerator[bytes]


class Front:
    """An ASGI application around the one that computes.

    `failed` says what is wrong with a request that cannot be read; `body_seconds`: in which a body must have come.
    """

    def __init__(self, app: App, reader: Reader, meter: Meter, failed: Failed, body_seconds: float = 30.0) -> None:
        self.app = app
        self._meter = meter
        self._failing = failed
        self._body_seconds = body_seconds
        self._reader = reader
        self._head: Head = reader.head
        self._memory: Memory = reader.memory
        self._flights: dict[_Flight, asyncio.Future[Entry | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or have it answered and remember it."""
        if scope["type"] != "http":
            await self._connected(scope, receive, send)
            return
        began = perf_counter()
        try:
            headers = headers_of(scope)
            question, parts = self._read(scope, headers)
            queried = question.method == "POST" and question.path == "/graphql"
            content = b""
            if queried:
                content = await body.whole_body(question, receive, body.LARGEST_GRAPHQL, self._body_seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asks must hear of it
            await self._failed(scope, error, send, began)
            return
        if not queried and question.method != "GET":
            await self._handed_on(scope, question, headers, receive, send, began)
            return
        hearing = Hearing(receive)
        try:
            await self._answered(scope, (question, content), parts, headers, hearing, send, began)
        finally:
            hearing.close()

    async def _connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a websocket where there is one; elsewhere answer as to any address that nothing is at."""
        if scope["type"] != "websocket" or scope["path"] == SOCKET:
            await self.app(scope, receive, send)
            return
        await self._not_connected(scope, unknown_address(f"there is no websocket here: there is one at {SOCKET}"), send)

    async def refuse(self, scope: Scope, why: Trouble, send: Send) -> None:
        """Say why nothing is done for a request, or for who would connect, before anything of it is read."""
        if scope["type"] == "websocket":
            await self._not_connected(scope, why, send)
        else:
            await self._failed(scope, why, send, perf_counter())

    async def _not_connected(self, scope: Scope, error: Trouble, send: Send) -> None:
        told = listener(NOBODY, "GET", dict(scope["headers"]))
        answer = self._failing("GET", scope["path"], {}, told, self._head, error, Trace(scope["headers"]))
        collected = Collected()
        await answer.to_asgi_response()(scope, None, collected)
        lines = _opened({name.lower(): value for name, value in collected.headers})
        # granian ends the whole process over a field that comes in two lines, as Vary does.
        fields = {name: b", ".join(value for other, value in lines if other == name) for name, _ in lines}
        headers = list(fields.items())
        await send({"type": "websocket.http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": collected.content})

    async def _answered(  # noqa: PLR0913, PLR0917 - all that a request is
        self, scope: Scope, key: _Key, parts: _Parts, headers: Headers, receive: Receive, send: Send, began: float
    ) -> None:
        """Answer what reads."""
        entry = self._known(key)
        remembered = entry is not None
        if entry is None:
            try:
                entry = await self._found(scope, key, listener(key[0].audience, key[0].method, headers), receive)
            except Exception as error:  # noqa: BLE001 - of a whole list, which is made here: the one who asks must hear
                await self._failed(scope, error, send, began)
                return
        elif parts:
            self._learn(key[0], parts)
        match = headers.get(b"if-none-match")
        start = entry.unchanged if match and entry.etag and _matches(match, entry.etag) else entry.start
        if isinstance(entry, Long):
            if not await self._send_long(scope, entry, start, receive, send, began):
                return
        else:
            await send(start)
            await send(entry.whole if start is entry.start and scope["method"] != "HEAD" else NO_BODY)
        self._meter.answered(entry.route, scope["method"], start["status"], began, remembered=remembered)

    async def _handed_on(  # noqa: PLR0913, PLR0917 - all that a request is
        self,
        scope: Scope,
        question: Question,
        headers: Headers,
        receive: Receive,
        send: Send,
        began: float,
    ) -> None:
        """Have the application itself answer what nobody remembers: it may write."""
        told = listener(question.audience, question.method, headers)
        asked = Asked(question, b"", credentials_of(headers), self._reader, Trace(scope["headers"]), told)
        inner = handed(scope, asked)
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                operation = f"{question.method} {_route(inner)}"
                message = {**message, "headers": deprecating(message["headers"], operation, question.parameters)}
            await send(message)

        await self.app(inner, receive, _through(counted))
        self._meter.answered(_route(inner), scope["method"], status, began)

    def _read(self, scope: Scope, headers: Headers) -> tuple[Question, _Parts]:
        """The question of a request, a pure function of these parts of it; they are empty where it was remembered."""
        parts = (
            scope["method"],
            scope["raw_path"],
            scope["query_string"],
            headers.get(b"host"),
            headers.get(b"accept"),
            headers.get(b"accept-encoding"),
            headers.get(b"accept-language"),
            headers.get(b"accept-datetime"),
            headers.get(b"content-type"),
            headers.get(b"last-event-id"),
            headers.get(b"range"),
            headers.get(b"if-range"),
        )
        known: Question | None = self._memory.get(parts)
        return (question_of(scope, headers), parts) if known is None else (known, ())

    def _learn(self, question: Question, parts: _Parts) -> None:
        """Remember the reading of what was asked a second time; of what is asked once it would only take room."""
        weight = sum(len(one) for one in parts if one)
        if weight <= LARGEST_READING:
            self._memory.put(parts, question, 3 * weight)  # the parts, and the same once more as text

    async def _failed(
        self, scope: Scope, error: Exception, send: Send, began: float, audience: Audience | None = None
    ) -> None:
        """Say what is wrong with a request that could not be read, or where its resource is."""
        if isinstance(error, Elsewhere):
            answer = Answer(b"", {"Location": error.location, "Cache-Control": "no-cache"}, ONCE, 308)
        else:
            trace = Trace(scope["headers"])
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            headers = dict(scope["headers"])
            audience = audience or audience_of(scope["path"], _lang_of(scope), headers)
            told = listener(audience, method, headers)
            answer = self._failing(method, scope["path"], {}, told, self._head, error, trace)
        collected = Collected()
        await answer.to_asgi_response()(scope, None, collected)
        entry = await _entry(collected, NOWHERE, ONCE, None, 0, packed="")
        await send(entry.start)
        await send(entry.whole if scope["method"] != "HEAD" else NO_BODY)
        self._meter.answered(NOWHERE, scope["method"], answer.status_code, began)

    def _known(self, key: _Key) -> Entry | None:
        """The answer that is remembered, if it is still true; who hears nothing of the log knows it of few."""
        head = self._head
        entry: Entry | None = self._memory.get(key)
        if entry is None or entry.epoch != head.erasure_epoch or not (entry.lasting or head.listening):
            return None
        return entry if entry.state is None or entry.state == (head.size, head.today(), head.notice) else None

    async def _send_long(  # noqa: PLR0913, PLR0917 - all that a request is
        self, scope: Scope, long: "Long", start: Message, receive: Receive, send: Send, began: float
    ) -> bool:
        """Send a long body part by part, as the client takes them; nothing more is made once it has gone.

        Who is not sent the last part finds the connection broken, and so does not take for whole what is not. Who has
        "gone" before the first may only have sent a body that is none, and still reads: he is told, and counted so.
        Whether it was begun.
        """
        sending = False

        async def sent() -> None:
            nonlocal sending
            async for part in parts:
                if not sending:
                    sending = True
                    await send(long.start)
                await _taken(send, {"type": "http.response.body", "body": part, "more_body": True})
            if not sending:
                await send(long.start)
            await send(NO_BODY)

        async with aclosing(long.parts) as parts:
            if scope["method"] == "HEAD" or start is long.unchanged:
                await send(start)
                await send(NO_BODY)
                return True
            try:
                await unless_gone(receive, sent())
            except Trouble as gone:
                if gone.status != CLIENT_GONE:
                    raise
                if not sending:
                    await self._failed(scope, gone, send, began)
                    return False
            return True

    async def _found(self, scope: Scope, key: _Key, told: Audience, receive: Receive) -> "Entry | Long":
        """The answer, asked for now."""
        head = self._head
        if not head.listening or key[0].waits:
            return await self._asked(scope, key, told, receive)
        state = head.size, head.today(), head.notice
        # Who asks after a fact was acknowledged is not given what was asked for before it.
        flown = (key, told, state)
        while (flight := self._flights.get(flown)) is not None:
            answered = await asyncio.shield(flight)
            if answered is not None:
                return answered
        return await self._first(flown, scope, receive)

    async def _first(self, flown: _Flight, scope: Scope, receive: Receive) -> "Entry | Long":
        """Ask for all who ask the same meanwhile; should this one be given up, the next of them asks."""
        flight: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._flights[flown] = flight
        entry: Entry | None = None
        try:
            answered = await self._asked(scope, flown[0], flown[1], receive)
            entry = answered if isinstance(answered, Entry) else None
            return answered
        finally:
            del self._flights[flown]
            flight.set_result(entry)

    async def _asked(self, scope: Scope, key: _Key, told: Audience, receive: Receive) -> "Entry | Long":
        """What the application answers, remembered if it stays true for a while."""
        question, content = key
        epoch, today, notice = self._head.erasure_epoch, self._head.today(), self._head.notice
        collected = Collected()
        asked = Asked(question, content, Credentials(), self._reader, Trace(scope["headers"]), told)
        inner = handed(scope, asked)
        await self.app(inner, receive, collected)
        stays, route = collected.stays, _route(inner)
        collected.headers = deprecating(collected.headers, f"{question.method} {route}", question.parameters)
        if collected.parts and (stays in AS_THEY_COME or not await collected.all_of(collected.parts)):
            # What goes on is not packed: a packer keeps what is too little for it. Nor is a file, which has its length.
            coding = question.packed if stays not in AS_THEY_COME else ""
            return _long(collected, route, collected.parts, packed=coding)
        state = (stays.position, today, notice) if isinstance(stays, AtHead) else None
        # What goes wrong is short, and holds an id that is another each time: packed, HEAD could not tell its length.
        coding = question.packed if collected.status < 400 else ""  # noqa: PLR2004
        entry = await _entry(collected, route, stays, state, epoch, packed=coding)
        if not isinstance(stays, Once | Goes) and collected.status == 200 and len(content) <= LARGEST_QUERY:  # noqa: PLR2004
            self._memory.offer(key, entry, _weight(key, entry))
        return entry


def _weight(key: _Key, entry: Entry) -> int:
    """Bytes: the body, the headers (twice, as 304 has its own), and what the question says."""
    question, content = key
    headers = sum(len(name) + len(value) for name, value in entry.start["headers"])
    said = sum(len(name) + len(value) for name, value in question.query)
    return len(entry.whole["body"]) + 2 * headers + 2_000 + len(question.path) + 4 * said + len(content)


class Collected:
    """What the application sends, gathered."""

    def __init__(self) -> None:
        self.content = b""
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        """Take a message of the application's."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self.content += message.get("body", b"")

    @property
    def parts(self) -> AsyncGenerator[bytes] | None:
        """What makes the body, where the application has sent none."""
        return self._start.get(BODY_PARTS)

    async def all_of(self, parts: AsyncGenerator[bytes]) -> bool:
        """Gather the parts of a body, as long as it is not a long one; whether that was all."""
        gathered = list[bytes]()
        size = 0
        async for part in parts:
            gathered.append(part)
            size += len(part)
            if size > LONG_BODY:
                break
        self.content = b"".join(gathered)
        return size <= LONG_BODY

    @property
    def status(self) -> int:
        """The answer's status."""
        return self._start["status"]

    @property
    def headers(self) -> Sequence[Header]:
        """The answer's headers."""
        return self._start["headers"]

    @headers.setter
    def headers(self, headers: Sequence[Header]) -> None:
        self._start["headers"] = headers

    @property
    def stays(self) -> Stays:
        """How long it stays true."""
        return self._start.get(STAYS, ONCE)


async def _taken(send: Send, message: Message) -> None:
    """Send a part once the client has taken those before; who takes nothing for so long is as good as gone."""
    try:
        with within(TAKEN_WITHIN):
            await send(message)
    except TimeoutError as error:
        raise Trouble(CLIENT_GONE, "client_gone", "the client takes nothing") from error


def _lang_of(scope: Scope) -> str | None:
    """The language that a query names which cannot be read as a whole."""
    named = (one.partition(b"=") for one in scope["query_string"].split(b"&"))
    return next((value.decode("latin-1") for name, _, value in named if name == b"lang"), None)


def _through(send: Send) -> Send:
    """Send as it comes, open to every origin."""

    async def through(message: Message) -> None:
        if message["type"] == "http.response.start":
            fields = {name.lower(): value for name, value in message["headers"]}
            if methods := fields.get(b"allow"):
                fields[b"allow"] = allowed(methods.decode()).encode()
            message = {"type": message["type"], "status": message["status"], "headers": _opened(fields)}
        await send(message)

    return through


def _route(inner: Mapping[str, Any]) -> str:
    """Which address an application's handler has, as /openapi.json has it; NOWHERE if it was asked for none."""
    return _BELOW.sub("", _TYPE.sub("}", inner.get("path_template", NOWHERE)))


async def _entry(  # noqa: PLR0913 - all that an answer is
    answer: Collected, route: str, stays: Stays, state: _State | None, epoch: int, *, packed: Coding
) -> Entry:
    """The answer as it is sent: open to every origin, packed where that is worth it."""
    content = answer.content
    fields = {name.lower(): value for name, value in answer.headers}
    etag = fields.get(b"etag", b"")
    if packed and len(content) >= WORTH_PACKING and fields.get(b"content-type", b"").startswith(PACKED):
        content = await packed_whole(content, packed)
        etag = _coded(fields, packed)
    fields[b"content-length"] = b"%d" % len(content)
    headers = _opened(fields)
    kept = [(name, value) for name, value in headers if name not in OF_THE_BODY]
    return Entry(
        route,
        state,
        isinstance(stays, Always) and not stays.erasable,
        epoch,
        etag,
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": content},
        {"type": "http.response.start", "status": 304, "headers": kept},
    )


def _long(answer: Collected, route: str, rest: AsyncGenerator[bytes], *, packed: Coding) -> Long:
    """The answer that begins with what was gathered, as it is sent."""
    fields = {name.lower(): value for name, value in answer.headers}
    etag = fields.get(b"etag", b"")
    parts = _all_parts(answer.content, rest) if answer.stays not in AS_THEY_COME else rest
    if packed:
        parts = packed_parts(parts, packed)
        etag = _coded(fields, packed)
    headers = _opened(fields)
    kept = [(name, value) for name, value in headers if name not in OF_THE_BODY]
    return Long(
        route,
        etag,
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.start", "status": 304, "headers": kept},
        parts,
    )


async def _all_parts(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for part in rest:
            yield part
            await asyncio.sleep(0)


def _coded(fields: dict[bytes, bytes], packed: Coding) -> bytes:
    """Say in the headers how the body is packed; its validator, as another coding is another representation."""
    fields[b"content-encoding"] = packed.encode()
    if etag := fields.get(b"etag", b""):
        etag = fields[b"etag"] = b'%b-%b"' % (etag[:-1], packed.encode())
    return etag


def _opened(fields: Mapping[bytes, bytes]) -> list[Header]:
    """Headers with those that every answer has; that a page varies by its language stands on a line of its own."""
    own = [one for one in fields.items() if one[0] not in _OURS or one == SPOKEN]
    return [*own, *OPEN]


_OURS: Final = frozenset(name for name, _ in OPEN)


def _matches(header: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names this very answer."""
    if header == etag or header.strip() == b"*":
        return True
    return parse_etags(header.decode("latin-1")).contains_weak(etag.decode("latin-1").strip('"'))

"""The thin wrapper outside the application: answers that are still true are given from memory.

An answer is a pure function of the question and the moment. One read at a pinned moment stays true; one read at the
head is true until the head moves or the day ends. Both are forgotten when something is erased.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from api.answers import FOREVER, KEPT
from api.formats import Format
from api.lists import FORMAT
from events.head import Head

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]
Key = tuple[Any, ...]

WORTH_PACKING: Final = 1_000  # bytes
LARGEST_QUERY: Final = 16_384  # bytes of a GraphQL request that is remembered
OVERHEAD: Final = 1_000  # bytes of memory that an entry takes beside its body
OPEN: Final[list[Header]] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Link, Log-Position, Memento-Datetime, Retry-After"),
    (b"vary", b"Accept, Accept-Datetime, Accept-Encoding"),
]
PACKED: Final = (b"application/", b"text/")


class Entry(NamedTuple):
    """An answer that is kept. `state` is what it was read at: (position, day) at the head, None at a pinned moment."""

    state: tuple[int, Any] | None
    epoch: int
    etag: bytes
    start: Message
    whole: Message
    unchanged: Message


class Cache:
    """Answers by their questions, the least recently asked for forgotten first."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.size = 0
        self._entries: OrderedDict[Key, Entry] = OrderedDict()

    def get(self, key: Key) -> Entry | None:
        """What was answered."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an answer, if it does not take more than an eighth of the room."""
        self._drop(key)
        weight = _weight(key, entry)
        if weight > self.bound // 8:
            return
        self._entries[key] = entry
        self.size += weight
        while self.size > self.bound:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= _weight(key, entry)


def _weight(key: Key, entry: Entry) -> int:
    return len(entry.whole["body"]) + OVERHEAD + sum(len(part) for part in key if isinstance(part, bytes | str))


class Answer(NamedTuple):
    """What the application answered, and how long it stays true: FOREVER, at a head, or None if it is not kept."""

    status: int
    headers: list[Header]
    body: bytes
    kept: int | None


class Front:
    """An ASGI application around the one that computes."""

    def __init__(self, app: App, head: Head, cache: Cache) -> None:
        self.app = app
        self._head = head
        self._cache = cache
        self._flights: dict[Key, asyncio.Future[Entry | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or have it answered and remember it."""
        method = scope.get("method")
        if method in {"GET", "HEAD"}:
            await self._get(scope, send)
        elif method == "POST" and scope["path"] == "/graphql":
            await self._graphql(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _get(self, scope: Scope, send: Send) -> None:
        accept = encoding = match = then = b""
        for name, value in scope["headers"]:
            if name == b"accept":
                accept = value
            elif name == b"accept-encoding":
                encoding = value
            elif name == b"if-none-match":
                match = value
            elif name == b"accept-datetime":
                then = value
        packed = b"gzip" in encoding and gzip_wanted(encoding)
        key = (scope["path"], scope["query_string"], accept, then, packed)
        entry = await self._found(key, scope, _empty, packed=packed)
        if match and entry.etag and _matches(match, entry.etag):
            await send(entry.unchanged)
            await send(NOTHING)
        else:
            await send(entry.start)
            await send(entry.whole if scope["method"] == "GET" else NOTHING)

    async def _graphql(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > LARGEST_QUERY:
            await self.app(scope, receive, send)
            return
        body, messages = b"", list[Message]()
        while True:
            messages.append(await receive())
            body += messages[-1].get("body", b"")
            if messages[-1]["type"] != "http.request" or not messages[-1].get("more_body"):
                break
        packed = gzip_wanted(headers.get(b"accept-encoding", b""))
        key = (scope["query_string"], headers.get(b"content-type", b""), body, packed)
        entry = await self._found(key, scope, _replayed(messages), packed=packed)
        await send(entry.start)
        await send(entry.whole)

    async def _found(self, key: Key, scope: Scope, receive: Receive, *, packed: bool) -> Entry:
        head = self._head
        if not head.listening:
            return await self._asked(key, scope, receive, packed=packed)
        state = head.size, head.today()
        entry = self._cache.get(key)
        if entry and entry.epoch == head.erasure_epoch and (entry.state is None or entry.state == state):
            return entry
        # Who asks after a fact was acknowledged is not given what was asked for before it.
        flown = (key, state)
        while (flight := self._flights.get(flown)) is not None:
            answered = await asyncio.shield(flight)
            if answered is not None:
                return answered
        return await self._first(flown, scope, receive, packed=packed)

    async def _first(self, flown: Key, scope: Scope, receive: Receive, *, packed: bool) -> Entry:
        """Ask for all who ask the same meanwhile; should this one be given up, the next of them asks."""
        flight: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._flights[flown] = flight
        try:
            entry = await self._asked(flown[0], scope, receive, packed=packed)
        except BaseException:
            flight.set_result(None)
            raise
        else:
            flight.set_result(entry)
            return entry
        finally:
            del self._flights[flown]

    async def _asked(self, key: Key, scope: Scope, receive: Receive, *, packed: bool) -> Entry:
        """What the application answers, remembered if it stays true for a while."""
        epoch, today = self._head.erasure_epoch, self._head.today()
        answer = await _answered(self.app, _inner(scope), receive)
        state = (answer.kept, today) if answer.kept is not None and answer.kept != FOREVER else None
        entry = _entry(answer, state, epoch, packed=packed)
        if answer.kept is not None and answer.status == 200:  # noqa: PLR2004
            self._cache.put(key, entry)
        return entry


def _inner(scope: Scope) -> Scope:
    """The question without its suffix, and as a GET."""
    inner = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
    path: str = scope["path"]
    stem, dot, suffix = path.rpartition(".")
    if dot and path.startswith("/v1/") and suffix in _SUFFIXES:
        inner |= {"path": stem, "raw_path": stem.encode(), FORMAT: Format(suffix)}
    return inner


_SUFFIXES: Final = frozenset(Format)
NOTHING: Final[Message] = {"type": "http.response.body", "body": b""}


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replayed(messages: Iterable[Message]) -> Receive:
    """The messages that were received already, once more."""
    left = iter(messages)

    async def receive() -> Message:
        return next(left, {"type": "http.disconnect"})

    return receive


async def _answered(app: App, scope: Scope, receive: Receive) -> Answer:
    """The application's whole answer."""
    started: list[Message] = []
    parts: list[bytes] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(started[0]["status"], list(started[0]["headers"]), b"".join(parts), scope.get(KEPT))


def _entry(answer: Answer, state: tuple[int, Any] | None, epoch: int, *, packed: bool) -> Entry:
    """The answer as it is sent: open to every origin, packed where that is worth it."""
    body = answer.body
    fields = {name.lower(): value for name, value in answer.headers}
    etag = fields.get(b"etag", b"")
    if packed and len(body) >= WORTH_PACKING and fields.get(b"content-type", b"").startswith(PACKED):
        body = gzip.compress(body, 6, mtime=0)
        fields[b"content-encoding"] = b"gzip"
        if etag:
            etag = fields[b"etag"] = etag[:-1] + b'-gzip"'  # another encoding is another representation
    fields[b"content-length"] = b"%d" % len(body)
    headers = [*((name, value) for name, value in fields.items() if name not in _OURS), *OPEN]
    kept = [(name, value) for name, value in headers if name not in {b"content-length", b"content-type"}]
    return Entry(
        state,
        epoch,
        etag,
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": body},
        {"type": "http.response.start", "status": 304, "headers": kept},
    )


_OURS: Final = frozenset(name for name, _ in OPEN)


def _matches(header: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names this very answer."""
    return header in {etag, b"*"} or etag in {one.strip().removeprefix(b"W/") for one in header.split(b",")}


@lru_cache(maxsize=256)
def gzip_wanted(header: bytes) -> bool:
    """Whether Accept-Encoding takes gzip."""
    for one in header.lower().split(b","):
        name, _, weight = one.strip().partition(b";")
        if name.strip() == b"gzip":
            return weight.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}
    return False

"""/graphql as a websocket: graphql-transport-ws, over which one subscribes to what is recorded, or asks as by POST.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md says what is sent and which code ends a connection; the
messages are strawberry's types of it. What serves us gives one message at a time, and none while we listen no more.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import msgspec
from graphql import GraphQLError, OperationType
from litestar import WebSocket, websocket
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws import types

from api.graphql.compiled import known_query
from api.graphql.door import encoded, errors_of
from api.graphql.execute import answer, chosen_operation
from api.graphql.following import Subscription, followed, prepared_following
from api.http.body import LARGEST_GRAPHQL, checked
from api.http.front import TAKEN_WITHIN
from api.http.limits import CountedRequest, another_request
from api.http.traces import Trace
from api.services.problems import Trouble, echo
from api.services.reader import Reader
from api.services.tail import LogTail
from events.head import Head
from events.work import counted, resting

INIT_WITHIN: Final = 10.0  # seconds in which a client must have said connection_init
SOCKET_LIFE: Final = 3_600.0  # seconds: then who follows comes again, perhaps to another process
PING_AFTER: Final = 15.0  # seconds in which nothing was sent
FAREWELL_WITHIN: Final = 2.0  # seconds in which a client takes the word that ends its connection
LEAVE_WITHIN: Final = 1.0  # seconds that the end of a process waits for all of them to take it
MOST_SOCKETS: Final = 4_000  # of a process
MOST_OPERATIONS: Final = 20  # of a connection, at a time
LONGEST_ID: Final = 100  # characters: it comes again in each message
_GOING_AWAY: Final = 1001
_TOO_BIG: Final = 1009
_TRY_AGAIN: Final = 1013
_BAD_REQUEST: Final = 4400
_UNAUTHORIZED: Final = 4401
_NO_SUCH_PROTOCOL: Final = 4406
_TIMEOUT: Final = 4408
_ALREADY_SUBSCRIBED: Final = 4409
_TOO_MANY_INITIALISATIONS: Final = 4429
_MESSAGES: Final[Mapping[str, Any]] = {
    "connection_init": types.ConnectionInitMessage,
    "ping": types.PingMessage,
    "pong": types.PongMessage,
    "subscribe": types.SubscribeMessage,
    "complete": types.CompleteMessage,
}
_GONE: Final = None  # who has gone is told nothing


class Hangup(Exception):
    """A connection ends: with this code, and these words, which are 123 bytes at most."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Sockets:
    """All connections of a process; when it ends, so do they."""

    def __init__(self, reader: Reader, tail: LogTail) -> None:
        self.reader = reader
        self.tail = tail
        self._open: set[Conversation] = set()
        self._ending: asyncio.Task[None] | None = None
        self._nobody = asyncio.Event()
        self._nobody.set()

    async def serve(self, socket: "WebSocket[Any, Any, Any]") -> None:
        """One connection, from its beginning to its end."""
        one = Conversation(socket, self)
        self._open.add(one)
        self._nobody.clear()
        self._ending = self._ending or asyncio.create_task(self._end(self.reader.head))
        try:
            await one.run(crowded=len(self._open) > MOST_SOCKETS)
        finally:
            self._open.discard(one)
            if not self._open:
                self._nobody.set()

    async def left(self) -> None:
        """Wait for a moment until all have been told that the process ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._nobody.wait()

    async def _end(self, head: Head) -> None:
        await head.ended()
        for one in self._open:
            one.hang_up(Hangup(_GOING_AWAY, "this server ends: connect again"))


@websocket("/graphql")
async def subscriptions(socket: WebSocket[Any, Any, Any]) -> None:
    """Subscriptions, and queries, by graphql-transport-ws."""
    sockets: Sockets = socket.app.state.sockets
    await sockets.serve(socket)


class Conversation:
    """One connection: a loop that hears and pings, and a task for each operation."""

    def __init__(self, socket: "WebSocket[Any, Any, Any]", sockets: Sockets) -> None:
        loop = asyncio.get_running_loop()
        self._socket, self._reader, self._tail = socket, sockets.reader, sockets.tail
        self._trace = Trace(socket.scope["headers"])
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._hung_up: asyncio.Future[Hangup | None] = loop.create_future()
        self._acknowledged = False
        self._now = loop.time
        self._began = self._said = loop.time()
        self._pinged: float | None = None  # when it was that the client was asked whether it is there, and has not said

    async def run(self, *, crowded: bool) -> None:
        """Speak with the client until it goes, or is sent away."""
        await self._socket.receive()  # that it would like to connect
        offered = GRAPHQL_TRANSPORT_WS_PROTOCOL in self._socket.scope["subprotocols"]
        accepted = {"subprotocol": GRAPHQL_TRANSPORT_WS_PROTOCOL} if offered else {}
        await self._socket.send({"type": "websocket.accept", "headers": [], **accepted})  # type: ignore[typeddict-item]
        if crowded:
            self.hang_up(Hangup(_TRY_AGAIN, "too many are connected: come back later"))
        elif not offered:
            self.hang_up(Hangup(_NO_SUCH_PROTOCOL, "Subprotocol not acceptable: speak graphql-transport-ws"))
        end = await self._listen()
        for task in (tasks := [*self._operations.values()]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if end:
            with suppress(TimeoutError, RuntimeError):  # RuntimeError: what serves us says so of one who has gone
                async with asyncio.timeout(FAREWELL_WITHIN):
                    await self._socket.send({"type": "websocket.close", "code": end.code, "reason": end.words})

    def hang_up(self, why: Hangup | None) -> None:
        """End the connection, unless it ends already."""
        if not self._hung_up.done():
            self._hung_up.set_result(why)

    async def _listen(self) -> Hangup | None:
        """Take each message until the connection ends; why it does, unless the client has gone."""
        hearing = asyncio.create_task(self._heard())
        try:
            while not self._hung_up.done():
                await asyncio.wait({hearing, self._hung_up}, timeout=self._due(), return_when=asyncio.FIRST_COMPLETED)
                if not self._hung_up.done():
                    await self._look_at_the_clock()
                if hearing.done() and not self._hung_up.done():
                    hearing = await self._take_from(hearing)
        finally:
            hearing.cancel()  # what serves us ends no connection on which it listens for us
            await asyncio.gather(hearing, return_exceptions=True)
        return self._hung_up.result()

    async def _heard(self) -> Mapping[str, Any]:
        return await self._socket.receive()

    async def _take_from(self, hearing: "asyncio.Task[Mapping[str, Any]]") -> "asyncio.Task[Mapping[str, Any]]":
        """Take the message that was heard; then listen for the next."""
        message = hearing.result()
        self._pinged = None
        if message["type"] == "websocket.disconnect":
            self.hang_up(_GONE)
            return hearing
        try:
            await self._take(await _decoded(message))
        except Hangup as end:
            self.hang_up(end)
        return asyncio.create_task(self._heard())

    def _due(self) -> float:
        """Seconds until the clock is to be looked at."""
        due = [self._began + (SOCKET_LIFE if self._acknowledged else INIT_WITHIN)]
        due.append(self._said + PING_AFTER if self._pinged is None else self._pinged + TAKEN_WITHIN)
        return max(0, min(due) - self._now())

    async def _look_at_the_clock(self) -> None:
        """End what has lasted too long; ask whether the client is there where nothing was sent for a while."""
        now = self._now()
        if not self._acknowledged and now >= self._began + INIT_WITHIN:
            self.hang_up(Hangup(_TIMEOUT, "Connection initialisation timeout"))
        elif now >= self._began + SOCKET_LIFE:
            self.hang_up(Hangup(_GOING_AWAY, "connections live for an hour: connect again"))
        elif self._pinged is not None and now >= self._pinged + TAKEN_WITHIN:
            self.hang_up(Hangup(_TIMEOUT, "no pong came"))
        elif self._pinged is None and now >= self._said + PING_AFTER:
            self._pinged = now
            await self._say({"type": "ping"})

    async def _say(self, message: types.Message) -> None:
        await self._send(msgspec.json.encode(message))

    async def _send(self, text: bytes) -> None:
        """Send a message; who does not take it in time is as good as gone."""
        self._said = self._now()
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                await self._socket.send({"type": "websocket.send", "text": text.decode(), "bytes": None})
        except TimeoutError:
            self.hang_up(Hangup(_TIMEOUT, "nothing is taken"))
        except RuntimeError:  # what serves us says so of one who has gone
            self.hang_up(_GONE)

    async def _take(self, message: types.Message) -> None:
        """Take a message of the client's; Hangup where the protocol has it so."""
        match message["type"]:
            case "connection_init":
                if self._acknowledged:
                    raise Hangup(_TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
                self._acknowledged = True
                await self._say({"type": "connection_ack"})
            case "ping":
                await self._say({"type": "pong"})
            case "subscribe":
                await self._begin(message["id"], message["payload"])
            case "complete":
                if task := self._operations.pop(message["id"], None):
                    task.cancel()
            case _:
                pass

    async def _begin(self, name: str, asked: types.SubscribeMessagePayload) -> None:
        if not self._acknowledged:
            raise Hangup(_UNAUTHORIZED, "Unauthorized: say connection_init first")
        if len(name) > LONGEST_ID:
            raise Hangup(_BAD_REQUEST, f"an id has at most {LONGEST_ID} characters")
        if name in self._operations:
            raise Hangup(_ALREADY_SUBSCRIBED, f"Subscriber for {echo(name, 20)} already exists")
        if len(self._operations) >= MOST_OPERATIONS:
            detail = f"a connection has at most {MOST_OPERATIONS} operations at a time: complete one first"
            refused = Trouble(503, "too_many_waiting", detail)
            await self._say(self._errors(name, [GraphQLError(detail, original_error=refused)]))
            return
        try:
            request = another_request()
        except Trouble as refused:
            await self._say(self._errors(name, [GraphQLError(refused.detail, original_error=refused)]))
            return
        work = self._operate(name, asked, request)
        self._operations[name] = asyncio.create_task(counted(work, request) if request else work)

    async def _operate(self, name: str, asked: types.SubscribeMessagePayload, request: CountedRequest | None) -> None:
        """Answer an operation; its id may be used again once its last word is on its way."""
        try:
            last = await self._answered(name, asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asks must hear of it
            last = self._errors(name, [GraphQLError(str(error), original_error=error)])
        finally:
            if request:
                request.end()
        self._operations.pop(name, None)
        if last:
            await self._say(last)

    async def _answered(self, name: str, asked: types.SubscribeMessagePayload) -> types.Message | None:
        """Send all that an operation brings; its last word, or none where the connection ends with it."""
        text, variables, named = asked["query"], asked.get("variables") or {}, asked.get("operationName")
        query = await known_query(self._reader.memory, text)
        if isinstance(query, list):
            return self._errors(name, query)
        operation = chosen_operation(query.document.operations, named)
        if isinstance(operation, GraphQLError):
            return self._errors(name, [operation])
        if operation.operation == OperationType.SUBSCRIPTION:
            following = prepared_following(self._reader.memory, text, query, operation, variables)
            return self._errors(name, following) if isinstance(following, list) else await self._follow(name, following)
        found = await answer(self._reader, text, variables, named)
        if found.data is None:
            return self._errors(name, found.errors)
        await self._send(_next(name, encoded(found, self._trace)))
        return {"id": name, "type": "complete"}

    async def _follow(self, name: str, following: Subscription) -> types.Message | None:
        try:
            with resting():
                await self._bring(name, following)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asks must hear of it
            return self._errors(name, [following.located(error)])
        return None  # the process ends, and says so

    async def _bring(self, name: str, following: Subscription) -> None:
        async with aclosing(followed(following, self._reader, self._tail)) as answers:
            async for one in answers:
                await self._send(_next(name, one))

    def _errors(self, name: str, errors: Any) -> types.ErrorMessage:
        return {"id": name, "type": "error", "payload": errors_of(errors, self._trace)}


def _next(name: str, answered: bytes) -> bytes:
    return b'{"id":%b,"type":"next","payload":%b}' % (msgspec.json.encode(name), answered)


async def _decoded(message: Mapping[str, Any]) -> types.Message:
    """What a client says; Hangup for what is no message of the protocol's."""
    text: str | None = message.get("text")
    if text is None:
        raise Hangup(_BAD_REQUEST, "a message is text")
    content = text.encode() if len(text) <= LARGEST_GRAPHQL else b""
    if not 0 < len(content) <= LARGEST_GRAPHQL:
        raise Hangup(_TOO_BIG if text else _BAD_REQUEST, f"a message has 1 to {LARGEST_GRAPHQL:,} bytes")
    try:
        await checked(content)
        found: Any = msgspec.json.decode(content)
        return msgspec.convert(found, _MESSAGES[found["type"]])
    except (Trouble, msgspec.MsgspecError, LookupError, TypeError) as error:
        raise Hangup(_BAD_REQUEST, "this is no message of graphql-transport-ws") from error

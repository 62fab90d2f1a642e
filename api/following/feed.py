"""What a follower asks of a server: the facts, and what proves them. Of no answer more is believed than its form."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from api.auditing.sources import LARGEST_TILE, MAX_KEY, Reply, Server
from api.auditing.verdicts import Away, CannotLook
from events.note import MAX_NOTE
from events.tiles import TilePlace, tile_path

FACTS_OF_A_PAGE: Final = 200  # facts of a page: the most that there are
_GOOD: Final = 200
_BAD: Final = 400
_CONFLICT: Final = 409
_MISSING: Final = 404
_LATER: Final = frozenset({429, 500, 502, 503, 504})
_SMALL: Final = 64 << 10  # bytes of an answer without facts


class OtherHistory(Exception):
    """The server refuses to go on from what was kept: its log has another history, or less of it."""


class NotSigning(Exception):
    """Nobody signs the log."""


class NotThere(CannotLook):
    """What a filter names is not in the record, or was not yet at the position that was asked for."""


class HeadMeta(msgspec.Struct, frozen=True, rename="camel"):
    """What an answer was read from."""

    log: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
    origin: str
    position: Annotated[int, Meta(ge=0, lt=2**53)]
    root: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    rules: int
    as_of: str
    effective_on: date

    @property
    def name(self) -> str:
        """The log's own name, as its notes have it."""
        return f"{self.origin}/{self.log}"


class FactsPage(msgspec.Struct, frozen=True):
    """A page of facts, each as JSON values."""

    items: list[dict[str, Any]]
    next: str | None
    meta: HeadMeta


class _Problem(msgspec.Struct):
    detail: str = ""
    code: str = ""


class _Consistency(msgspec.Struct):
    hashes: list[str]


class LogFeed:
    """A server whose log is followed. Away where it may answer later, CannotLook where it never will."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.name = server.name

    def close(self) -> None:
        """Hang up."""
        self._server.close()

    def page(self, filters: Mapping[str, str], **asked: Any) -> FactsPage:
        """One page of `/v1/events`; OtherHistory where the server says so."""
        address = f"/v1/events?{urlencode({**filters, **asked})}"
        reply = self._server.reply(address)
        if reply.status == _CONFLICT:
            raise OtherHistory(_problem(reply).detail)
        problem = _problem(reply) if reply.status == _MISSING else _Problem()
        if problem.code == "unknown_id":
            raise NotThere(f"{self.name}: {problem.detail}")
        if problem.code == "before_the_record":
            raise Away(f"{self.name}: {problem.detail}")
        return self._read(self._good(reply, address), address, FactsPage)

    def pages(self, filters: Mapping[str, str], after: int, position: int) -> Iterator[FactsPage]:
        """All pages behind a position, as the log of the size `position` has them; none of what was not there yet."""
        more = True
        while more:
            try:
                page = self.page(filters, after=after, **_at(position), limit=FACTS_OF_A_PAGE)
            except NotThere:  # it was not yet: it is now, or nobody would have begun to follow it
                page = self.at(position)
            yield page
            more = page.next is not None
            if more and not (page.items and isinstance(last := page.items[-1].get("position"), int) and last > after):
                raise CannotLook(f"{self.name} leads from one page of facts to another without end")
            after = last if more else after  # pyright: ignore[reportPossiblyUnboundVariable]

    def at(self, position: int) -> FactsPage:
        """A page without facts, read at a position."""
        return self.page({}, after=position, **_at(position), limit=1)

    def head(self) -> HeadMeta:
        """The log as it is now, whatever was followed before."""
        return self.page({}, limit=1).meta

    def key(self, log: str) -> str:
        """The key that the log shows; NotSigning."""
        return self._of_log(log, "key", MAX_KEY).decode("utf-8", "replace").strip()

    def note(self, log: str) -> bytes:
        """The newest signed note; NotSigning, and Away where there is none yet."""
        return self._of_log(log, "checkpoint", MAX_NOTE)

    def tile(self, log: str, place: TilePlace) -> bytes:
        """A tile of the log's tree."""
        return self._of_log(log, tile_path(place), LARGEST_TILE)

    def consistency(self, log: str, first: int, second: int) -> Sequence[bytes]:
        """The proof that the log of one size begins with that of a smaller one, unchecked."""
        path = f"consistency?from={first}&to={second}"
        found = self._read(self._of_log(log, path, _SMALL), path, _Consistency)
        try:
            return [bytes.fromhex(one) for one in found.hashes]
        except ValueError as error:
            raise CannotLook(f"{path} answers no proof: {error}") from error

    def _of_log(self, log: str, path: str, most: int) -> bytes:
        address = f"/log/{log}/{path}"
        reply = self._server.reply(address, most)
        if reply.status == _MISSING:
            problem = _problem(reply)
            if problem.code == "not_signed":
                raise NotSigning(problem.detail)
        if reply.status in {_BAD, _MISSING}:  # of several servers one may be a moment behind
            raise Away(f"{self.name}{address} answers {reply.status} {_problem(reply).detail[:500]}", reply.retry_after)
        return self._good(reply, address)

    def _good(self, reply: Reply, address: str) -> bytes:
        if reply.status == _GOOD:
            return reply.body
        said = f"{self.name}{address} answers {reply.status} {_problem(reply).detail[:500]}".rstrip()
        raise Away(said, reply.retry_after) if reply.status in _LATER else CannotLook(said)

    @staticmethod
    def _read(body: bytes, address: str, form: Any) -> Any:
        try:
            return msgspec.json.decode(body, type=form)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CannotLook(f"{address} answers what is not of its form: {error}") from error


def _at(position: int) -> dict[str, int]:
    """What asks for the log of this size, of a server that may be a moment behind the one that told of it."""
    return {"position": position, "minPosition": position}


def _problem(reply: Reply) -> _Problem:
    """What a problem document says, of whatever else nothing."""
    try:
        return msgspec.json.decode(reply.body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Problem()

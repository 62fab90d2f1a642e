"""The log's checkpoints, the key that verifies them, and that one log goes on from another (C2SP tlog-checkpoint)."""

from typing import Annotated

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import ONCE, Answer, etag_of
from api.http.asking import NoParameters, asked
from api.http.paths import LogName
from api.http.question import Ask
from api.log.asked import PLAIN_TEXT, immutable, not_signed, not_yet, own_log
from api.services.problems import Fault, Trouble
from events.merkle import consistency_places
from events.notes import kept_note, last_note, vkey_of
from events.tree import proved

MINUTE = 60  # seconds


class Covering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which checkpoint: without a size the newest."""

    covers: Annotated[
        Annotated[int, Meta(ge=0, lt=2**53)] | None,
        Meta(description="The first checkpoint of so many facts, or more, of those that are kept for ever."),
    ] = None


class TwoSizes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two sizes of the log."""

    from_: Annotated[int, Meta(ge=0, lt=2**53, description="The smaller size.")] = msgspec.field(name="from")
    to: Annotated[int, Meta(ge=0, lt=2**53, description="The larger size.")]


class Consistency(msgspec.Struct, frozen=True, rename="camel"):
    """That the log of the size `to` begins with the one of the size `from` (RFC 9162, 2.1.4); hashes in hex."""

    log: str
    from_: int = msgspec.field(name="from")
    from_root: str
    to: int
    to_root: str
    hashes: tuple[str, ...]


@get("/log/checkpoint", include_in_schema=False)
async def newest_checkpoint(request: Ask) -> Answer:
    """Where the newest checkpoint of the log that is served here is."""
    return await _there(request, "checkpoint")


@get("/log/key", include_in_schema=False)
async def newest_key(request: Ask) -> Answer:
    """Where the key of the log that is served here is."""
    return await _there(request, "key")


async def _there(request: Ask, name: str) -> Answer:
    asked(request.question.parameters, NoParameters)
    await request.reader.head.current()
    headers = {"Location": f"/log/{request.reader.head.log}/{name}", "Cache-Control": "no-cache"}
    return Answer(b"", headers, ONCE, 302)


@get("/log/{log:str}/checkpoint", include_in_schema=False)
async def checkpoint(request: Ask, log: LogName) -> Answer:
    """The newest checkpoint, signed; or the first kept one that covers so many facts, which stays for ever."""
    covers = asked(request.question.parameters, Covering).covers
    await own_log(request, log)
    async with request.reader.pool.acquire() as connection:
        note = await (last_note(connection, log) if covers is None else kept_note(connection, log, covers))
        if note is None and await vkey_of(connection, log) is None:
            raise not_signed()
    if note is None:
        detail = f"no checkpoint that is kept covers {covers or 0} facts yet: the last of each minute is kept"
        raise not_yet(detail, seconds=MINUTE)
    if covers is not None:
        return immutable(note.note, PLAIN_TEXT)
    headers = {"Content-Type": PLAIN_TEXT, "Cache-Control": "no-cache", "ETag": etag_of(note.note)}
    return Answer(note.note, headers, ONCE)


@get("/log/{log:str}/key", include_in_schema=False)
async def key(request: Ask, log: LogName) -> Answer:
    """The key that verifies the log's checkpoints: a vkey, as C2SP signed-note has it."""
    asked(request.question.parameters, NoParameters)
    await own_log(request, log)
    async with request.reader.pool.acquire() as connection:
        vkey = await vkey_of(connection, log)
    if vkey is None:
        raise not_signed()
    body = f"{vkey}\n".encode()
    return Answer(body, {"Content-Type": PLAIN_TEXT, "Cache-Control": "no-cache", "ETag": etag_of(body)}, ONCE)


@get("/log/{log:str}/consistency", include_in_schema=False)
async def consistency(request: Ask, log: LogName) -> Answer:
    """A proof that the log of one size begins with the log of a smaller one."""
    between = asked(request.question.parameters, TwoSizes)
    await own_log(request, log)
    size = request.reader.head.size
    if not between.from_ <= between.to <= size:
        detail = (
            f"from {between.from_} to {between.to}: two sizes of the log, which holds {size}, the smaller one first"
        )
        raise Trouble(400, "bad_parameter", detail, [Fault("to" if between.to > size else "from", detail)])
    async with request.reader.slices.acquire() as connection:
        hashes = await proved(connection, consistency_places(between.from_, between.to))
    roots = [await request.reader.root(one) for one in (between.from_, between.to)]
    found = Consistency(log, between.from_, roots[0], between.to, roots[1], tuple(one.hex() for one in hashes))
    return immutable(msgspec.json.encode(found), "application/json")

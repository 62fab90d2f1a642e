"""That one fact stands in the signed log (C2SP tlog-proof), and the bytes that are proved to."""

from typing import Any

import msgspec
from litestar import get

from api.http.answers import JSON, ONCE, Answer, etag_of
from api.http.asking import NoParameters, asked
from api.http.documented import answers, operation
from api.http.paths import At
from api.http.question import Ask
from api.log.asked import PLAIN_TEXT, covering
from events import merkle
from events.proof import Proof, print_proof
from events.tree import proved
from projections.as_of import AsOf


class InclusionProof(msgspec.Struct, frozen=True, rename="camel"):
    """That the leaf `index` (position − 1), whose hash is `leafHash`, stands in the log that `checkpoint` signs.

    `hashes` from the leaf's sibling upwards (RFC 9162, 2.1.3), in hex; `checkpoint` is the signed note.
    """

    index: int
    leaf_hash: str
    hashes: tuple[str, ...]
    checkpoint: str


@get(
    "/v1/events/{position:int}/proof",
    operation_class=operation(NoParameters),
    responses=answers(InclusionProof),
    tags=["log"],
)
async def proof(request: Ask, position: At) -> Answer:
    """That a fact stands in the signed log, as text (C2SP tlog-proof) or, where Accept prefers it, in JSON."""
    leaf_, moment_log = await _leaf(request, position)
    async with request.reader.slices.acquire() as connection:
        note = await covering(connection, moment_log, position)
        hashes = await proved(connection, merkle.inclusion_places(position - 1, note.size))
    if request.question.result != JSON:
        return _told(print_proof(Proof(position - 1, tuple(hashes), note.note)), PLAIN_TEXT)
    found = InclusionProof(
        position - 1, merkle.leaf_hash(leaf_).hex(), tuple(one.hex() for one in hashes), note.note.decode()
    )
    return _told(msgspec.json.encode(found), JSON)


@get(
    "/v1/events/{position:int}/leaf",
    operation_class=operation(NoParameters),
    responses=answers(dict[str, Any]),
    tags=["log"],
)
async def leaf(request: Ask, position: At) -> Answer:
    """The very bytes of a fact that are hashed and proved: SHA-256 of a zero byte and these is its leafHash."""
    return _told((await _leaf(request, position))[0], JSON)


async def _leaf(request: Ask, position: int) -> tuple[bytes, str]:
    """The bytes of a fact, and the log that it stands in; Trouble where there is none."""
    asked(request.question.parameters, NoParameters)
    moment = await request.reader.meant(AsOf())
    if not 1 <= position <= moment.position:
        raise request.reader.beyond(position, moment)
    async with request.reader.slices.acquire() as connection:
        entry: bytes = await connection.fetchval("SELECT entry FROM events WHERE position = $1", position)
    return entry, moment.log


def _told(body: bytes, media_type: str) -> Answer:
    headers = {"Content-Type": media_type, "Cache-Control": "no-cache", "ETag": etag_of(body)}
    return Answer(body, headers, ONCE)

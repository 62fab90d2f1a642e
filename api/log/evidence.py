"""An answer to keep: with the checkpoint that covers it, and the proof that the one goes on from the other."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from msgspec import Meta

from api.http.answers import ONCE, Answer
from api.http.asking import asked
from api.http.clients import unless_gone
from api.http.documented import answers, operation
from api.http.front import Collected
from api.http.question import Ask, Asked, Credentials, handed, question_of
from api.log.asked import covering
from api.services.problems import Fault, Trouble
from events.evidence import ReadAt, SavedAnswer, print_evidence, read_at
from events.merkle import consistency_places
from events.note import FormatError
from events.notes import vkey_of
from events.tree import proved

COVERED_WITHIN: Final = 3.0  # seconds in which a note usually covers what was recorded just now
AGAIN_AFTER: Final = 0.1
_OF_THE_CONNECTION: Final = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path")
_HEADERS: Final = {
    b"host": b"localhost",
    b"accept": b"application/json, */*;q=0.1",
}  # what is no JSON is told otherwise


class Saving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which answer to keep."""

    of: Annotated[
        str,
        Meta(
            description="An address below /v1/ that answers in JSON, with its query; best one with both clocks, as "
            "`meta.self` has it.",
            max_length=8_000,
            examples=["/v1/plans/shanghai-credit-2023/tasks/21"],
        ),
    ]


@get("/v1/evidence", operation_class=operation(Saving), responses=answers(SavedAnswer), tags=["log"])
async def evidence(request: Ask) -> Answer:
    """An answer with what proves from which log it was read: to be kept, and judged by `planrecord audit`."""
    address = asked(request.question.parameters, Saving).of
    answered = await _answered(request, address)
    if answered.status != 200:  # noqa: PLR2004
        headers = {name.decode(): value.decode("latin-1") for name, value in answered.headers}
        return Answer(answered.content, headers, ONCE, answered.status)
    try:
        pinned = read_at(answered.content).address
        if pinned and pinned != address:  # so that whoever asks for the address is answered the same
            address, answered = pinned, await _answered(request, pinned)
        said = read_at(answered.content)
    except FormatError as error:
        raise _unfit("what is answered there names no size of the log: keep an answer that has `meta`") from error
    with request.reader.waiting():
        made = await unless_gone(request.receive, _proved(request, address, answered.content, said))
    name = f"planrecord-{request.reader.head.log[:8]}-p{said.position}.evidence"
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Answer(print_evidence(made), headers, ONCE)


async def _answered(request: Ask, address: str) -> Collected:
    """What a question of the address is answered, as if it had been asked at the door."""
    path, _, query = address.partition("?")
    wanted = "give an address that begins with /v1/, percent-encoded, without the server's name"
    if not path.startswith("/v1/") or not address.isascii():
        raise _unfit(wanted)
    connection: Mapping[str, Any] = request.scope  # type: ignore[assignment]
    given = {name: connection[name] for name in _OF_THE_CONNECTION if name in connection}
    scope: dict[str, Any] = {
        **given,
        "method": "GET",
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
    }
    question = question_of(scope, _HEADERS)
    if question.path == "/v1/evidence":  # however it is spelt: evidence of evidence would have no end
        raise _unfit(wanted)
    if question.waits:
        raise _unfit("an answer that is waited for cannot be kept: leave waitSeconds out")
    collected = Collected()
    inner = handed(scope, Asked(question, b"", Credentials(), request.reader, request.trace, request.listener))
    await request.app(inner, request.receive, collected)  # type: ignore[arg-type]
    if collected.parts:
        raise _unfit("a whole list cannot be kept: leave the suffix out, and keep page by page")
    return collected


async def _proved(request: Ask, of: str, body: bytes, said: ReadAt) -> SavedAnswer:
    """The answer with the note that covers it, for which a moment may be waited."""
    log, end = request.reader.head.log, asyncio.get_running_loop().time() + COVERED_WITHIN
    while True:
        try:
            async with request.reader.slices.acquire() as connection:
                if await vkey_of(connection, log) is None:
                    return SavedAnswer(of=of, answer=body.decode(), note=None)
                note = await covering(connection, log, said.position)
                hashes = await proved(connection, consistency_places(said.position, note.size))
        except Trouble as trouble:
            if trouble.code != "not_yet" or asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(AGAIN_AFTER)
            continue
        proof = tuple(one.hex() for one in hashes)
        return SavedAnswer(of=of, answer=body.decode(), note=note.note.decode(), consistency=proof)


def _unfit(detail: str) -> Trouble:
    return Trouble(400, "bad_parameter", detail, [Fault("of", detail)])

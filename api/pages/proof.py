"""What the record is proved by: the log's name, its root, the checkpoint that covers it, and the key to compare."""

from litestar import get

from api.http.answers import ONCE, Answer, etag_of
from api.http.question import Ask
from api.pages.drawing import drawn
from api.pages.visit import PageQuery, Visit
from events.checkpoint import Checkpoint, parse_checkpoint
from events.note import VerifierKey, parse_note
from events.notes import covering_note, signed_since, vkey_of


@get("/proof", include_in_schema=False)
async def proof_page(request: Ask) -> Answer:
    """The facts of the log at a moment, and how an outsider checks them."""
    visit = Visit(request, PageQuery)
    moment = await request.reader.moment(visit.asked)
    async with request.reader.pool.acquire() as connection:
        vkey = await vkey_of(connection, moment.log)
        note = await covering_note(connection, moment.log, moment.position)
        since = await signed_since(connection, moment.log)
    clocks = f"position={moment.position}&effectiveOn={moment.effective_on}"
    page = drawn(
        "proof.html",
        visit,
        moment,
        json=f"/v1/events?after={moment.position - 1}&{clocks}",
        feed="/feeds/events.atom",
        script=note is not None,
        key=VerifierKey.parse(vkey) if vkey else None,
        note=note.note.decode() if note else None,
        signed=_checkpoint(note.note) if note else None,
        since=since,
        site=request.app.state.base.whole(""),
        published_at=request.app.state.key_published_at,
    )
    # A later checkpoint is shown in the place of this one though the log has not grown.
    page.stays = ONCE
    page.headers.update({"Cache-Control": "no-cache", "ETag": etag_of(page.content)})
    return page


def _checkpoint(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)

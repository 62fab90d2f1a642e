"""What the auditors' addresses share: whose log is asked for, what is immutable, and what is not signed yet."""

from typing import Final

from api.http.answers import ALWAYS, Answer, etag_of
from api.http.question import Ask
from api.services.problems import Trouble, echo
from events.database import Connection
from events.notes import PublishedNote, covering_note, vkey_of

PLAIN_TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
FOR_EVER: Final = "public, max-age=31536000, immutable"


async def own_log(request: Ask, log: str) -> None:
    """Trouble unless the log that an address names is the one that is served; the head is then the newest."""
    head = request.reader.head
    await head.current()
    if log != head.log:
        detail = f"there is no log {echo(log)} here: this is {head.log}, of which /v1/events tells what it continues"
        raise Trouble(404, "unknown_id", detail)


def immutable(body: bytes, media_type: str = BYTES) -> Answer:
    """The log's own bytes, which never change: whoever has them need never ask again."""
    headers = {"Content-Type": media_type, "Cache-Control": FOR_EVER, "ETag": etag_of(body)}
    return Answer(body, headers, ALWAYS)


async def covering(connection: Connection, log: str, size: int) -> PublishedNote:
    """A note that covers so many facts; Trouble 404 if there is none yet, or nobody signs."""
    note = await covering_note(connection, log, size)
    if note is None and await vkey_of(connection, log) is None:
        raise not_signed()
    if note is None:
        raise not_yet(f"no checkpoint covers {size} facts yet: one does in a second", seconds=1)
    return note


def not_signed() -> Trouble:
    """Why there is no key and no note."""
    return Trouble(404, "not_signed", "nobody signs this log: its operator can, by `planrecord publish --first`")


def not_yet(detail: str, *, seconds: int) -> Trouble:
    """Why it has to be asked for again."""
    return Trouble(404, "not_yet", detail, Retry_After=str(seconds))

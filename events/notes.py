"""The notes of a log, as its database has them: the newest one and, for ever, the last one of each minute.

Nothing is signed that is not proved to go on from all that was signed before (`sign_head`).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from events import merkle
from events.checkpoint import Checkpoint, NotSigned, open_checkpoint, print_checkpoint
from events.database import Connection, statement
from events.note import FormatError, SigningKey, print_note
from events.tree import NodesMissing, proved, root_at

T = TypeVar("T")
_LAST: Final = "SELECT size, note, kept FROM notes WHERE log = $1 ORDER BY size DESC LIMIT 1"
_FIRST_KEPT: Final = "SELECT size, note, kept FROM notes WHERE log = $1 AND size >= $2 AND kept ORDER BY size LIMIT 1"
_KEEP: Final = """
    UPDATE notes SET kept = true
    WHERE log = $1 AND NOT kept AND date_trunc('minute', signed_at) < date_trunc('minute', clock_timestamp())"""


class SigningRefused(Exception):
    """The log as it is now must not be signed; the message says why, and what its operator can do."""


class PublishedNote(NamedTuple):
    """A note, the size that it is of, and whether it stays for ever."""

    size: int
    note: bytes
    kept: bool


async def last_note(connection: Connection, log: str) -> PublishedNote | None:
    """The newest note of a log."""
    row = await connection.fetchrow(_LAST, log)
    return PublishedNote(*row) if row else None


async def kept_note(connection: Connection, log: str, size: int) -> PublishedNote | None:
    """The first note of at least this size that stays for ever."""
    row = await connection.fetchrow(_FIRST_KEPT, log, size)
    return PublishedNote(*row) if row else None


async def covering_note(connection: Connection, log: str, size: int) -> PublishedNote | None:
    """The first kept note that covers so many facts; until there is one the newest, if that does."""
    kept = await kept_note(connection, log, size)
    if kept:
        return kept
    last = await last_note(connection, log)
    return last if last and last.size >= size else None


async def signed_since(connection: Connection, log: str) -> datetime | None:
    """When the first note of a log was signed that is still there."""
    since: datetime | None = await connection.fetchval(
        "SELECT signed_at FROM notes WHERE log = $1 ORDER BY size LIMIT 1", log
    )
    return since


async def vkey_of(connection: Connection, log: str) -> str | None:
    """The key that verifies a log's notes; None where nobody signs it."""
    vkey: str | None = await connection.fetchval("SELECT vkey FROM log_keys WHERE log = $1", log)
    return vkey


async def name_key(connection: Connection, log: str, vkey: str) -> None:
    """Name the key that verifies a log's notes, unless one was named: it is for life."""
    await connection.execute("INSERT INTO log_keys (log, vkey) VALUES ($1, $2) ON CONFLICT DO NOTHING", log, vkey)


async def keep_ended(connection: Connection, log: str) -> None:
    """Keep the newest note for ever, if it was the last of its minute."""
    await connection.execute(_KEEP, log)


async def sign_head(
    connection: Connection, key: SigningKey, known: bytes | None, keep: Callable[[bytes], Awaitable[None]]
) -> Checkpoint:
    """Sign the log as it is now, unless that was done, and publish the note; SigningRefused and nothing was signed.

    `known` is the last note that is kept outside the database. `keep` puts another in its place before anybody sees it.
    """
    last = await last_note(connection, key.name.rpartition("/")[2])
    notes = {note: _own(note, key) for note in (known, last.note if last else None) if note}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        here = await _head(connection, key.name)
        for one in notes.values():
            await _check_goes_on(connection, one, here)
    signed = max(notes.values(), key=lambda one: one.size, default=None)
    if known and (not last or last.size < notes[known].size):  # one that nobody has seen: we were killed before
        await _publish(connection, notes[known], known)
    if signed and signed.size == here.size:
        return signed
    note = print_note(key.sign(print_checkpoint(here)))
    await keep(note)
    await _publish(connection, here, note)
    return here


async def _publish(connection: Connection, checkpoint: Checkpoint, note: bytes) -> None:
    await connection.execute(statement("note"), checkpoint.log, checkpoint.size, note)


def _own(note: bytes, key: SigningKey) -> Checkpoint:
    try:
        return open_checkpoint(note, key.public)
    except (FormatError, NotSigned) as error:
        raise SigningRefused(f"a note that should be the log's own is not: {error}") from error


async def _head(connection: Connection, name: str) -> Checkpoint:
    row = await connection.fetchrow("SELECT origin, log, size, frontier FROM log_head")
    assert row is not None  # noqa: S101 - migrate() has made the one row
    here = Checkpoint(f"{row['origin']}/{row['log']}", row["size"], merkle.root(tuple(row["frontier"])))
    if here.origin != name:
        raise SigningRefused(f"the key is that of {name}, and the log is {here.origin}")
    if await _there(root_at(connection, here.size)) != here.root:
        raise SigningRefused(
            f"the tree of the log does not have the root that its head keeps at {here.size}: run verify"
        )
    return here


async def _check_goes_on(connection: Connection, signed: Checkpoint, here: Checkpoint) -> None:
    """SigningRefused unless the log as it is now begins with what was signed."""
    advice = "restore a later backup, or start `planrecord serve --as-new-log` once"
    if here.size < signed.size:
        raise SigningRefused(f"the log holds {here.size} facts, and {signed.size} were signed: {advice}")
    hashes = await _there(proved(connection, merkle.consistency_places(signed.size, here.size)))
    try:
        merkle.check_consistency(signed.size, signed.root, here.size, here.root, hashes)
    except merkle.NotProved as error:
        raise SigningRefused(
            f"the {here.size} facts of the log are not those of which {signed.size} were signed: {advice}"
        ) from error


async def _there(found: Awaitable[T]) -> T:
    """What is made of the tree's nodes, if they are there."""
    try:
        return await found
    except NodesMissing as error:
        raise SigningRefused(f"{error}: run verify") from error

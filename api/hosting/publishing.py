"""The publisher: signs the log beside the appender, at most a second behind it, from one process at a time.

A process that has the log's key takes the advisory lock and signs; each other one looks every second how far it is.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import asyncpg

from api.hosting.heads import head_of
from api.hosting.keys import KeyFolder, KeyUnusable, key_folder
from api.hosting.settings import Settings
from events.database import FAREWELL, GONE, Connection, close, connect
from events.head import Head
from events.note import SigningKey
from events.notes import SigningRefused, keep_ended, last_note, name_key, sign_head, vkey_of

SIGNING: Final = 2023032803  # the advisory lock of who signs
BETWEEN_NOTES: Final = 0.25  # seconds between two notes,
LOOKS: Final = 1.0  # and between two looks where nothing is signed
FIRST: Final = "`planrecord publish --first` signs it for the first time, if you know that nobody has signed more"

log = logging.getLogger("planrecord")


class Published:
    """How far the log is signed: the `size` of its last note (None: nobody signs it), and why it is not signed, if so.

    `signs`: this process does it.
    """

    def __init__(self, head: Head) -> None:
        self.size: int | None = None
        self.refusal: str | None = None
        self.signs = False
        self._head = head
        self._late_since: float | None = None

    @property
    def lag(self) -> float:
        """The seconds for which the log has been larger than its last note, as far as this process has looked."""
        self.look()
        return time.monotonic() - self._late_since if self._late_since else 0.0

    def look(self) -> None:
        """See whether the log is larger than its last note."""
        if self.size is None or self.size >= self._head.size:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = time.monotonic()


async def make_first_key(connection: Connection, settings: Settings) -> None:
    """Make the key of a log that is empty, and has none: nobody can have signed more of it. KeyUnusable."""
    here = await head_of(connection)
    if here.size == 0 and await vkey_of(connection, here.log) is None:
        await sign_first(connection, settings)


async def sign_first(connection: Connection, settings: Settings) -> SigningKey:
    """Sign the log with no note outside the database to go on from, with the key that is here or a new one.

    SigningRefused, KeyUnusable.
    """
    here = await head_of(connection)
    folder = key_folder(settings, here.log)
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", SIGNING):
        raise SigningRefused("another process signs this log")
    try:
        if signed := folder.signed():
            raise SigningRefused(f"the log was signed before, up to {signed.size} facts, as {folder.note_file} says")
        vkey, own = await vkey_of(connection, here.log), folder.key()
        if vkey and not own:
            raise SigningRefused(f"the log has a key, {vkey}, and it is not in {folder.path}: put it there")
        key = own or folder.make(f"{here.origin}/{here.log}")
        await name_key(connection, here.log, str(key.public))
        await _check_named(connection, key, folder)
        await sign_head(connection, key, None, partial(_keep, folder))
        return key
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", SIGNING)


@asynccontextmanager
async def publishing(settings: Settings, dsn: str, head: Head) -> AsyncGenerator[Published]:
    """Have the log signed for as long as the block lasts, by this process or another; at its end it is once more."""
    published = Published(head)
    task = asyncio.create_task(_run(published, key_folder(settings, head.log), dsn, head))
    try:
        yield published
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(*GONE, asyncpg.PostgresError):
            async with asyncio.timeout(FAREWELL):
                await _last(published, key_folder(settings, head.log), dsn)


async def _last(published: Published, folder: KeyFolder, dsn: str) -> None:
    """Sign what was recorded since the last note, before this process ends, unless another signs."""
    if _has_key(published, folder):
        connection = await connect(dsn)
        try:
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", SIGNING):
                await _sign(published, folder, connection)
        finally:
            await close(connection)


async def _run(published: Published, folder: KeyFolder, dsn: str, head: Head) -> None:
    while True:
        try:
            connection = await connect(dsn)
            try:
                await _publish_over(published, folder, connection, head)
            finally:
                await close(connection)  # a server that was hung up on holds the lock for a while yet
        except (*GONE, asyncpg.PostgresError) as error:
            log.debug("the log is not signed for now: %s", error)
        published.signs = False
        await asyncio.sleep(LOOKS)


async def _publish_over(published: Published, folder: KeyFolder, connection: Connection, head: Head) -> None:
    """Sign over a connection, which holds the lock, or look how far others are; until it is lost."""
    while True:
        if not published.signs and _has_key(published, folder):
            published.signs = await connection.fetchval("SELECT pg_try_advisory_lock($1)", SIGNING)
        if published.signs:
            await _sign(published, folder, connection)
        else:
            await _look(published, connection, head)
        published.look()
        await asyncio.sleep(BETWEEN_NOTES if published.signs and not published.refusal else LOOKS)
        if published.signs and not published.refusal:
            await head.grow(published.size or 0, LOOKS)


def _has_key(published: Published, folder: KeyFolder) -> bool:
    try:
        return folder.key() is not None
    except KeyUnusable as error:
        _refuse(published, str(error))
        return False


async def _sign(published: Published, folder: KeyFolder, connection: Connection) -> None:
    """Sign what is new, and tell everybody where that is refused."""
    try:
        key, note = _at_hand(folder)
        await name_key(connection, folder.path.name, str(key.public))  # an older backup may not hold it
        await _check_named(connection, key, folder)
        published.size = (await sign_head(connection, key, note, partial(_keep, folder))).size
        await keep_ended(connection, folder.path.name)
    except (SigningRefused, KeyUnusable, asyncpg.DiskFullError) as error:
        _refuse(published, str(error))
    else:
        published.refusal = None
    await connection.execute(
        "UPDATE log_keys SET refusal = $2 WHERE log = $1 AND refusal IS DISTINCT FROM $2",
        folder.path.name,
        published.refusal,
    )


async def _check_named(connection: Connection, key: SigningKey, folder: KeyFolder) -> None:
    vkey = await vkey_of(connection, folder.path.name)
    if vkey != str(key.public):
        raise SigningRefused(f"the log is signed by the key {vkey}, and the one in {folder.path} is another")


def _at_hand(folder: KeyFolder) -> tuple[SigningKey, bytes]:
    key, note = folder.key(), folder.note()
    if key is None or note is None:
        raise SigningRefused(f"there is a key in {folder.path}, and no note that was published last: {FIRST}")
    return key, note


async def _look(published: Published, connection: Connection, head: Head) -> None:
    """See how far whoever signs has come."""
    last = await last_note(connection, head.log)
    published.size = last.size if last else None
    refusal = await connection.fetchval("SELECT refusal FROM log_keys WHERE log = $1", head.log)
    if refusal or not published.refusal:
        published.refusal = refusal


async def _keep(folder: KeyFolder, note: bytes) -> None:
    try:
        await asyncio.to_thread(folder.keep, note)
    except OSError as error:
        raise KeyUnusable(f"the note cannot be kept in {folder.path}: {error.strerror}") from error


def _refuse(published: Published, why: str) -> None:
    if published.refusal != why:
        log.error("the log is not signed: %s", why)
    published.refusal = why

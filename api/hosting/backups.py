"""Backups: a folder with `backup.json`, which says what is in it and whose record it is, and the files that it names.

A base backup holds PostgreSQL's own, in `base` with its manifest. It is bound to PostgreSQL's major version. A logical
one holds the log as files, in `log`, and of everything that can be made anew nothing.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import asyncpg
import msgspec

from api.hosting.heads import (
    Acknowledged,
    LogHead,
    acknowledge,
    every_known,
    had_root,
    head_of,
    last_known,
    shared,
    vouched_for,
)
from api.hosting.opening import OtherRecord, OtherRelease, opened
from api.hosting.settings import Settings
from api.postgres import CopyFailed, FolderInUse, PostgresFailed, copy_cluster, new_cluster
from api.postgres.binaries import shipped
from api.postgres.copies import MANIFEST, Done, unreadable
from api.postgres.errors import no_room, usable
from api.postgres.lock import Lock
from domain.misfit import misfit
from domain.values import Sha256, instant_text
from events.audit import Progress, audit
from events.database import Connection, undisturbed
from events.schema import migrate, origin_of
from events.transfer import FILES, LogHeadRow, NotTransferred, read_log, write_log

DESCRIPTION: Final = "backup.json"
COPY: Final = "base"
LOG_FILES: Final = "log"
HEAD_ROW: Final = "head.json"
MANIFEST_FILE: Final = f"{COPY}/{MANIFEST}"
_OF_A_FOLDER: Final = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
}


class BackupRefused(Exception):
    """What was asked for cannot be done here; the message says what can."""


class Backup(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a backup says of itself. `size` and `root` (hex) are of the head when it was begun: it holds that at least.

    `planrecord` and `postgres` are the releases that made it, `files` the SHA-256 of each file that it vouches for.
    """

    format: Literal["planrecord-backup.v1"] = "planrecord-backup.v1"
    kind: Literal["base", "logical"]
    made_at: str
    planrecord: str
    postgres: str
    origin: str
    log: str
    size: int
    root: Sha256
    files: Mapping[str, Sha256]


class Restored(msgspec.Struct, frozen=True):
    """The log that was restored, as found from its leaves. `lacks` what had been acknowledged; None: nobody knows."""

    log: str
    size: int
    root: str
    lacks: bool | None = None


async def back_up(settings: Settings, folder: Path, done: Done, *, logical: bool = False) -> Backup:
    """Make a backup of the record, whether it is being served or not; `folder` is new or empty.

    BackupRefused, CopyFailed; nothing is left behind unless this process is killed, and then `folder` is not there.
    """
    if settings.database_url and not logical:
        raise BackupRefused(
            "DATABASE_URL names a server that is not planrecord's own: have its base backups made by its own tools "
            "(pg_basebackup, or whoever runs it), or make one with --logical"
        )
    with _making(folder) as making:
        async with opened(settings, purpose="copy") as (dsn, own), undisturbed(dsn) as connection:
            if own and own.data in (making / COPY).parents:
                raise BackupRefused(f"{folder} lies inside the database that is to be copied: name another folder")
            server = await connection.fetchval("SHOW server_version")
            if logical:
                head = await _write_files(connection, making / LOG_FILES, done)
            else:
                head = await _head(connection)
                assert own  # noqa: S101 - it is not DATABASE_URL's
                await copy_cluster(own, making / COPY, done)
        names = [f"{LOG_FILES}/{one}" for one in (HEAD_ROW, *FILES)] if logical else [MANIFEST_FILE]
        made = Backup(
            kind="logical" if logical else "base",
            made_at=instant_text(datetime.now(UTC)),
            planrecord=version("planrecord"),
            postgres=server.split()[0],
            files={name: await asyncio.to_thread(_digest, making / name) for name in names},
            **head._asdict(),
        )
        _write(making / DESCRIPTION, msgspec.json.format(msgspec.json.encode(made)))
        return made


async def _write_files(connection: Connection, folder: Path, done: Done) -> LogHead:
    """The log as files, of one state; nobody who writes waits for it."""
    _make(folder)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        head = await _head(connection)
        row = await write_log(connection, folder, _counted(head.size, done))
    _write(folder / HEAD_ROW, msgspec.json.format(msgspec.json.encode(row)))
    for name in FILES:
        _sync(folder / name)
    _sync(folder)
    return head


def _counted(size: int, done: Done) -> Progress:
    """Tell by counting facts how much is done."""
    gone = 0

    def count(more: int) -> None:
        nonlocal gone
        gone += more
        done(min(gone / max(size, 1), 1))

    return count


async def restore(settings: Settings, folder: Path, done: Done) -> Restored:
    """Make the data folder's record anew from a backup; it gets its place once its whole log was found to be right.

    BackupRefused and OtherRecord for what was not meant, CopyFailed for a backup that is not what it was; the data
    folder has no record then, as before.
    """
    backup = description(folder)
    base = backup.kind == "base"
    if base and settings.database_url:
        raise BackupRefused(
            f"{folder} is a base backup, which only a data folder can be made from: unset DATABASE_URL, or have that "
            f"server's own tools restore its own backups; one that is made with --logical any server takes"
        )
    if base:
        _check_major(backup, folder)
    if settings.origin not in {None, backup.origin}:
        raise OtherRecord(f"{folder} holds the record {backup.origin}, not {settings.origin}")
    if not settings.database_url:
        _check_log(backup, folder, settings.data_dir)
    source = folder / COPY if base else None

    def half(share: float) -> None:
        done(share / 2)

    async with _place(settings, source, half) as dsn, undisturbed(dsn) as connection:
        async with connection.transaction(isolation="repeatable_read"):
            if not base:
                await _read_files(connection, folder, backup.size, half)
            found = await _proved(connection, backup, folder, lambda share: done(0.5 + share / 2))
        return await _noted(connection, settings, backup.origin, found)


@asynccontextmanager
async def _place(settings: Settings, source: Path | None, done: Done) -> AsyncGenerator[str]:
    """Where the record is to be: a new cluster for the data folder, or a database that holds none."""
    if not settings.database_url:
        async with new_cluster(settings.data_dir, source, done) as dsn:
            if source is None:
                await migrate(dsn, None)
            yield dsn
        return
    async with undisturbed(settings.database_url) as connection:
        if await origin_of(connection) is not None:
            raise BackupRefused(
                "the database of DATABASE_URL holds a record already, and nothing is written over it: name an empty one"
            )
    await migrate(settings.database_url, None)
    yield settings.database_url


async def _read_files(connection: Connection, folder: Path, size: int, done: Done) -> None:
    try:
        head = msgspec.json.decode((folder / LOG_FILES / HEAD_ROW).read_bytes(), type=LogHeadRow)
        await read_log(connection, folder / LOG_FILES, head, _counted(size, done))
    except (NotTransferred, msgspec.DecodeError) as error:
        raise CopyFailed(f"the log in {folder} cannot be read, take another backup: {error}") from error


async def _noted(connection: Connection, settings: Settings, origin: str, found: Restored) -> Restored:
    """Note beside the place that the log was put back, before it is, and what it is known to lack."""
    data = settings.data_dir
    kept, known = last_known(data, found.log), vouched_for(settings, found.log)
    lacks = await shared(connection, known) is not None
    new = Acknowledged(log=found.log, origin=origin, size=found.size, root=found.root)
    with usable(data):
        acknowledge(data, msgspec.structs.replace(kept if kept and lacks else new, restored=True))
    return msgspec.structs.replace(found, lacks=lacks if known else None)


def _check_log(backup: Backup, folder: Path, data: Path) -> None:
    """OtherRecord where the data folder was that of other logs."""
    logs = [one.log for one in every_known(data)]
    if logs and backup.log not in logs:
        raise OtherRecord(
            f"{folder} holds the log {backup.log}, and {data} was the place of {', '.join(logs)}: name another data "
            f"folder"
        )


def description(folder: Path) -> Backup:
    """What a backup says of itself, once the files that it vouches for are what they were."""
    try:
        backup = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=Backup)
        changed = [name for name, digest in backup.files.items() if _digest(folder / name) != digest]
    except FileNotFoundError as error:
        if not (folder / DESCRIPTION).exists():
            raise BackupRefused(f"{folder} is no backup of planrecord's: there is no {DESCRIPTION} in it") from error
        raise CopyFailed(f"{error.filename} is missing: the backup is damaged, take another") from error
    except NotADirectoryError as error:
        raise BackupRefused(f"{folder} is no folder") from error
    except OSError as error:
        raise unreadable(error) from error
    except msgspec.ValidationError as error:
        found = misfit(error, Backup)
        raise BackupRefused(
            f"{folder}/{DESCRIPTION} is of another release, or no backup's: {found.pointer}: {found.sentence}"
        ) from error
    except msgspec.DecodeError as error:
        raise CopyFailed(f"{folder}/{DESCRIPTION} is damaged ({error}): take another backup") from error
    if changed:
        raise CopyFailed(f"{folder}/{changed[0]} was altered: take another backup")
    return backup


def _check_major(backup: Backup, folder: Path) -> None:
    major, ours = backup.postgres.partition(".")[0], shipped().major
    if major != ours:
        raise BackupRefused(
            f"{folder} was made by PostgreSQL {major}, and this planrecord brings {ours}: restore it with planrecord "
            f"{backup.planrecord}, which made it, and have that one run `planrecord backup --logical DIR`, which this "
            f"one restores"
        )


async def _head(connection: Connection) -> LogHead:
    try:
        return await head_of(connection)
    except asyncpg.UndefinedColumnError as error:
        raise OtherRelease(
            "the record was left by a release whose logs had no identity: start `planrecord serve` once, "
            "which brings it up to date"
        ) from error


async def _proved(connection: Connection, backup: Backup, folder: Path, done: Done) -> Restored:
    """Hash the whole log; CopyFailed unless it is right in itself, and the one that was backed up."""
    told: list[str] = []
    head = await _head(connection)
    found = await audit(connection, told.append, _counted(head.size, done))
    if (head.log, head.origin) != (backup.log, backup.origin):
        told.append(f"it holds the log {head.log} of {head.origin}, not {backup.log} of {backup.origin}")
    elif not told and not await had_root(connection, found.size, backup.size, backup.root):
        told.append(f"its log of {found.size} facts does not begin with the {backup.size} that were backed up")
    if told:
        more = f"\n… and {len(told) - 10:,} more" * (len(told) > 10)  # noqa: PLR2004 - enough to see what it is about
        raise CopyFailed("\n".join([f"the record in {folder} is not right, take another backup:", *told[:10]]) + more)
    return Restored(head.log, found.size, found.root.hex())


@contextmanager
def _making(folder: Path) -> Generator[Path]:
    """A private folder beside `folder`, which gets its name when the block ends well; else nothing is left of it."""
    making = folder.resolve().with_name(f"{folder.resolve().name}.new")
    try:
        with _taken(folder, making):
            making.chmod(0o700)
            for left in making.iterdir():  # by one that was killed
                if left.name != "lock":
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            try:
                yield making
                _sync(making)
                (making / "lock").unlink()
                making.rename(folder)
                _sync(folder.parent)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
    except OSError as error:
        if error.errno not in _OF_A_FOLDER:
            raise  # the database's
        raise _unwritable(making, error) from error


def _taken(folder: Path, making: Path) -> Lock:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupRefused(f"{folder} is there already, and no backup is written over it: name a new folder")
    if making.exists() and not (making / "lock").exists():
        raise BackupRefused(f"{making} is there, and is not planrecord's: move it away")
    lock = Lock.take(making)
    if lock is None:
        raise FolderInUse(folder, Lock.holder(making), "another backup is being made there: name another folder")
    return lock


def _unwritable(making: Path, error: OSError) -> PostgresFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return no_room(making.parent)
    return CopyFailed(f"{error.filename or making} cannot be written ({error.strerror}): name another folder")


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as written:
        os.fchmod(written.fileno(), 0o600)
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700)


def _sync(place: Path) -> None:
    """Have a file, or the names in a folder, outlast a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _digest(file: Path) -> str:
    with file.open("rb") as read:
        return file_digest(read, "sha256").hexdigest()

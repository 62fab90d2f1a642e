"""How far each log had come that was served from a data folder, kept outside its database: `heads/{log}.json`.

A database that is put back may lack what was acknowledged; this file tells. It is at most a second old while the log is
served. Where the log is signed, the last note that was published says the same (`keys.py`), and both must be in it.
"""

import asyncio
import fcntl
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from api.hosting.keys import key_folder, replace_file
from api.hosting.settings import Settings
from domain.values import Sha256
from events import merkle
from events.database import FAREWELL, GONE, Connection
from events.head import Head
from events.tree import NodesMissing, root_at

HEADS: Final = "heads"
PACE: Final = 0.5  # seconds between two looks at the head

log = logging.getLogger("planrecord")


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was acknowledged last of a log: its size and root (hex).

    `restored`: its database was put back since, so that what was acknowledged later may be lost, whoever knows.
    """

    log: str
    origin: str
    size: int
    root: Sha256
    planrecord: str = msgspec.field(default_factory=lambda: version("planrecord"))
    restored: bool = False


class Vouched(NamedTuple):
    """A size that a log had, its root then (hex), what was `done` with so many facts, and the file that says so."""

    size: int
    root: str
    done: str
    file: Path


class LogHead(NamedTuple):
    """Which log a database holds, and how far it has come."""

    origin: str
    log: str
    size: int
    root: str


class Shared(NamedTuple):
    """The last size that the log here and the one that was acknowledged are known to share, and the root there."""

    size: int
    root: str


class FactsMissing(Exception):
    """The log lacks facts that were acknowledged, or has others in their place."""


async def head_of(connection: Connection) -> LogHead:
    """The head of the log that the database holds."""
    row = await connection.fetchrow("SELECT origin, log, size, frontier FROM log_head")
    assert row is not None  # noqa: S101 - migrate() has made the one row
    return LogHead(row["origin"], row["log"], row["size"], merkle.root(tuple(row["frontier"])).hex())


async def had_root(connection: Connection, size: int, earlier: int, root: str) -> bool:
    """Whether the log of that size had this root at an earlier one."""
    try:
        return earlier <= size and (await root_at(connection, earlier)).hex() == root
    except NodesMissing:
        return False


async def shared(connection: Connection, known: Iterable[Vouched]) -> Shared | None:
    """How much of what is vouched for is here, where that is not all of it, as far as it is known; else None."""
    here, found = await head_of(connection), list[Shared]()
    for one in known:
        if here.size < one.size:
            found.append(Shared(here.size, here.root))  # a copy that is older: nothing says that it went on by itself
        elif not await had_root(connection, here.size, one.size, one.root):
            found.append(Shared(0, merkle.root(()).hex()))
    return min(found, default=None)


async def check_acknowledged(connection: Connection, settings: Settings) -> None:
    """FactsMissing unless the log holds all that is known to have been acknowledged of it, or signed."""
    here = await head_of(connection)
    for one in vouched_for(settings, here.log):
        if await shared(connection, [one]) is None:
            continue
        there = f"{one.file} says that {one.size} were {one.done}"
        if here.size < one.size:
            what = f"the record ends at {here.size} facts, and {there}"
        else:
            what = f"the record holds {here.size} facts, and others than {there}"
        raise FactsMissing(
            f"{what}: restore a later backup, or, if there is none, start `planrecord serve --as-new-log` once, which "
            f"gives the log an identity of its own and records what it continues"
        )


def vouched_for(settings: Settings, name: str) -> list[Vouched]:
    """What is known outside the database of how far a log had come; FactsMissing, KeyUnusable for a damaged file."""
    kept, folder = last_known(settings.data_dir, name), key_folder(settings, name)
    signed = folder.signed()
    found = [Vouched(kept.size, kept.root, "acknowledged", file_of(settings.data_dir, name))] if kept else []
    return found + ([Vouched(signed.size, signed.root.hex(), "signed", folder.note_file)] if signed else [])


def file_of(folder: Path, name: str) -> Path:
    """Where it is kept what was acknowledged of a log."""
    return folder / HEADS / f"{name}.json"


def last_known(folder: Path, name: str) -> Acknowledged | None:
    """What was acknowledged of a log; FactsMissing for a file that does not say."""
    file = file_of(folder, name)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Acknowledged)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise FactsMissing(
            f"{file} should say what was acknowledged last, and cannot be read ({error}): mend it, or move it away if "
            f"you know that nothing is missing"
        ) from error


def every_known(folder: Path) -> list[Acknowledged]:
    """What was acknowledged of the logs that were served from a data folder."""
    found = [last_known(folder, file.stem) for file in sorted((folder / HEADS).glob("*.json"))]
    return [one for one in found if one]


def acknowledge(folder: Path, new: Acknowledged) -> None:
    """Keep it for good, unless more is known already: several processes may serve one log. OSError."""
    place = folder / HEADS
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = last_known(folder, new.log)
        if before and before.size > new.size:
            new = msgspec.structs.replace(before, restored=new.restored)
        if before != new:
            replace_file(file_of(folder, new.log), msgspec.json.format(msgspec.json.encode(new)))


@asynccontextmanager
async def keeping(folder: Path, head: Head) -> AsyncGenerator[None]:
    """Keep what is acknowledged for as long as the block lasts, and what was at its end."""
    task = asyncio.create_task(_keep_up(folder, head))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(*GONE):
            async with asyncio.timeout(FAREWELL):  # a database that stands still keeps nobody from ending
                await head.refresh()
        await _keep(folder, head)


async def _keep_up(folder: Path, head: Head) -> None:
    told, kept = False, ("", -1)
    while True:
        if kept != (head.log, head.size):
            now = head.log, head.size
            told = not await _keep(folder, head, quiet=told)
            kept = kept if told else now
        await asyncio.sleep(PACE)


async def _keep(folder: Path, head: Head, *, quiet: bool = False) -> bool:
    new = Acknowledged(log=head.log, origin=head.origin, size=head.size, root=head.root)
    try:
        await asyncio.to_thread(acknowledge, folder, new)
    except (OSError, FactsMissing) as error:
        if not quiet:
            log.warning("what was acknowledged last cannot be kept in %s: %s", folder / HEADS, error)
        return False
    return True

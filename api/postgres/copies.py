"""A base backup of a running cluster, and a cluster made anew from one: PostgreSQL's own programs take and check it."""

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from api.postgres import server
from api.postgres.account import ENVIRONMENT, Account, mortal
from api.postgres.cluster import Cluster, dsn_of
from api.postgres.errors import FolderInUse, PostgresFailed, no_room, usable
from api.postgres.home import Home, find_home
from api.postgres.lock import Lock

MANIFEST: Final = "backup_manifest"
Done = Callable[[float], None]
"""Told how much of the work is done, from 0 to 1."""
_SHARE: Final = re.compile(rb"(\d+)/(\d+) kB")


class CopyFailed(PostgresFailed):
    """A copy of a cluster cannot be made, or is not what it was when it was made."""


async def copy_cluster(own: Cluster, into: Path, done: Done) -> None:
    """Make a base backup with its manifest in `into` (a full path), whoever is writing; CopyFailed."""
    me = await mortal(Account(os.geteuid(), os.getegid(), ()))
    arguments = ("-D", str(into), "-d", own.dsn, "--checkpoint=fast", "--manifest-checksums=SHA256", "--progress")
    said = await _carried_out((*me.prefix, str(own.binaries / "pg_basebackup"), *arguments), done)
    if said is not None:
        raise no_room(into.parent) if server.FULL in said else CopyFailed(f"no backup was made:\n{said}")


@asynccontextmanager
async def new_cluster(folder: Path, source: Path | None, done: Done) -> AsyncGenerator[str]:
    """The DSN of a cluster that is not yet the folder's: made from a base backup, or empty where that is None.

    It becomes the folder's when the block ends well; else nothing is left of it. FolderInUse; PostgresFailed for a
    folder that has a cluster; CopyFailed where the backup is not what its manifest says.
    """
    with usable(folder):
        lock = Lock.take(folder)
        if lock is None:
            raise FolderInUse(folder, Lock.holder(folder))
    with lock:
        with usable(folder):
            home = await find_home(folder)
            if home.data.exists():
                raise PostgresFailed(
                    f"{folder} holds a record already, and nothing is written over it: name a new data folder, or move "
                    f"{home.data} away and leave the rest"
                )
            await server.clear_leftovers(home)
            made = server.staged(home)
        async with made as fresh:
            await _fill(fresh, source, done)
            server.check_major(fresh)
            server.write_access(fresh)
            async with server.running(fresh, lock, {}) as (_, socket):
                yield dsn_of(socket)
            server.put_in_place(fresh.data, home.data)


async def _fill(fresh: Home, source: Path | None, done: Done) -> None:
    if source is None:
        await server.initialise(fresh)
        return
    await _bring(source, fresh, lambda share: done(share / 2))
    command = fresh.command("pg_verifybackup", "--progress", str(fresh.data))
    said = await _carried_out(command, lambda share: done(0.5 + share / 2))
    if said is not None:
        said = said.replace(str(fresh.data), str(source))
        raise CopyFailed(f"the backup in {source.parent} is damaged, take another:\n{said}")
    (fresh.data / MANIFEST).unlink()


async def _bring(source: Path, fresh: Home, done: Done) -> None:
    """Copy every file, as the cluster's user has it; what the source lacks is for the manifest to tell."""
    sizes = await asyncio.to_thread(_sizes, source)
    total = sum(sizes.values())
    if shutil.disk_usage(fresh.data.parent).free < total:
        raise no_room(fresh.data.parent)
    brought = 0
    for one, size in sizes.items():
        await asyncio.to_thread(_bring_one, one, fresh.data / one.relative_to(source), fresh.account)
        brought += size
        done(brought / total)


def _sizes(source: Path) -> dict[Path, int]:
    """The bytes of each file and folder of the source, a folder before what is in it."""
    try:
        return {one: one.stat().st_size for one in sorted(source.rglob("*"))}
    except OSError as error:
        raise unreadable(error) from error


def _bring_one(source: Path, target: Path, account: Account) -> None:
    if source.is_dir():
        target.mkdir(mode=0o700)
    else:
        try:
            file = source.open("rb")
        except OSError as error:
            raise unreadable(error) from error
        with file, usable(target.parent), target.open("xb") as copy:
            target.chmod(0o600)
            shutil.copyfileobj(file, copy, 1 << 20)
    if os.geteuid() == 0:
        os.chown(target, account.uid, account.gid)


def unreadable(error: OSError) -> CopyFailed:
    """What the system says of a file of a backup."""
    return CopyFailed(f"{error.filename} cannot be read ({error.strerror}): run as the user who made the backup")


async def _carried_out(command: tuple[str, ...], done: Done) -> str | None:
    """None once a program has ended well, or the last lines that it said; it ends with the one who waits."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd="/", env=ENVIRONMENT, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
    )
    assert process.stderr  # noqa: S101 - a pipe was asked for
    said = b""
    try:
        while some := await process.stderr.read(4096):
            said += some
            if found := _SHARE.findall(some):
                done(min(int(found[-1][0]) / max(int(found[-1][1]), 1), 1))
        code = await process.wait()
    finally:
        await server.stop(process)
    lines = [one for one in said.decode(errors="replace").replace("\r", "\n").splitlines() if " kB (" not in one]
    return None if code == 0 else "\n".join(lines[-20:])

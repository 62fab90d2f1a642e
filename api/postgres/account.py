"""The user that runs PostgreSQL, which refuses to run as root.

An ordinary user runs it as himself. Root has it run by the system user `planrecord`, which is made once.
"""

import asyncio
import os
import pwd
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

import msgspec

from api.postgres.errors import PostgresFailed

SYSTEM_USER: Final = "planrecord"
SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
# Nothing of the caller's environment reaches the server: PG… variables would change what it does.
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"}
# The kernel sends this to the server when planrecord ends, even by kill -9: a fast shutdown.
WITH_PARENT: Final = "--pdeathsig=INT"


class Account(msgspec.Struct, frozen=True):
    """The server's user. `prefix` is put before a command to run it as that user, and no longer than we live."""

    uid: int
    gid: int
    prefix: tuple[str, ...]

    async def can(self, *command: str) -> bool:
        """Whether this user can run a command: the plainest test of what he may read."""
        # setpriv keeps root's rights until it has found its program; only what that one runs in turn is a true test.
        process = await asyncio.create_subprocess_exec(
            *self.prefix, "env", *command, cwd="/", env=ENVIRONMENT, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        )
        return await process.wait() == 0


async def account_for(data: Path) -> Account:
    """Who runs the server of this cluster; as root the one who owns it, if it is there."""
    if os.geteuid() != 0:
        return await mortal(Account(os.geteuid(), os.getegid(), ()))
    uid, gid = _owner(data) or await _system_user()
    program = _find("setpriv", "install util-linux")
    return await mortal(Account(uid, gid, (program, f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--")))


async def mortal(account: Account) -> Account:
    """Let it end with our process, where the system's setpriv knows how (util-linux 2.33)."""
    program = shutil.which("setpriv", path=SYSTEM_PATH)
    if program is None:
        return account
    tied = Account(account.uid, account.gid, (program, WITH_PARENT, *(account.prefix[1:] or ("--",))))
    return tied if await tied.can("true") else account


def user_name(uid: int) -> str | None:
    """Login name of a user, if he has one: in a container a bare number may run."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _owner(data: Path) -> tuple[int, int] | None:
    try:
        found = data.stat()
    except FileNotFoundError:
        return None
    return (found.st_uid, found.st_gid) if found.st_uid else None


async def _system_user() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        await _make_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return entry.pw_uid, entry.pw_gid


async def _make_system_user() -> None:
    advice = f"make a system user named {SYSTEM_USER}"
    program = _find("useradd", advice)
    arguments = ("--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/usr/sbin/nologin")
    process = await asyncio.create_subprocess_exec(program, *arguments, SYSTEM_USER, stdin=DEVNULL, stderr=PIPE)
    _, complaint = await process.communicate()
    # Of two first starts at once the slower useradd says that the name is taken (9), and that is well.
    if process.returncode not in {0, 9}:
        raise PostgresFailed(f"{advice}: useradd could not ({complaint.decode(errors='replace').strip()})")


def _find(program: str, advice: str) -> str:
    found = shutil.which(program, path=SYSTEM_PATH)
    if found is None:
        raise PostgresFailed(
            f"PostgreSQL does not run as root, and {program}, which would give it a user of its own, is missing: "
            f"{advice}, or start planrecord as an ordinary user"
        )
    return found

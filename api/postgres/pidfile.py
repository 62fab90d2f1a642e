"""`postmaster.pid` as PostgreSQL writes it, and what the kernel says about the processes that it names."""

import os
from pathlib import Path
from typing import Final

import msgspec

PROC: Final = Path("/proc")
POSTMASTER_PID: Final = "postmaster.pid"


class Pidfile(msgspec.Struct, frozen=True):
    """Lines 1, 5 and 8: the server's pid, its socket folder, and whether it takes connections."""

    pid: int
    socket: Path
    ready: bool


def read_pidfile(data: Path) -> Pidfile | None:
    """Server that runs, or was killed, in this cluster; None where there is none or it has not said so yet."""
    try:
        lines = (data / POSTMASTER_PID).read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(lines) < 5 or not lines[0].lstrip("-").isdecimal():  # noqa: PLR2004  # still being written
        return None
    return Pidfile(pid=abs(int(lines[0])), socket=Path(lines[4]), ready=_status(lines) == "ready")


def _status(lines: list[str]) -> str:
    return lines[7].strip() if len(lines) > 7 else ""  # noqa: PLR2004  # line 8 is the status


def servers_in(data: Path) -> list[int]:
    """Every live PostgreSQL process of this cluster, backends too: each has the cluster as its working folder.

    A pid in a file may have been given to a stranger since; a working folder cannot. Empty where there is no /proc.
    """
    return [int(entry.name) for entry in PROC.glob("[0-9]*") if _is_server(entry, data)]


def _is_server(entry: Path, data: Path) -> bool:
    try:
        return (entry / "comm").read_text().strip() == "postgres" and (entry / "cwd").samefile(data)
    except OSError:  # it ended meanwhile, or belongs to another user
        return False


def seems_alive(found: Pidfile | None) -> bool:
    """Whether PostgreSQL would take the pid for a live server, as it does with the dead that nobody collected."""
    return found is not None and (PROC / str(found.pid)).is_dir()


def send(signal: int, pids: list[int]) -> None:
    """Signal each, whoever of them is left."""
    for pid in pids:
        try:
            os.kill(pid, signal)
        except ProcessLookupError:
            continue

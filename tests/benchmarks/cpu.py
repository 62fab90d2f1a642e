"""What processes take: seconds of a core, and memory, as /proc tells them."""

import os
import resource
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PARENT: Final = 1  # of the fields behind a process's name
_TIMES: Final = (11, 12, 13, 14)  # in it and in the system, its own and its ended children's


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have taken so far, those that have ended and were waited for included."""
    every = {one: _fields(Path(f"/proc/{one}")) for one in below(pid)}
    return sum(int(fields[number]) for fields in every.values() if fields for number in _TIMES) / _TICK


def ended_seconds() -> float:
    """What this process's children have taken that have ended, as a load generator has."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def below(pid: int) -> list[int]:
    """A process and all below it, itself first."""
    every = {int(path.name): _fields(path) for path in Path("/proc").glob("[0-9]*")}
    children: dict[int, list[int]] = {}
    for number, fields in every.items():
        children.setdefault(int(fields[_PARENT]) if fields else 0, []).append(number)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _fields(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rpartition(") ")[2].split()
    except OSError:  # it has ended meanwhile
        return []


def memory(pid: int, what: str = "VmRSS") -> float:
    """Megabytes that a process holds now (VmRSS), or held at most (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) / 1024

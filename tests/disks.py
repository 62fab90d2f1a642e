"""Disks that have little room, or may only be read: root mounts them, anybody else in a namespace of his own.

There the tests that are marked `disk` run once more (`tests/attacks/test_disks.py`), and not outside of it.
"""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NAMESPACE: Final = "PLANRECORD_TESTS_MAY_MOUNT"  # an environment variable: set in such a namespace
IN_A_NAMESPACE: Final = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "--")


def may_mount() -> bool:
    """Whether this process may mount a disk."""
    return os.geteuid() == 0 or NAMESPACE in os.environ


@contextmanager
def disk(folder: Path, size: str, option: str = "mode=0755", *, lazy: bool = False) -> Generator[None]:
    """A disk of that size in place of the folder; with nothing open on it at the end, unless it goes `lazy`."""
    folder.mkdir(exist_ok=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size},{option}", "tmpfs", str(folder)), check=True)  # noqa: S603, S607 - our own words
    try:
        yield
    finally:
        subprocess.run(("umount", *["--lazy"] * lazy, str(folder)), check=True)  # noqa: S603, S607 - our own words

"""Peers that are programs of others, each in an environment of its own under build/, from pinned requirements."""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.load import HERE, Wrong


def ensure(name: str) -> Path:
    """The environment of a peer, with what its .txt beside this file pins; Wrong if it cannot be had."""
    environment, pinned = Path("build") / name, HERE / f"{name}.txt"
    wanted, stamp = pinned.read_text(), environment / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return environment
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)  # noqa: S603
    install = ["sh", ".ci/pip", str(environment), "install", "-qq", "-r", str(pinned)]
    if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode != 0:  # noqa: S603
        raise Wrong(f"{name} could not be installed: {pinned} names what is needed")
    stamp.write_text(wanted)
    return environment

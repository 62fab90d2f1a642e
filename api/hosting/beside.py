"""Processes of our own beside this one."""

import os
import sys


def module_command(module: str, *given: str) -> list[str]:
    """The command that runs a module of ours, whatever lies in the folder that this one was started in."""
    return [sys.executable, "-P", "-m", module, *given]


def same_modules() -> dict[str, str]:
    """The part of an environment by which such a process finds its modules: where this one does."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(one for one in (*given, *sys.path) if one))}

"""Schemas of standards lie in a folder that is not ours, which `make interop STANDARDS=…` names; or it says so."""

import os
from pathlib import Path
from typing import Final

import pytest

STANDARDS: Final = os.environ.get("STANDARDS", "")
LEFT_OUT: Final = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is held against a schema that is not there."""
    without = [one for one in items if any(not schema(mark.args[0]) for mark in one.iter_markers("standard"))]
    if without:
        items[:] = [one for one in items if one not in without]
        config.hook.pytest_deselected(items=without)
        config.stash[LEFT_OUT] = sorted({one.name.partition("[")[0] for one in without})


def schema(name: str) -> Path | None:
    """Where a schema lies, if it does."""
    path = Path(STANDARDS) / name
    return path if STANDARDS and path.is_file() else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say, last of all, what was left out and how to have it."""
    names = config.stash.get(LEFT_OUT, list[str]())
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if names and reporter:
        reporter.write_line(f"left out, as their schemas are not there: {', '.join(names)}")
        reporter.write_line("`make interop STANDARDS=FOLDER` names the folder in which they are")

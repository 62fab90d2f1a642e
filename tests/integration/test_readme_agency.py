"""The README's chapter for agencies: five commands from nothing to a followed, verified copy, run."""

import asyncio
import re
import shlex
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tests.conftest import Site
from tests.copies import read, unlike
from tests.integration.commands import environment
from tests.integration.test_readme import HERE, README, ROOT
from tests.signing import signed_once

CHAPTER = README.partition("\n## An agency follows\n")[2].partition("\n## ")[0]
STEPS = re.findall(r"\*\*(\d)\. .*?```sh\n(.*?)\n```\n\n```text\n(.*?)```", CHAPTER, re.DOTALL)
PROGRAMS = {"planrecord": ("-m", "api"), "python3": ()}


async def run(line: str, place: Path, url: str) -> str:
    """What a command says on the record that is served."""
    program, *arguments = shlex.split(line.replace(HERE, url))
    given = environment(XDG_STATE_HOME=str(place / "state"), PYTHONPATH=str(ROOT))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *PROGRAMS[program], *arguments), cwd=place, env=given, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


def test_there_are_five() -> None:
    assert [number for number, _, _ in STEPS] == list("12345")


async def test_the_five_commands_lead_to_a_followed_and_verified_copy(told: Site, tmp_path: Path) -> None:
    await signed_once(told)
    said = ""
    for _, line, shown in STEPS:
        said = await run(line, tmp_path, str(told.http.base_url).rstrip("/"))
        missing = [words for words in shown.strip().splitlines() if words not in said]
        assert not missing, said
    ((root,),) = read(tmp_path / "record.db", "SELECT root FROM follow")
    assert f"root {root}" in said
    for name in ("record.db", "task-21.db"):
        assert not await unlike(told.http, tmp_path / name)

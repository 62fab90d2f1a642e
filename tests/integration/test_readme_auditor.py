"""The README's chapter for auditors: five commands from nothing to a verified state at a past date, run."""

import re
import shlex
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import msgspec

from tests.conftest import Site
from tests.integration.commands import environment
from tests.integration.test_readme import HERE, README, ROOT
from tests.signing import signed_once

CHAPTER = README.partition("\n## Auditing\n")[2].partition("\n## ")[0]
STEPS = re.findall(r"\*\*(\d)\. .*?```sh\n(.*?)```\n\n```text\n(.*?)```", CHAPTER, re.DOTALL)
CODES = {"1": 2}  # the first visit is refused


async def run(line: str, place: Path, url: str) -> tuple[int, str]:
    """What a command says in the end, on the record that is served; its output in the file that it names."""
    command, _, target = line.replace(HERE, url).partition(" > ")
    program, *arguments = shlex.split(command)
    assert program == "planrecord"
    given = environment(XDG_STATE_HOME=str(place / "state"), PYTHONPATH=str(ROOT))
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "api", *arguments), cwd=place, env=given, stdout=PIPE, stderr=PIPE if target else STDOUT
    )
    said, complaint = await process.communicate()
    assert process.returncode is not None
    if target:
        (place / target).write_bytes(said)
    return process.returncode, (complaint if target else said).decode()


def test_there_are_five() -> None:
    assert [number for number, _, _ in STEPS] == list("12345")


async def test_the_five_commands_lead_to_a_verified_state_at_a_past_date(told: Site, tmp_path: Path) -> None:
    await signed_once(told)
    for number, lines, shown in STEPS:
        said = ""
        for line in lines.strip().splitlines():
            code, said = await run(line, tmp_path, str(told.http.base_url).rstrip("/"))
            assert code == CODES.get(number, 0), said
        missing = [words for words in shown.strip().splitlines() if words not in said]
        assert not missing, said
    state = msgspec.json.decode((tmp_path / "june.json").read_bytes())
    task = await told.get("/v1/plans/shanghai-credit-2023/tasks/21", asOf="2023-06-30")
    shown = state["subjects"]["task:shanghai-credit-2023/21"]
    assert {name: task[name] for name in ("text", "reportedStatus", "due", "answered", "version")} == {
        name: shown[name] for name in ("text", "reportedStatus", "due", "answered", "version")
    }
    assert state["moment"]["root"] == task["meta"]["root"]

"""The README's first five things to try, for each of those who come, run as they stand there."""

import asyncio
import html
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.conftest import Site

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
HERE = "http://127.0.0.1:8000"
USERS = ["A developer on GraphQL", "A credit service agency", "An auditor", "A citizen"]


class Trial(NamedTuple):
    """What to do, and what is shown for it: JSON, CSV, or words of a page."""

    name: str
    command: str
    form: str
    shown: str


def trials() -> list[Trial]:
    """Every trial of the README, in order."""
    found: list[Trial] = []
    for user, text in re.findall(r"^### (.*?)\n(.*?)(?=^##)", README, re.DOTALL | re.MULTILINE):
        for number, told, form, shown in re.findall(r"\*\*(\d)\. (.*?)```(json|csv|text)\n(.*?)```", text, re.DOTALL):
            command = re.search(r"```sh\n(.*?)\n```", told, re.DOTALL)
            address = re.search(rf"{HERE}\S*", told)
            line = command[1] if command else f"curl {shlex.quote(address[0])}" if address else ""
            found.append(Trial(f"{user} {number}", line, form, shown))
    return found


async def curl(site: Site, line: str) -> httpx.Response:
    """What this very command would fetch."""
    words = shlex.split(line)
    assert words[0] == "curl"
    path = words[1].removeprefix(HERE)
    if "-d" not in words:
        return await site.http.get(path)
    kind, _, value = words[words.index("-H") + 1].partition(": ")
    return await site.http.post(path, content=words[words.index("-d") + 1], headers={kind: value})


async def run(site: Site, line: str) -> str:
    """What this very command says, on the record that is served."""
    program, *arguments = shlex.split(line)
    assert program == ".venv/bin/planrecord"
    environment = os.environ | {"DATABASE_URL": str(site.running.settings.database_url)}
    environment |= {"PLANRECORD_ORIGIN": site.running.reader.head.origin}
    command = [sys.executable, "-m", "api", *arguments[: arguments.index("--data-dir")]]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


def visible(page: str) -> str:
    """The words of a page, as one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?bdi[^>]*>", "", page))))


def holds(shown: Any, answer: Any) -> bool:
    """Whether everything that is shown stands in the answer; of a list, in its first items."""
    match shown:
        case dict():
            return all(name in answer and holds(value, answer[name]) for name, value in shown.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case list():
            return len(shown) <= len(answer) and all(map(holds, shown, answer))  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return shown == answer


def test_each_user_finds_five_things_to_try() -> None:
    assert [one.name for one in trials()] == [f"{user} {number}" for user in USERS for number in range(1, 6)]
    assert all(one.command and one.shown.strip() for one in trials())


async def test_the_first_things_to_try_answer_as_shown(told: Site) -> None:
    for name, command, form, shown in trials():
        if not command.startswith("curl"):
            assert shown.strip() in await run(told, command), name
            continue
        response = await curl(told, command)
        assert response.status_code == 200, name
        if form == "json":
            answer = json.loads(response.text.splitlines()[0])
            assert holds(json.loads(shown), answer), f"{name}: {response.text[:3000]}"
        elif form == "csv":
            assert response.text.replace("\r\n", "\n") == shown, name
        else:
            missing = [line for line in shown.splitlines() if line not in visible(response.text)]
            assert not missing, f"{name}: {missing}"


def test_the_files_of_the_two_walks_exist() -> None:
    walks = README.partition("## How it is built")[2].partition("## Running")[0]
    paths = re.findall(r"`((?:domain|events|projections|api)/[\w/]+\.py)`", walks)
    assert len(paths) >= 8
    assert [path for path in paths if not (ROOT / path).is_file()] == []

"""The README's chapter for analysts: its commands answer, and as shown; what changed makes the later of the earlier."""

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from tests.conftest import Site
from tests.integration.test_readme import HERE, README, holds

CHAPTER = README.partition("## An analyst takes it home")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```sh\n(.*?)\n```\n\n```\w+\n(.*?)\n```", CHAPTER, re.DOTALL)


async def taken(site: Site, line: str, into: Path) -> Path:
    """The file that curl would leave."""
    program, address, how, *name = shlex.split(line)
    assert program == "curl"
    assert how in {"-OJ", "-o"}
    answer = await site.http.get(address.removeprefix(HERE))
    assert answer.status_code == 200, line
    (own,) = re.findall(r'filename="(.*)"', answer.headers["Content-Disposition"])
    file = into / (name[0] if name else own)
    file.write_bytes(answer.content)
    return file


def by_id(file: Path) -> dict[str, Any]:
    return {one["id"]: one for one in map(json.loads, file.read_text("utf-8").split("\n")[:-1])}


async def test_a_table_is_taken_home_by_its_own_name(told: Site, tmp_path: Path) -> None:
    file = await taken(told, BLOCKS[0][0], tmp_path)
    log = told.running.reader.head.log[:8]
    assert file.name == f"planrecord_{log}_shanghai-credit-2023_assignments_p759_2023-12-31.csv"
    assert file.read_text("utf-8").partition("\n")[0] == BLOCKS[0][1]


async def test_parquet_is_asked_by_duckdb(told: Site, tmp_path: Path) -> None:
    fetch, ask = BLOCKS[1][0].split("\n")
    await taken(told, fetch, tmp_path)
    program, *arguments = shlex.split(ask)
    assert program == ".venv/bin/python"
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert BLOCKS[1][1] in said.decode().splitlines()


async def test_what_changed_is_put_into_what_was_there(told: Site, tmp_path: Path) -> None:
    first, second = BLOCKS[2][0].split("\n")
    tasks = by_id(await taken(told, first, tmp_path))
    changes = by_id(await taken(told, second, tmp_path))
    assert any(holds(json.loads(BLOCKS[2][1]), one) for one in changes.values())
    for key, one in changes.items():
        if one.pop("change") == "put":
            tasks[key] = one
        else:
            del tasks[key]
    whole = await told.get("/v1/export/tasks.json?position=759&effectiveOn=2023-12-31")
    assert tasks == {one["id"]: one for one in whole["items"]}

"""`openapi/examples/follow.py`, which an agency copies: it follows a real server, resumes, and finds what is wrong."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.between import Answered, between
from tests.conftest import Site
from tests.copies import read
from tests.integration.commands import PROJECT, environment
from tests.integration.test_follow import SIZE, followed_site, reworded, url

EXAMPLE: Final = PROJECT / "openapi" / "examples" / "follow.py"
site = followed_site


async def began(address: str, file: Path, *options: str) -> Process:
    """The example, isolated from all that is installed here."""
    arguments = "-I", str(EXAMPLE), address, str(file), *options
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd="/", env=environment(), stdout=PIPE, stderr=PIPE
    )


async def example(address: str, file: Path) -> tuple[int | None, str, str]:
    """What it says when it has caught up."""
    process = await began(address, file, "--once")
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def test_it_is_short_and_needs_nothing() -> None:
    said = EXAMPLE.read_text("utf-8")
    lines = [one for one in said.splitlines() if one.strip() and not one.startswith('"""')]
    assert len(lines) <= 75
    imported = {one.split()[1].partition(".")[0] for one in lines if one.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names


async def test_it_catches_up_resumes_and_waits(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    root = (await site.get("/v1/plans"))["meta"]["root"]
    said = f"{SIZE} facts of log {site.running.reader.head.log}, root {root}\n"
    assert await example(url(site), file) == (0, said, "")
    assert await example(url(site), file) == (0, said, "")
    waiting = await began(url(site), file)
    await reworded(site, "另写")
    async with asyncio.timeout(30):
        while read(file, "SELECT count(*) FROM events") != [(SIZE + 1,)]:
            await asyncio.sleep(0.05)
    waiting.kill()
    await waiting.communicate()
    code, out, _ = await example(url(site), file)
    assert (code, out.split(" ")[0]) == (0, str(SIZE + 1))
    leaf_hash = (await site.get(f"/v1/events/{SIZE + 1}"))["leafHash"]
    assert read(file, "SELECT json_extract(item, '$.leafHash') FROM events ORDER BY position DESC LIMIT 1") == [
        (leaf_hash,)
    ]


async def test_it_takes_nothing_that_is_wrong(site: Site, tmp_path: Path) -> None:
    def altered(said: Any) -> None:
        for one in said["items"]:
            one["actor"] = "somebody-else"

    def dropped(said: Any) -> None:
        said["items"] = said["items"][1:]

    def of_another_root(said: Any) -> None:
        said["meta"]["root"] = "0" * 64

    def of_another_log(said: Any) -> None:
        said["meta"]["log"] = "0" * 16

    wrong = {
        f"position {SIZE + 1} is not what it should be": (altered,),
        f"the {SIZE} facts have the root": (dropped,),
        f"the log's are ({SIZE + 1}, '0000": (of_another_root,),
        "and the server has 0000": (of_another_log,),
    }
    file = tmp_path / "copy.db"
    with between(url(site)) as middle:
        assert (await example(middle.url, file))[0] == 0
        await reworded(site, "另写")
        for words, changes in wrong.items():
            for change in changes:

                def lying(answered: Answered, change: Any = change) -> None:
                    said = answered.json
                    change(said)
                    answered.say(said)

                middle.mischief = lying
                code, _, err = await example(middle.url, file)
                assert (code, words in err) == (1, True), err
                assert read(file, "SELECT count(*), max(position) FROM events") == [(SIZE, SIZE)]


async def test_it_says_so_where_the_server_has_another_history(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    await example(url(site), file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE follow SET frontier = json_array(?)", ["0" * 64])
    code, _, err = await example(url(site), file)
    assert (code, "another history than yours" in err) == (1, True), err

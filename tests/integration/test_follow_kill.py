"""kill -9 of a follower, before, during and after its commits, while eight writers write: nothing is lost or doubled.

Twenty kills of one copy, each at a commit of its own process; `during`, as soon as the commit has begun to write.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from datetime import date, timedelta
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Final

from tests.conftest import Site
from tests.copies import read, unlike
from tests.followers import Following
from tests.integration.commands import PROJECT, environment
from tests.integration.test_follow import PLAN, SIZE, followed_site, url
from tests.signing import signed_once

KILLS: Final = 20
WRITERS: Final = 8
PAUSE: Final = 0.1  # seconds between two writes of one writer
MOMENTS: Final = ("before", "during", "after")
# One process has all loaded, and makes a follower of each line that it is given: the moment, and the commit.
KILLED: Final = """
import os, signal, sys, threading
import api.following.running
from api.__main__ import main
from api.following.copy import FollowedCopy
from api.following.follower import Follower

into, keep, wal = sys.argv[1], FollowedCopy.commit, sys.argv[1] + "-wal"

def end():
    os.kill(os.getpid(), signal.SIGKILL)

def size():
    return os.stat(wal).st_size if os.path.exists(wal) else 0

def when_written(before):
    while size() == before:
        pass
    end()

def follow(moment, left):
    def commit(self):
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            end()
        if left == 0 and moment == "during":
            threading.Thread(target=when_written, args=(size(),), daemon=True).start()
        keep(self)
        if left == 0:
            end()

    FollowedCopy.commit = commit
    main(["follow", sys.argv[2], "--into", into])

for line in sys.stdin:
    moment, left = line.split()
    child = os.fork()
    if not child:
        follow(moment, int(left))
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""

site = followed_site


async def write(site: Site, random: Random, numbers: "count[int]") -> None:
    """One edit after the other, of any task, until told to end."""
    while True:
        number, task = next(numbers), f"{PLAN}/{random.randint(1, 67)}"
        command = random.choice(
            [
                {"type": "task.reword", "task": task, "text": f"第{number}稿"},
                {"type": "task.set_deadline", "task": task, "due": str(date(2023, 4, 1) + timedelta(days=number % 90))},
                {"type": "unit.rename", "unit": "shi-ke-wei", "name": f"市科委{number}"},
            ]
        )
        await site.record(command | {"reason": "试"})
        await asyncio.sleep(PAUSE)


async def killed(process: Process, into: Path, moment: str, commits: int) -> int:
    """Follow until a commit, and be killed there; how far the copy has come."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{moment} {commits}\n".encode())
    async with asyncio.timeout(30):
        while not (line := await process.stdout.readline()).strip().lstrip(b"-").isdigit():
            assert line, "it has ended"  # else it is what the follower says
    assert int(line) == -signal.SIGKILL
    ((position,),) = read(into, "SELECT position FROM follow")
    assert read(into, "SELECT count(*), coalesce(max(position), 0) FROM events") == [(position, position)]
    return position


async def test_what_was_taken_over_is_there_once_whenever_it_is_killed(site: Site, tmp_path: Path) -> None:
    into, random, numbers = tmp_path / "copy.db", Random(13), count(1)  # noqa: S311 - moments, nothing secret
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(into), url(site)),
        cwd=PROJECT,
        env=environment(PYTHONPATH=str(PROJECT)),
        stdin=PIPE,
        stdout=PIPE,
    )
    writers = [asyncio.create_task(write(site, Random(one), numbers)) for one in range(WRITERS)]  # noqa: S311
    try:
        before, moved = 0, Counter[str]()
        for _, moment in zip(range(KILLS), cycle(MOMENTS), strict=False):
            position = await killed(process, into, moment, random.randint(1, 2))
            assert position >= before
            moved[moment] += position > before
            before = position
    finally:
        process.kill()
        await process.communicate()
        for one in writers:
            one.cancel()
        ended = await asyncio.gather(*writers, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    assert moved["after"] > KILLS // len(MOMENTS) // 2, moved  # the kills did hit commits that brought something
    await signed_once(site)
    caught = await Following(url(site), into).caught_up()
    assert caught.position == caught.head == site.running.reader.head.size > SIZE + 100
    assert read(into, "SELECT count(*), min(position), max(position) FROM events") == [(caught.head, 1, caught.head)]
    assert not await unlike(site.http, into)

"""`make soak`: whether a server that is asked and told a little of everything takes more memory after an hour.

    python -m tests.endurance.soak --minutes 60 --rate 30

Over a served record of the demo's year: readers ask what `mix.py` makes up, at a rate that leaves most of a core to
others, two writers edit, and a follower waits for every fact. Each minute the server's RSS is told and what all that
took; at the end the last one by that after minute 10, which shall be at most 1.1. Whatever is answered otherwise than
well, or skipped, is a fault.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Final

import httpx

from tests.benchmarks.cpu import cpu_seconds, memory
from tests.endurance.mix import Mix
from tests.integration.commands import Serving, place, serving

READERS: Final = 4
WRITERS: Final = 2
WRITTEN: Final = 1.0  # commands a second
WARM: Final = 10  # minutes after which memory is to stay
GOAL: Final = 1.1
WAIT: Final = 20  # seconds that the follower waits for a fact
MINUTE: Final = 60.0


class Soak:
    """A served record under load: what was asked, what came, and what should not have."""

    def __init__(self, served: Serving, seed: int) -> None:
        self.served = served
        self.mix = Mix(seed)
        self.answered: Counter[str] = Counter()
        self.faults: list[str] = []
        self.megabytes: list[float] = []
        self._pauses = Random(seed)  # noqa: S311 - pauses, nothing secret

    async def go_on(self, minutes: int, rate: float, minute: float = MINUTE) -> float:
        """Load for so long; the RSS at the end by that after minute WARM, or the first where it is shorter."""
        self.mix.head = (await self.served.get("/v1/plans"))["meta"]["position"]
        load = [asyncio.create_task(self._at_random(self._read, rate / READERS)) for _ in range(READERS)]
        load += [asyncio.create_task(self._at_random(self._write, WRITTEN / WRITERS)) for _ in range(WRITERS)]
        load.append(asyncio.create_task(self._follow()))
        try:
            for number in range(1, minutes + 1):
                await self._minute(number, minute)
        finally:
            for one in load:
                one.cancel()
            await asyncio.gather(*load, return_exceptions=True)
        return self.megabytes[-1] / self.megabytes[min(WARM, len(self.megabytes)) - 1]

    async def _minute(self, number: int, seconds: float) -> None:
        """Let it go on for so long, and tell what it took; who has ended by itself is a fault."""
        before, begun = self._cpu(), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - begun
        self.megabytes.append(memory(self.served.process.pid))
        cpu = ", ".join(f"{name} {(now - before[name]) / took:.2f}" for name, now in self._cpu().items())
        counted = ", ".join(f"{count:,} {what}" for what, count in sorted(self.answered.items()))
        say(f"minute {number}: {self.megabytes[-1]:.1f} MB; {self.mix.head:,} facts; {counted}; of a core {cpu}")

    def _cpu(self) -> dict[str, float]:
        server, database = self.served.process.pid, cpu_seconds(self.served.postmaster)
        own = os.times()
        below = cpu_seconds(server)
        return {"server": below - database, "database": database, "client": own.user + own.system}

    async def _at_random(self, ask: Callable[[], Awaitable[None]], rate: float) -> None:
        """Ask again and again, so often a second on average, one after the other."""
        while True:
            await asyncio.sleep(self._pauses.expovariate(rate))
            try:
                await ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, the load goes on and it is told at the end
                self.faults.append(f"{type(error).__name__}: {error}")

    async def _read(self) -> None:
        path = self.mix.question()
        response = await self.served.http.get(path)
        good = response.status_code == 200 and b'"errors"' not in response.content[:20]
        self._count("read" if good else "not read", f"{path} answered {response.status_code}", good=good)

    async def _write(self) -> None:
        """What the rules refuse is answered well: it may have been recorded before."""
        command = self.mix.command()
        response = await self.served.send(command)
        good = response.status_code in {200, 422}
        what = {200: "written", 422: "refused"}.get(response.status_code, "not written")
        self._count(what, f"{command} was answered {response.status_code}: {response.text[:200]}", good=good)

    async def _follow(self) -> None:
        """Read every fact as it comes, and no other."""
        while True:
            after = self.mix.head
            try:
                page = await self.served.get("/v1/events", after=after, waitSeconds=WAIT, limit=200)
            except (AssertionError, httpx.HTTPError) as error:
                self.faults.append(f"the follower: {type(error).__name__}: {error}")
                await asyncio.sleep(1)
                continue
            came = [one["position"] for one in page["items"]]
            good = came == [*range(after + 1, after + 1 + len(came))]
            self._count("followed", f"{came} came after {after}", good=good)
            self.mix.head = max([after, *came])

    def _count(self, what: str, fault: str, *, good: bool) -> None:
        self.answered[what] += 1
        if not good:
            self.faults.append(fault)


def say(line: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def soak(folder: Path, minutes: int, rate: float, seed: int) -> int:
    """So many minutes of load; 1 if memory grew, or anything was answered wrongly."""
    async with serving(folder, "demo", "--serve") as served:
        one = Soak(served, seed)
        ratio = await one.go_on(minutes, rate)
    faults = Counter(one.faults)
    for fault, count in faults.most_common(20):
        say(f"  {count} times: {fault}")
    say(f"the last by minute {min(WARM, minutes)}: {ratio:.3f} (at most {GOAL}); {len(one.faults)} faults")
    return int(ratio > GOAL or bool(faults))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60, help="how long (default 60)")
    parser.add_argument("--rate", type=float, default=30.0, help="questions a second (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the questions and the edits (default 1)")
    given = parser.parse_args()
    with place() as folder:
        sys.exit(asyncio.run(soak(folder, given.minutes, given.rate, given.seed)))

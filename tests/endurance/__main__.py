"""`make endurance`: a record under load whose server and PostgreSQL are killed at random moments, again and again.

    python -m tests.endurance --kills 300 --seed 1

After each kill the record is started again, what was not acknowledged is sent again with its key, and the whole history
is judged by `serial.py`. Every 25 kills, and at the end, `verify` has to agree.
"""

import argparse
import asyncio
import sys
import time
from datetime import date
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx

from tests.endurance.serial import Call, Heard, Judge, Look
from tests.integration.commands import Serving, place, start
from tests.integration.test_kill import facts_after, kill, verified

CLIENTS: Final = 16
TASKS: Final = 12  # that all write to, so that they meet
UNITS: Final = ("shi-wei-sheng-jian-kang-wei", "shi-fa-zhan-gai-ge-wei", "shi-shang-wu-wei")
VERIFIED_EVERY: Final = 25
PLAN: Final = "shanghai-credit-2023"


class Endurance:
    """A served record, its clients and what they saw since it was last judged."""

    def __init__(self, served: Serving, seed: int) -> None:
        self.served = served
        self.random = Random(seed)  # noqa: S311 - moments, nothing secret
        self.judge = Judge()
        self.calls: list[Call] = []
        self.looks: list[Look] = []
        self.heads: list[Heard] = []
        self.known = 0  # the last position that anybody was told of
        self.acknowledged = 0
        self._numbers = count(1)

    def command(self, key: str) -> dict[str, Any]:
        """One of the commands that may meet others: edits, parts that are given and taken, reports."""
        task = f"{PLAN}/{self.random.randint(1, TASKS)}"
        unit, number = self.random.choice(UNITS), next(self._numbers)
        made: dict[str, Any] = self.random.choice(
            [
                {"type": "task.reword", "text": f"第{self.random.randint(1, 3)}稿"},
                {"type": "task.reword", "text": f"第{number}稿"},
                {"type": "task.set_deadline", "due": f"2030-{number % 12 + 1:02}-{number % 28 + 1:02}"},
                {"type": "task.assign_unit", "unit": unit, "role": "support"},
                {"type": "task.release_unit", "unit": unit},
                {
                    "type": "progress.report",
                    "unit": unit,
                    "period": f"{self.random.randint(2023, 2025)}-{self.random.randint(1, 9):02}",
                    "status": "in_progress",
                    "narrative": f"{number}",
                },
            ]
        )
        return made | {"task": task, "reason": key}

    async def pester(self) -> None:
        """Ask one thing after the other until the server is gone."""
        while True:
            try:
                if self.random.random() < 0.3:
                    await self.look()
                    continue
                key = f"key-{next(self._numbers)}"
                call = Call(
                    key, [self.command(key) for _ in range(self.random.choice([1, 1, 1, 2, 3]))], time.monotonic()
                )
                self.calls.append(call)
                await self.send(call)
            except httpx.TransportError:
                return

    async def send(self, call: Call) -> None:
        """Send it, perhaps once more; if it was answered for good, note how."""
        body = call.commands if len(call.commands) > 1 else call.commands[0]
        response = await self.served.send(body, **{"Idempotency-Key": call.key})
        answer = response.json()
        if response.status_code == 503:
            await asyncio.sleep(0.01)
            return
        call.ended = time.monotonic()
        if response.status_code == 200:
            call.positions = [fact["position"] for fact in answer["facts"]]
            self.known = max([self.known, *call.positions])
            self.acknowledged += 1
        else:
            call.refusal, call.positions = answer["code"], []

    async def look(self) -> None:
        """Read a task as it is after all that anybody was told of."""
        task, least, begun = self.random.randint(1, TASKS), self.known, time.monotonic()
        query = {"minPosition": least} if least else None
        response = await self.served.http.get(f"/v1/plans/{PLAN}/tasks/{task}", params=query)
        if response.status_code != 200:
            return
        shown = response.json()
        meta = shown["meta"]
        self.heads.append(Heard(meta["position"], meta["root"]))
        on, due = (date.fromisoformat(text) if text else None for text in (meta["effectiveOn"], shown["due"]))
        assert on is not None
        ended, task_id = time.monotonic(), shown["id"]
        self.looks.append(Look(begun, ended, least, meta["position"], on, task_id, shown["text"], due))

    async def round(self) -> None:
        """Load, a kill, a start, and what has to be there."""
        clients = [asyncio.create_task(self.pester()) for _ in range(CLIENTS)]
        await asyncio.sleep(self.random.uniform(0.2, 1.5))
        await kill(self.served, self.random.choice(["server", "postgres"]))
        await asyncio.gather(*clients)
        self.served = await start(self.served.folder)
        await self.served.ready()
        await self.settle()

    async def settle(self) -> None:
        """Send again what was not answered, until all is, and judge."""
        while waiting := [call for call in self.calls if call.positions is None]:
            await asyncio.gather(*map(self.send, waiting))
        items = [item async for item in facts_after(self.served, self.judge.size)]
        stale = {call.key for call in self.calls if call.refusal == "stale_version"}
        calls = [call for call in self.calls if call.key not in stale]  # told to decide anew: nothing is claimed
        self.judge.hear(items, calls, self.looks, self.heads)
        self.calls, self.looks, self.heads = [], [], []

    async def go_on(self, folder: Path, kills: int) -> None:
        """Round after round, until a fault is found."""
        await self.settle()
        begun = time.monotonic()
        for number in range(1, kills + 1):
            await self.round()
            if number % VERIFIED_EVERY == 0 or number == kills:
                size = await verified(folder)
                if size != self.judge.size:
                    self.judge.faults.append(f"verify counts {size} facts, the log tells {self.judge.size}")
            sys.stdout.write(
                f"{number} of {kills} kills, {time.monotonic() - begun:.0f} s: {self.acknowledged} acknowledged, "
                f"{self.judge.size} facts, {self.judge.decided} decided again, {len(self.judge.faults)} faults\n"
            )
            sys.stdout.flush()
            if self.judge.faults:
                break


async def endure(kills: int, seed: int) -> int:
    """So many kills; how many faults were found."""
    with place() as folder:
        served = await start(folder)
        await served.ready()
        endurance = Endurance(served, seed)
        try:
            await endurance.go_on(folder, kills)
        finally:
            await endurance.served.stop()
        for fault in endurance.judge.faults[:20]:
            sys.stdout.write(f"  {fault}\n")
        return len(endurance.judge.faults)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how often something is killed (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the commands (default 1)")
    given = parser.parse_args()
    sys.exit(1 if asyncio.run(endure(given.kills, given.seed)) else 0)

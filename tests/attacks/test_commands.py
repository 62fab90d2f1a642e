"""Lists of commands: what is too much is refused before the work, what is accepted disturbs no reader."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Event, Thread
from time import perf_counter
from typing import Any

import httpx
import pytest

from tests.attacks.conftest import LONGEST_STEP, Cost, Victim, refused_cheaply
from tests.conftest import PLAN, TASK, problem_of

MOST = 10_000
MANY = 2_000  # of those that rewrite one another's days
Commands = list[dict[str, Any]]


def reworded(count: int, days: int = 1, text: str = "第{}次。") -> Commands:
    """One task, reworded again and again, with so many different dates."""
    return [
        {
            "type": "task.reword",
            "task": TASK,
            "text": text.format(number),
            "reason": "试",
            "effectiveOn": str(date(2023, 4, 4) + timedelta(days=number % days)),
        }
        for number in range(count)
    ]


def rewritten(days: int, deadlines: int) -> Commands:
    """One task, reworded on so many dates; then so many deadlines from before all of these on, which each rewrite."""
    deadline = {"type": "task.set_deadline", "task": TASK, "reason": "试", "effectiveOn": "2023-04-03"}
    ends = [str(date(2030, 1, 1 + number % 2)) for number in range(deadlines)]
    return [*reworded(days, days), *(deadline | {"due": end} for end in ends)]


def registered(count: int, name: str) -> Commands:
    """As many units as commands."""
    return [
        {"type": "unit.register", "unit": f"{name}-{number}", "name": f"{name}{number}", "kind": "body", "reason": "试"}
        for number in range(count)
    ]


async def send(victim: Victim, commands: Commands, *, dry_run: bool = False) -> httpx.Response:
    return await victim.http.post(
        "/v1/commands", params={"dryRun": str(dry_run).lower()}, json=commands, headers=victim.bearer
    )


async def size(victim: Victim) -> int:
    return (await victim.http.get(PLAN)).json()["meta"]["position"]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("commands", [reworded(MOST + 1), registered(MOST + 1, "zu-duo")], ids=["one", "many"])
async def test_more_commands_than_a_request_holds_are_refused_before_they_are_decided(
    victim: Victim, commands: Commands, *, dry_run: bool
) -> None:
    before = await size(victim)
    async with victim.costs() as cost:
        refused = await send(victim, commands, dry_run=dry_run)
    assert problem_of(refused, 413)["code"] == "too_many_facts"
    assert refused.json()["detail"] == (
        "a request holds at most 10,000 commands, this one 10,001: send the others in requests of their own"
    )
    refused_cheaply(cost)
    assert await size(victim) == before
    await victim.is_honest()


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("commands", [reworded(2 * MOST), registered(2 * MOST, "tai-duo")], ids=["one", "many"])
async def test_what_stopped_the_process_for_minutes_is_refused(
    victim: Victim, commands: Commands, *, dry_run: bool
) -> None:
    before = await size(victim)
    async with victim.costs() as cost:
        refused = await send(victim, commands, dry_run=dry_run)
    assert problem_of(refused, 413)["code"] == "too_many_facts"
    assert cost.kept == 0
    assert await size(victim) == before


async def test_what_fits_is_told_of_facts_that_rewrite_too_much(victim: Victim) -> None:
    before, commands = await size(victim), rewritten(MANY // 2, MANY // 2)
    async with victim.costs() as cost:
        refused = await send(victim, commands)
    problem = problem_of(refused, 413)
    assert problem["code"] == "too_many_facts"
    assert cost.longest <= LONGEST_STEP, cost
    assert await size(victim) == before
    fitting = int(problem["detail"].partition("its first ")[2].partition(" commands")[0].replace(",", ""))
    assert MANY // 2 < fitting < MANY
    assert (await send(victim, commands[:fitting], dry_run=True)).status_code == 200
    assert (await send(victim, commands[: fitting + 1], dry_run=True)).status_code == 413


class Reader(Thread):
    """Somebody who reads all the while, in a thread of his own: the loop that receives ten thousand facts is busy, too.

    Of each read is noted how long it took on the wall, and how long the server's processor worked meanwhile: a machine
    that lets all its processes rest for a third of a second, as a shared one does now and then, is not the server's.
    """

    def __init__(self, victim: Victim) -> None:
        super().__init__(name="reader", daemon=True)
        self._victim = victim
        self._ended = Event()
        self.statuses: set[int] = set()
        self.waited: list[float] = []
        self.worked: list[float] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._victim.http.base_url, timeout=30) as http:
            while not self._ended.wait(0.005):
                begun, worked = perf_counter(), self._victim.worked()
                answer = http.get("/v1/plans/shanghai-credit-2023/tasks/3")
                self.waited.append(perf_counter() - begun)
                self.worked.append(self._victim.worked() - worked)
                self.statuses.add(answer.status_code)

    def end(self) -> None:
        self._ended.set()
        self.join()


@contextmanager
def reading(victim: Victim) -> Generator[Reader]:
    reader = Reader(victim)
    reader.start()
    try:
        yield reader
        assert reader.is_alive()
    finally:
        reader.end()
    assert reader.statuses == {200}


def undisturbed(reader: Reader, cost: Cost) -> None:
    assert cost.longest <= LONGEST_STEP, cost
    assert max(reader.worked) < 0.1, reader.worked
    assert max(reader.waited) < 1, reader.waited


@pytest.mark.parametrize(
    "commands",
    [reworded(MANY), rewritten(100, 10), reworded(80, text="长" * 1_000 + "{}"), registered(MOST, "xin")],
    ids=["one task", "many dates", "long texts", "many units"],
)
async def test_the_most_that_is_accepted_disturbs_no_reader(victim: Victim, commands: Commands) -> None:
    before = await size(victim)
    for dry_run in (True, False):
        async with victim.costs() as cost:
            with reading(victim) as reader:
                begun = perf_counter()
                answer = await send(victim, commands, dry_run=dry_run)
                took = perf_counter() - begun
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["facts"]) == len(commands)
        assert took < 10
        undisturbed(reader, cost)
    assert await size(victim) == before + len(commands)

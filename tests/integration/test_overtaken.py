"""Who is overtaken is decided again: nobody who did not ask for a version is told that there is another."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from api.main import appending
from domain.commands import AnyCommand
from events.handle import MOST_HELD, Handler
from events.proposal import Appended, Conflict, Proposal
from events.streams import Streams
from projections.fold import Timeline
from projections.memory import Memory
from tests.conftest import PLAN, TASK, Site, problem_of

UNIT = {"type": "unit.register", "unit": "xin-ju", "name": "新局", "reason": "试"}
ASSIGN = {
    "type": "task.assign_unit",
    "task": TASK,
    "unit": "xin-ju",
    "role": "support",
    "effectiveOn": "2023-04-03",
    "reason": "试",
}


def reword(text: str, **more: Any) -> dict[str, Any]:
    """A rewording of the one task."""
    return {"type": "task.reword", "task": TASK, "text": text, "reason": "试"} | more


def void(target: int) -> dict[str, Any]:
    """A voiding."""
    return {"type": "fact.void", "target": target, "reason": "试"}


async def test_of_twenty_writers_on_one_task_none_is_refused(site: Site) -> None:
    async def writer(number: int) -> list[int]:
        answers = [await site.send(reword(f"第{number}人写第{time}次")) for time in range(5)]
        return [one.status_code for one in answers]

    found = await asyncio.gather(*map(writer, range(20)))
    assert Counter(status for own in found for status in own) == {200: 100}
    task = await site.get(f"{PLAN}/tasks/21")
    events = (await site.get("/v1/events", stream=f"task:{TASK}", type="task.reworded.v1", limit="200"))["items"]
    assert len({one["data"]["text"] for one in events}) == len(events) == 100
    assert task["text"] == events[-1]["data"]["text"]
    assert [one["version"] for one in events] == list(range(events[0]["version"], events[0]["version"] + 100))


@asynccontextmanager
async def held(site: Site) -> AsyncGenerator[None]:
    """Nothing is committed for as long as the block lasts."""
    async with site.running.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM log_head FOR UPDATE")
        yield


async def sent_one_by_one(
    site: Site, *requests: dict[str, Any] | list[dict[str, Any]]
) -> list["asyncio.Task[httpx.Response]"]:
    """Requests of which each is decided before the next one comes."""
    tasks: list[asyncio.Task[httpx.Response]] = []
    for one in requests:
        tasks.append(asyncio.create_task(site.send(one)))
        await asyncio.sleep(0.3)
    return tasks


@pytest.fixture
def conflicts(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Conflict]:
    """All who were overtaken, and are decided again."""
    found: list[Conflict] = []
    append = site.running.log.append

    async def watched(proposal: Proposal, since: float | None = None) -> Appended:
        try:
            return await append(proposal, since)
        except Conflict as conflict:
            found.append(conflict)
            raise

    monkeypatch.setattr(site.running.log, "append", watched)
    return found


async def test_writers_of_one_process_do_not_overtake_each_other(site: Site, conflicts: list[Conflict]) -> None:
    await asyncio.gather(*(site.record(reword(f"第{number}稿")) for number in range(60)))
    await asyncio.gather(*(site.record(reword(f"甲{number}"), reword(f"乙{number}")) for number in range(20)))
    assert not conflicts


async def test_what_is_being_committed_is_decided_on_meanwhile(site: Site, conflicts: list[Conflict]) -> None:
    version = (await site.get(f"{PLAN}/tasks/21"))["version"]
    async with held(site):
        asked = [UNIT, ASSIGN, reword("新"), reword("又", expectedVersion=version + 2)]
        tasks = await sent_one_by_one(site, *asked)
        assert not any(one.done() for one in tasks)
    assert [(await one).status_code for one in tasks] == [200] * 4
    assert not conflicts
    assert (await site.get(f"{PLAN}/tasks/21"))["text"] == "又"


async def test_who_rested_on_what_was_not_recorded_is_decided_again(site: Site) -> None:
    """Even who would have been refused for it."""
    version = (await site.get(f"{PLAN}/tasks/21"))["version"]
    async with held(site):
        asked = [reword("先"), UNIT], reword("后", expectedVersion=version + 1), UNIT | {"name": "别名"}
        first, rested, other = await sent_one_by_one(site, *asked)
        async with site.running.pool.acquire() as connection:
            await connection.execute("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted")
        assert problem_of(await first, 503)["code"] == "not_begun"
    assert problem_of(await rested, 409)["code"] == "stale_version"
    assert (await other).status_code == 200
    assert (await site.get("/v1/units/xin-ju"))["name"] == "别名"


async def test_who_asked_for_a_version_is_told_that_there_is_another(site: Site) -> None:
    version = (await site.get(f"{PLAN}/tasks/21"))["version"]
    answers = await asyncio.gather(*(site.send(reword(f"第{n}", expectedVersion=version)) for n in range(10)))
    assert Counter(one.status_code for one in answers) == {200: 1, 409: 9}
    assert {problem_of(one, 409)["code"] for one in answers if one.status_code == 409} == {"stale_version"}


async def test_deciding_again_may_find_that_another_was_first(site: Site) -> None:
    target = (await site.record(reword("待撤")))["position"]
    answers = await asyncio.gather(*(site.send(void(target)) for _ in range(10)))
    assert Counter(one.status_code for one in answers) == {200: 1, 422: 9}
    (winner,) = [one.json()["position"] for one in answers if one.status_code == 200]
    for problem in (problem_of(one, 422) for one in answers if one.status_code == 422):
        assert problem["code"] == "cannot_undo"
        assert problem["detail"].startswith(f"position {target} was undone by position {winner}: ")


@pytest.fixture
def overtaken(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whoever is decided is overtaken, unless nobody else may write meanwhile: how often that was so."""
    times: list[int] = []

    async def conflict(proposal: Proposal, _: object) -> None:
        times.append(len(proposal.new))
        raise Conflict("task:x", 1, 2)

    monkeypatch.setattr(site.running.log, "append", conflict)
    return times


async def test_one_command_that_is_overtaken_is_decided_while_nobody_writes(site: Site, overtaken: list[int]) -> None:
    answers = await asyncio.gather(*(site.send(reword(f"第{n}")) for n in range(3)))
    assert [one.status_code for one in answers] == [200] * 3
    assert overtaken == [1] * 3
    assert problem_of(await site.send(reword("又", expectedVersion=1)), 409)["code"] == "stale_version"
    assert problem_of(await site.send(void(1)), 422)["code"] == "still_referred_to"


@pytest.mark.parametrize("count", [2, 10, 11, MOST_HELD])
async def test_a_list_that_is_overtaken_three_times_too(site: Site, overtaken: list[int], count: int) -> None:
    receipt = await site.record(*(reword(f"第{n}") for n in range(count)))
    assert len(receipt["facts"]) == count
    assert overtaken == [count] * 3


async def test_a_longer_list_that_is_overtaken_three_times_has_begun_nothing(site: Site, overtaken: list[int]) -> None:
    answer = await site.send([reword(f"第{n}") for n in range(MOST_HELD + 1)])
    assert problem_of(answer, 503)["code"] == "not_begun"
    assert answer.headers["Retry-After"]
    assert overtaken == [MOST_HELD + 1] * 3


async def test_a_receipt_says_which_commands_recorded_nothing(site: Site) -> None:
    text = (await site.get(f"{PLAN}/tasks/21"))["text"]
    assert (await site.record(reword(text)))["unchanged"] == [0]
    assert (await site.record(reword(text), reword("另写"), reword("另写")))["unchanged"] == [0, 2]
    assert (await site.record(reword("又写")))["unchanged"] == []
    dry = await site.send([reword("又写"), reword("三写")], dry_run=True)
    assert dry.json()["unchanged"] == [0]


async def test_a_request_does_not_void_what_it_names(site: Site) -> None:
    registered = (await site.record(UNIT))["position"]
    problem = problem_of(await site.send([ASSIGN, void(registered)]), 422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("still_referred_to", "/1/target")


@pytest.mark.parametrize("turned", [False, True])
async def test_a_request_voids_what_names_a_unit_and_the_unit_in_any_order(site: Site, *, turned: bool) -> None:
    registered = (await site.record(UNIT))["position"]
    assigned = (await site.record(ASSIGN))["position"]
    assert problem_of(await site.send(void(registered)), 422)["code"] == "still_referred_to"
    voidings = [void(assigned), void(registered)]
    await site.record(*(voidings[::-1] if turned else voidings))
    assert (await site.http.get("/v1/units/xin-ju")).status_code == 404


async def test_a_voiding_holds_nothing(site: Site) -> None:
    """It stands in a stream whose name names the unit, but that is all."""
    await site.clock("2023-08-10T09:00:00+08:00")
    registered = (await site.record(UNIT))["position"]
    assigned = (await site.record(ASSIGN))["position"]
    report = {"type": "progress.report", "task": TASK, "unit": "xin-ju", "period": "2023-Q2", "status": "delayed"}
    reported = (await site.record(report | {"narrative": "迟"}))["position"]
    await site.record(void(reported))
    await site.record(void(assigned))
    await site.record(void(registered))
    assert (await site.http.get("/v1/units/xin-ju")).status_code == 404


async def test_two_records_of_one_log_overtake_each_other_and_record_all(site: Site) -> None:
    """The turns are those of one process; another's writes are met by deciding once more."""
    async with appending(site.running.dsn) as log:
        other = Handler(log, site.running.pool.acquire, Timeline, Streams(Memory(1_000_000)))

        async def there(number: int) -> int:
            command = msgspec.convert(reword(f"别处{number}"), AnyCommand)
            return len((await other.handle([command], "another-office")).positions)

        async def here(number: int) -> int:
            return (await site.send(reword(f"此处{number}"))).status_code

        found = await asyncio.gather(*map(there, range(20)), *map(here, range(20)))
    assert Counter(found) == {1: 20, 200: 20}

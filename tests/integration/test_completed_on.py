"""Since when a task is completed: against the status on each day at one position, which is what the rule says."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.main import Service, service
from projections.as_of import AsOf
from projections.views import tasks
from projections.views.tasks import ReportedStatus, ScheduleStatus, TaskView
from tests.conftest import PLAN, TASK, Site, database_of, settings_for
from tests.integration.test_agreement import command, recent, record_all

LEADS = ("shi-wei-sheng-jian-kang-wei", "shi-yi-bao-ju", "shi-da-shu-ju-zhong-xin")
OTHER = "shi-ke-wei"
FIRST, LAST = date(2023, 3, 28), date(2023, 12, 31)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
OVER = {ScheduleStatus.COMPLETED_ON_TIME, ScheduleStatus.COMPLETED_LATE}


async def shown(running: Service, on: date) -> Mapping[str, TaskView]:
    """All tasks at the head as of a day."""
    _, rows = await running.reader.rows(AsOf(effective_on=on), tasks.of_plan("shanghai-credit-2023"))
    return {one.id: one for one in tasks.show(rows, on)}


async def every_day(running: Service, days: Iterable[date]) -> Sequence[tuple[date, Mapping[str, TaskView]]]:
    """The same on each of these days."""
    return [(day, await shown(running, day)) for day in days]


def agree(days: Sequence[tuple[date, Mapping[str, TaskView]]]) -> int:
    """On each day each completed task names the first of the days in a row on which it is; how many do."""
    since: dict[str, date] = {}
    found = 0
    for day, on in days:
        for key, task in on.items():
            if task.reported_status == ReportedStatus.COMPLETED:
                since.setdefault(key, day)
                found += 1
            else:
                since.pop(key, None)
            assert task.completed_on == since.get(key), (key, day)
            assert (task.schedule_status in OVER) == (task.completed_on is not None and task.due is not None)
    return found


async def test_each_task_names_the_first_day_since_which_it_is_completed_without_a_break(told: Site) -> None:
    assert agree(await every_day(told.running, DAYS)) > 1_000


async def test_no_task_that_was_overdue_is_completed_on_time_on_a_later_day(told: Site) -> None:
    overdue = set[str]()
    seen = set[ScheduleStatus]()
    for _, on in await every_day(told.running, DAYS):
        for key, task in on.items():
            seen.add(task.schedule_status)
            if task.schedule_status == ScheduleStatus.OVERDUE:
                overdue.add(key)
            assert key not in overdue or task.schedule_status != ScheduleStatus.COMPLETED_ON_TIME
    assert overdue
    assert {*ScheduleStatus} - seen <= {ScheduleStatus.COMPLETED_ON_TIME}


def report(unit: str, period: str, status: str, **others: Any) -> dict[str, Any]:
    return {
        "type": "progress.report",
        "task": TASK,
        "unit": unit,
        "period": period,
        "status": status,
        "narrative": "进展",
        **others,
    }


def edit(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "reason": "试", **fields}


async def dated(site: Site, on: str) -> tuple[str, str | None, str]:
    """What the task shows on a day, over both doors."""
    task = await site.get(f"{PLAN}/tasks/21", effectiveOn=on)
    graph = await site.ask(
        "query ($id: ID!, $on: Date!) "
        "{ task(id: $id, effectiveOn: $on) { reportedStatus completedOn scheduleStatus } }",
        id=TASK,
        on=on,
    )
    listed = await site.get(f"{PLAN}/tasks", effectiveOn=on, scheduleStatus=task["scheduleStatus"], number=21)
    assert [one["completedOn"] for one in listed["items"]] == [task["completedOn"]]
    answer = task["reportedStatus"], task["completedOn"], task["scheduleStatus"]
    assert tuple(graph["task"].values()) == answer
    return answer


@pytest.fixture
async def done(site: Site) -> Site:
    """A task that all its leads have completed in June, read at the end of the year."""
    await site.clock("2023-12-31T18:00:00+08:00")
    await site.record(
        *(report(unit, "2023-Q2", "completed") for unit in LEADS),
        edit("task.set_deadline", task=TASK, due="2023-09-30", effectiveOn="2023-05-01"),
    )
    return site


async def test_a_task_that_is_completed_late_does_not_turn_on_time(done: Site) -> None:
    assert await dated(done, "2023-12-31") == ("completed", "2023-06-30", "completed_on_time")
    await done.record(report(LEADS[0], "2023-08", "blocked"), report(LEADS[0], "2023-10", "completed"))
    assert await dated(done, "2023-08-30") == ("completed", "2023-06-30", "completed_on_time")
    assert await dated(done, "2023-10-01") == ("blocked", None, "overdue")
    assert await dated(done, "2023-12-31") == ("completed", "2023-10-31", "completed_late")


async def test_a_withdrawn_task_has_no_schedule(done: Site) -> None:
    await done.record(edit("task.withdraw", task=TASK, effectiveOn="2023-11-01"))
    assert await dated(done, "2023-12-31") == ("completed", "2023-06-30", "unspecified")
    assert await dated(done, "2023-10-31") == ("completed", "2023-06-30", "completed_on_time")


async def test_who_was_assigned_in_between_breaks_what_was_completed(done: Site) -> None:
    await done.record(edit("task.assign_unit", task=TASK, unit=OTHER, role="by_duty", effectiveOn="2023-08-01"))
    await done.record(report(OTHER, "2023-10", "completed"))
    assert await dated(done, "2023-09-30") == ("in_progress", None, "due_soon")
    assert await dated(done, "2023-12-31") == ("completed", "2023-10-31", "completed_late")
    await done.record(edit("task.release_unit", task=TASK, unit=OTHER, effectiveOn="2023-09-01"))
    assert await dated(done, "2023-12-31") == ("completed", "2023-09-01", "completed_on_time")


async def test_a_succession_breaks_nothing_until_the_successor_has_spoken(done: Site) -> None:
    await done.record(edit("unit.succeed", unit=LEADS[0], successors=[OTHER, LEADS[1]], effectiveOn="2023-08-01"))
    assert await dated(done, "2023-12-31") == ("completed", "2023-06-30", "completed_on_time")
    await done.record(report(OTHER, "2023-08", "delayed"), report(OTHER, "2023-10", "completed"))
    assert await dated(done, "2023-12-31") == ("completed", "2023-10-31", "completed_late")
    await done.record(edit("unit.succeed", unit=LEADS[0], successors=[], effectiveOn="2023-09-15"))
    assert await dated(done, "2023-12-31") == ("completed", "2023-09-15", "completed_on_time")


ONE, GROUP = "shanghai-credit-2023/24", "ge-qu-ren-min-zheng-fu"
_UNITS = st.sampled_from([*LEADS, OTHER])
_days = st.dates(date(2023, 4, 1), LAST)
_task = st.sampled_from([TASK, ONE])
COMMANDS = st.one_of(
    *[
        command(
            "progress.report",
            task=_task,
            unit=_UNITS,
            period=st.sampled_from(["2023", "2023-Q2", "2023-Q3", "2023-05", "2023-10"]),
            status=st.sampled_from(["blocked", "completed", "completed", "completed"]),
            narrative=st.just("甲"),
        )
    ]
    * 4,
    command("task.assign_unit", task=_task, unit=st.one_of(_UNITS, st.just(GROUP)), role=st.just("lead")),
    command("task.release_unit", task=_task, unit=st.one_of(_UNITS, st.just(GROUP))),
    command("task.set_deadline", task=_task, due=_days),
    command("unit.succeed", unit=_UNITS, successors=st.lists(_UNITS, max_size=2, unique=True)),
    command("fact.void"),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(commands=st.lists(COMMANDS, min_size=10, max_size=30))
async def test_so_it_is_in_random_records(server: str, folder: Path, commands: list[dict[str, Any]]) -> None:
    done = [report(unit, "2023-Q1", "completed") | {"undo": 1} for unit in LEADS]
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        await record_all(running, [*done, *commands])
        async with running.pool.acquire() as connection:
            facts = [fact for own in (await recent(connection)).values() for fact in own]
        edges = {one.effective_on + timedelta(days=step) for one in facts for step in (-1, 0)}
        agree(await every_day(running, sorted(edges)))

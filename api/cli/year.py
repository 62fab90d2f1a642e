"""A year of INVENTED reports and edits on the real plan, so that a past date shows something on the first day.

Nothing here happened. Every reason and every narrative says so, and the log's origin ends in /demo.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec

from api.main import Service
from domain.bundled import BUNDLED_PLAN, bundled_plan
from domain.commands import AnyCommand
from domain.document.reference import REFERENCE
from events.demo import set_clock
from events.proposal import IdempotencyKey
from projections.as_of import AsOf
from projections.views import tasks
from projections.views.tasks import TaskView

INVENTED: Final = "【虚构示例】"
ENDS: Final = "2023-12-31T18:00:00+08:00"
QUARTERS: Final = (("2023-Q2", "2023-07-10"), ("2023-Q3", "2023-10-12"), ("2023-Q4", "2023-12-28"))
GOVERNMENTS: Final = tuple(one.id for one in REFERENCE.units if one.kind == "district_government")
Say = Callable[[str], None]
Tasks = Sequence[TaskView]
Step = tuple[
    str, Callable[[Tasks], Sequence[dict[str, Any]]]
]  # an instant, and what is recorded on the plan as it is then


async def tell(running: Service, say: Say = lambda _: None) -> None:
    """Make the demo's record; what an interrupted telling has recorded already is not recorded again."""
    await _be(running, "2023-04-03T09:00:00+08:00")
    await running.office.record([bundled_plan()], IdempotencyKey("demo-import", b""))
    steps = sorted([*edits(), *reports()], key=lambda step: step[0])
    for number, (instant, commands) in enumerate(steps, 1):
        if not await _be(running, instant):
            continue
        _, rows = await running.reader.rows(AsOf(), tasks.of_plan(BUNDLED_PLAN))
        plan = tasks.show(rows, datetime.fromisoformat(instant).date())
        given = [msgspec.convert(command, AnyCommand) for command in commands(plan)]
        receipt = await running.office.record(given, IdempotencyKey(f"demo-{number}", b""))
        say(f"{instant[:10]}  {len(receipt.facts)} invented facts, {number} of {len(steps)} steps")
    await _be(running, ENDS)


async def _be(running: Service, instant: str) -> bool:
    """Let it be that late; False if it is later already, as after an earlier telling."""
    moment = datetime.fromisoformat(instant)
    async with running.pool.acquire() as connection, connection.transaction():
        now = await connection.fetchval("SELECT demo_now FROM log_head")
        if now is None or now < moment:
            await set_clock(connection, moment)
    await running.reader.head.refresh()
    return now is None or now <= moment


def reports() -> Iterator[Step]:
    """Three quarters of reports, part by part, and a correction."""
    for quarter in range(len(QUARTERS)):
        for part in range(1, 6):
            yield f"{QUARTERS[quarter][1]}T{9 + part:02}:00:00+08:00", partial(reports_of, quarter, part)
    yield "2023-08-21T09:30:00+08:00", corrected


def reports_of(quarter: int, part: int, plan: Tasks) -> list[dict[str, Any]]:
    """What is reported on one part of the plan for one quarter."""
    period = QUARTERS[quarter][0]
    return [
        report(task, unit, period, quarter)
        for task in plan
        if task.part == part
        for unit in speakers(task)
        if chance(task.id, unit, period) < (78, 88, 95)[quarter]
    ]


def corrected(plan: Tasks) -> list[dict[str, Any]]:
    """The first report there is, corrected."""
    task, wrong = next((task, one) for task in plan for one in task.latest_reports)
    again = report(task, wrong.unit.id, wrong.period, 0)
    return [again | {"status": "delayed", "replaces": wrong.event, "reason": f"{INVENTED}更正:原报告有误"}]


def speakers(task: TaskView) -> list[str]:
    """Who reports on a task: its leads or all its units, some districts of the group, two others where it is open."""
    leads = [one for one in task.assignments if one.role == "lead"]
    units: list[str] = []
    for one in leads or task.assignments:
        if one.assignee.kind == "unit":
            units.append(one.assignee.id)
        elif one.assignee.id == "ge-qu-ren-min-zheng-fu":
            units.extend(unit for unit in GOVERNMENTS if chance(task.id, unit) < 70)  # noqa: PLR2004 - per cent
    return units or ["shi-fa-zhan-gai-ge-wei", "shi-shi-chang-jian-guan-ju"]


def report(task: TaskView, unit: str, period: str, quarter: int) -> dict[str, Any]:
    """One invented report; tasks move on from quarter to quarter."""
    luck = chance(task.id, unit, "luck") + 30 * quarter
    status = "not_started" if luck < 8 else "delayed" if luck < 20 else "in_progress" if luck < 85 else "completed"  # noqa: PLR2004 - per cent
    evidence = {"url": f"https://example.org/invented/{task.number}/{period}", "title": f"{INVENTED}工作简报"}
    if luck % 3 == 0:
        evidence["sha256"] = sha256(f"{task.id}{unit}{period}".encode()).hexdigest()
    figures = [{"value": one.value, "unit": one.unit, "target": one.target} for one in task.targets]
    return {
        "type": "progress.report",
        "task": task.id,
        "unit": unit,
        "period": period,
        "status": status,
        "narrative": f"{INVENTED}本报告为演示而编写,并非{period}的真实进展。",
        "evidence": [evidence] if luck % 2 else [],
        "measurement": figures[0] if figures and status == "completed" else None,
    }


def edits() -> Iterator[Step]:
    """Edits of every kind, some of them recorded late."""
    banking, finance = "shang-hai-yin-bao-jian-ju", "guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju"
    social = "shi-ren-li-zi-yuan-she-hui-bao-zhang-ju"
    yield _edits("2023-05-08", *(edit("task.set_deadline", task_id(n), due=f"2023-{m:02}-30") for n, m in DUE))
    words = "开展工程建设承诺制守信反馈试点,并形成可复制的经验。"
    yield _edits(
        "2023-06-15",
        edit("task.reword", task_id(4), text=words, effectiveOn="2023-06-01"),
        edit("task.assign_unit", task_id(51), unit=social, role="support"),
    )
    yield _edits(
        "2023-08-02",
        edit("unit.register", unit=finance, name="国家金融监督管理总局上海监管局", effectiveOn="2023-07-20"),
        edit("unit.succeed", unit=banking, successors=[finance], effectiveOn="2023-07-20"),
    )
    yield _edits(
        "2023-09-04",
        edit("task.release_unit", task_id(65), unit="shi-jiao-wei", effectiveOn="2023-09-01"),
        edit("task.assign_unit", task_id(65), unit="tuan-shi-wei", role="lead", effectiveOn="2023-09-01"),
    )
    yield _edits(
        "2023-11-06", edit("unit.rename", unit="shi-shen-gai-ban", name="市政务改革办", effectiveOn="2023-10-01")
    )
    yield _edits("2023-11-20", edit("task.move", task_id(66), measure=14, effectiveOn="2023-11-15"))


def _edits(day: str, *commands: dict[str, Any]) -> Step:
    return f"{day}T10:00:00+08:00", lambda _: commands


def task_id(number: int) -> str:
    """A task of the bundled plan."""
    return f"{BUNDLED_PLAN}/{number}"


DUE: Final = ((3, 6), (10, 9), (21, 9), (28, 11), (35, 12), (42, 6), (57, 11))


def edit(kind: str, subject: str | None = None, **fields: Any) -> dict[str, Any]:
    """An invented edit, of a task or of what the fields name, which says that it is one."""
    named = {"task": subject} if subject else {}
    return {"type": kind, "reason": f"{INVENTED}为演示而编写的修改", **named, **fields}


def chance(*words: str) -> int:
    """0 to 99, always the same for the same words."""
    return int.from_bytes(sha256("/".join(words).encode()).digest()[:4]) % 100

"""A small world for the tests of rules: a plan, a task, some units, a group, and what may be said of them."""

from datetime import date

from domain.directory import GroupDefined, GroupMemberAdded, UnitKind, UnitRegistered, UnitSucceeded
from domain.plan import PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.report import Listing, ProgressReported
from domain.task import TaskAdded, TaskUnitAssigned
from domain.values import Role, Sealed, Status
from tests.unit.saying import ADOPTED, Put

PLAN = "credit-2023"
TASK = "credit-2023/1"
STREAM = f"task:{TASK}"


def day(text: str) -> date:
    return date.fromisoformat(text)


def plan() -> tuple[Put, ...]:
    """Two parts: measures 1 and 2 are in part 1, measure 3 is in part 2."""
    stream = f"plan:{PLAN}"
    return (
        Put(stream, PlanAdopted("要点", "市信用办", None, ADOPTED, "", "a" * 64)),
        Put(stream, PlanPartAdded(1, "一")),
        Put(stream, PlanPartAdded(2, "二")),
        Put(stream, PlanMeasureAdded(1, 1, "甲", "甲", "甲。")),
        Put(stream, PlanMeasureAdded(2, 1, "乙", "乙", "乙。")),
        Put(stream, PlanMeasureAdded(3, 2, "丙", "丙", "丙。")),
    )


def task(*, open_ended: bool = False, on: date = ADOPTED, key: str = TASK) -> Put:
    number = int(key.partition("/")[2])
    return Put(f"task:{key}", TaskAdded(number, 1, 1, "推进信用立法。", open_ended, 40), on)


def unit(key: str, name: str | None = None, on: date = ADOPTED) -> Put:
    return Put(f"unit:{key}", UnitRegistered(name or key, UnitKind.BODY), on)


def assigned(key: str, role: Role = Role.LEAD, on: date = ADOPTED) -> Put:
    return Put(STREAM, TaskUnitAssigned(key, role, key), on)


def group(key: str, *members: str, closed: bool = True) -> tuple[Put, ...]:
    stream = f"unit:{key}"
    return (Put(stream, GroupDefined(key, closed)), *(Put(stream, GroupMemberAdded(one)) for one in members))


def succeeded(key: str, *by: str, on: date) -> Put:
    """Nobody: the succession ended."""
    return Put(f"unit:{key}", UnitSucceeded(by), on)


def reported(key: str, period: str, status: Status = Status.IN_PROGRESS, on: date = ADOPTED) -> Put:
    said = ProgressReported(period, status, Sealed("A" * 43), membership=Listing.LISTED)
    return Put(f"report:{TASK}/{key}", said, on)

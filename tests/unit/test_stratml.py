"""StratML wants a goal at least: tasks outside all parts have one, and so does a plan that has none."""

from collections.abc import Sequence
from datetime import date
from xml.etree.ElementTree import Element

import msgspec
import pytest

from api.services.phrases import Lang
from api.services.places import PublicBase
from api.services.told import PlainVoice
from api.standards.stratml import StandingPlan, print_stratml
from projections.as_of import Meta
from projections.views.plans import Counts, PartView, PlanView
from projections.views.reports import EvidenceStatus
from projections.views.tasks import Answered, ReportedStatus, ScheduleStatus, TaskView
from tests.feeds import parsed
from tests.stratml import each, text

META = Meta(
    1, "9f1c3b5a7d2e4860", "0" * 64, 1, "2023-04-03T01:00:00.000000Z", date(2023, 4, 3), "/p", "record.example", "l"
)
PLAN = PlanView(
    id="b",
    title="某计划",
    issuer="某办",
    document_number=None,
    issued_on=date(2023, 1, 1),
    preamble="",
    document="sha256:0",
    counts=Counts(0, 0, 0),
    parts=(),
    measures=(),
    version=1,
)
TASK = TaskView(
    id="b/7",
    plan="b",
    number=3,
    part=None,
    measure=None,
    text="试",
    assignments=(),
    open_ended=False,
    reported_status=ReportedStatus.NOT_REPORTED,
    answered=Answered(0, 0, ()),
    evidence_status=EvidenceStatus.NONE,
    schedule_status=ScheduleStatus.UNSPECIFIED,
    due=None,
    completed_on=None,
    withdrawn=False,
    targets=(),
    platforms=(),
    latest_reports=(),
    source=None,
    version=1,
)


def goals(plan: PlanView, *tasks: TaskView, office: str = "office") -> Sequence[Element]:
    standing = StandingPlan(plan, tasks, (), office, META)
    return each(printed(standing), "Goal")


def printed(standing: StandingPlan) -> Element:
    return parsed(print_stratml(standing, PlainVoice(Lang.EN), PublicBase(None, "http://127.0.0.1:8000")))


@pytest.mark.parametrize("tasks", [(), (TASK,)])
def test_a_plan_without_parts_has_one_goal(tasks: tuple[TaskView, ...]) -> None:
    (goal,) = goals(PLAN, *tasks)
    assert text(goal, "Description")
    assert [text(one, "Identifier") for one in each(goal, "Objective")] == ["t-7"] * len(tasks)


def test_a_task_whose_part_is_not_there_on_that_day_is_told_all_the_same() -> None:
    plan = msgspec.structs.replace(PLAN, parts=(PartView("b", 1, "甲", (), 1),))
    inside = msgspec.structs.replace(TASK, id="b/1", part=1)
    elsewhere = msgspec.structs.replace(TASK, part=2)
    found = [[text(one, "Identifier") for one in each(goal, "Objective")] for goal in goals(plan, inside, elsewhere)]
    assert found == [["t-1"], ["t-7"]]
    assert [text(goal, "Description") for goal in goals(plan, inside)] == ["甲"]


def test_an_office_is_named_so_that_xml_takes_it_for_an_id() -> None:
    document = printed(StandingPlan(PLAN, (), (), "某办/2 b", META))
    assert text(document, "Submitter", "Identifier") == "office----2-b"

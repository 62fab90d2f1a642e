"""Which tasks of a plan a page shows: what can be chosen, and what is asked for most, ready to be followed."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup

from api.pages.blanks import link_apart
from api.pages.standing import was_there
from api.pages.visit import Visit
from api.services.phrases import numeral
from domain.values import Role, last_quarter
from projections.as_of import Rows
from projections.lists import Shown
from projections.views.districts import DistrictRow
from projections.views.names import Directory, UnitRow
from projections.views.plans import PlanView
from projections.views.reports import EvidenceStatus
from projections.views.task_list import TaskFilter, TaskSort, keeps
from projections.views.tasks import ReportedStatus, ScheduleStatus, TaskView


class CommonFilter(NamedTuple):
    """A filter by one name: in words, its address, and whether it is what the page shows."""

    words: Markup
    address: str
    chosen: bool


def common_filters(visit: Visit[Any], path: str, since: date, on: date) -> list[CommonFilter]:
    """What is asked for most of a plan that was issued on a day."""
    quarter, _ = last_quarter(on)
    silent = [("silentIn", quarter, visit.t("filter.silent.in", period=visit.period(quarter)))]
    several: list[tuple[str, str, Markup]] = [
        *(("reportedStatus", one, visit.t(f"status.{one}")) for one in ("completed", "in_progress", "not_reported")),
        *(("scheduleStatus", one, visit.t(f"schedule.{one}")) for one in ("overdue", "completed_late")),
        *(silent if was_there(since, quarter) else ()),
        ("evidenceStatus", "none", visit.t("filter.unproved")),
        ("hasLead", "false", visit.t("filter.leaderless")),
        ("withdrawn", "true", visit.t("task.withdrawn")),
    ]
    return [
        CommonFilter(words, link_apart(path, **{name: value}), visit.own == {name: value})
        for name, value, words in several
    ]


class Choice(NamedTuple):
    """A value that a filter takes, in words; `chinese`: in those of the record."""

    value: str
    words: str
    chinese: bool = False


def choices(
    visit: Visit[Any], plan: PlanView, tasks: Sequence[TaskView], units: Directory, districts: Sequence[DistrictRow]
) -> Mapping[str, Sequence[Choice]]:
    """The values from which each filter takes one."""
    t, taking = visit.t, _taking_part(units, tasks)
    within = {one.district for one in taking}
    platforms = {one.id: one.name for task in tasks for one in task.platforms}
    return {
        "part": [Choice(str(one.number), f"{numeral(one.number)}、{one.title}", chinese=True) for one in plan.parts],
        "measure": [
            Choice(str(one.number), f"（{numeral(one.number)}）{one.title}", chinese=True) for one in plan.measures
        ],
        "unit": [Choice(one.id, one.name, chinese=True) for one in taking],
        "role": [Choice(one, t(f"role.{one}")) for one in Role],
        "district": [Choice(one.code, one.name, chinese=True) for one in districts if one.code in within],
        "platform": [Choice(key, name, chinese=True) for key, name in sorted(platforms.items())],
        "reportedStatus": [Choice(one, t(f"status.{one}")) for one in ReportedStatus],
        "scheduleStatus": [Choice(one, t(f"schedule.{one}")) for one in ScheduleStatus],
        "evidenceStatus": [Choice(one, t(f"evidence.{one}")) for one in EvidenceStatus],
        "silentIn": [Choice(one, visit.period(one)) for one in _quarters(plan.issued_on.year)],
        "hasLead": [Choice("true", t("filter.led")), Choice("false", t("filter.leaderless"))],
        "withdrawn": [Choice("true", t("yes")), Choice("false", t("no"))],
        "sort": [Choice(one, t(f"sort.{one}")) for one in TaskSort],
    }


def in_words(visit: Visit[Any], values: Mapping[str, Sequence[Choice]]) -> Markup:
    """What is asked for, each filter by the words of its value."""
    return visit.t("sum.comma").join(
        _in_words(visit, name, value, values.get(name, ())) for name, value in visit.own.items() if name != "sort"
    )


def _in_words(visit: Visit[Any], name: str, value: str, among: Sequence[Choice]) -> Markup:
    match name:
        case "silentIn":
            return visit.t("filter.silent.in", period=visit.period(value))
        case "withdrawn":
            return visit.t("task.withdrawn") if value == "true" else visit.t("filter.live")
        case "evidenceStatus" if value == "none":
            return visit.t("filter.unproved")
        case "number":
            return visit.t("task.n", number=value)
        case _:
            words = next((one for one in among if one.value == value), Choice(value, value, chinese=True))
            return visit.words(words.words) if words.chinese else visit.t("sum.word", word=words.words)


def _quarters(year: int) -> list[str]:
    return [f"{year}-Q{quarter}" for quarter in range(1, 5)]


def named_in(tasks: Sequence[TaskView]) -> Hashable:
    """Whom and what these tasks name: with what those are called it tells what can be chosen."""
    named = frozenset(one.assignee.id for task in tasks for one in task.assignments)
    return named, frozenset(one.id for task in tasks for one in task.platforms)


def _taking_part(units: Directory, tasks: Sequence[TaskView]) -> list[UnitRow]:
    """Who takes part in any of these tasks, itself, through a group or by succession: by whom they can be filtered."""
    named = {one.assignee.id for task in tasks for one in task.assignments}
    found = {one for assignee in named for one in units.behind(assignee)}
    return sorted(units.each(found), key=lambda one: (one.kind, one.id))


def chosen(which: TaskFilter, rows: Rows, on: date, every: Sequence[Shown[TaskView]]) -> Sequence[Shown[TaskView]]:
    """Those of a plan's tasks that are asked for, in the order asked for."""
    kept = keeps(which, rows, on)
    found = [one for one in every if _stands_in(one.view, which) and (kept is None or kept(one.view))]
    by_due = which.sort in {TaskSort.DUE, TaskSort.DUE_DOWN}

    def place(one: Shown[TaskView]) -> tuple[Any, ...]:
        number = one.view.number, int(one.view.id.rpartition("/")[2])
        return (one.view.due or date.max, *number) if by_due else number

    return sorted(found, key=place, reverse=which.sort.startswith("-"))


def _stands_in(task: TaskView, which: TaskFilter) -> bool:
    """Whether a task has the number, the part and the measure that are asked for: a list's rows tell it otherwise."""
    return (
        which.number in {None, task.number}
        and which.part in {None, task.part}
        and which.measure in {None, task.measure}
    )

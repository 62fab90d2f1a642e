"""Sentences that answer; how a task stands: its status, who has reported of those who should, and its deadline."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from markupsafe import Markup

from api.pages.visit import Visit
from projections.views.tasks import ScheduleStatus, TaskView

_LONGEST: Final = 60  # characters of a sentence that answers
_CLAUSE: Final = re.compile(r"[^,，。；;:：(（]+")
_FIRST: Final = 18  # characters of a text that a heading has at most


def first_words(text: str) -> str:
    """What a task begins with, up to the end of its first clause: by that people know it."""
    found = _CLAUSE.match(text)
    clause = found[0].strip() if found else text
    return clause if len(clause) <= _FIRST else f"{clause[:_FIRST]}…"


def that_fits(sentences: Iterable[Markup]) -> Markup:
    """The first of some sentences, the fullest first, that is short enough to answer with; if none is, the last."""
    said = Markup()
    for said in sentences:
        if len(said.striptags()) <= _LONGEST:
            break
    return said


def sentence(task: TaskView, withdrawn_on: date | None, on: date, visit: Visit[Any]) -> Markup:
    """The sentence, of at most 60 characters; nothing is said of an open list that only a closed one allows."""
    if task.withdrawn:
        return visit.t("stands.withdrawn", day=visit.day(withdrawn_on or on))
    due = _due(task, on, visit)
    if not task.answered.of and task.answered.of is not None:
        return visit.t("stands.nobody", due=due)
    status = visit.t(f"status.{task.reported_status}")
    return visit.t("stands.task", status=status, reported=_reported(task, visit), due=due)


def _reported(task: TaskView, visit: Visit[Any]) -> Markup:
    count, of = task.answered.count, task.answered.of
    match count, of:
        case 0, None:
            return visit.t("stands.open.none")
        case _, None:
            return visit.t("stands.open", count=count)
        case 0, 1:
            return visit.t("stands.one.silent")
        case 1, 1:
            return visit.t("stands.one")
        case 0, _:
            return visit.t("stands.none", of=of)
        case _ if count == of:
            return visit.t("stands.all", of=of)
        case _:
            return visit.t("stands.some", count=count, of=of)


def _due(task: TaskView, on: date, visit: Visit[Any]) -> Markup:
    if task.due is None:
        return visit.t("stands.nodue")
    match task.schedule_status:
        case ScheduleStatus.OVERDUE:
            return visit.t("stands.overdue", days=(on - task.due).days)
        case ScheduleStatus.COMPLETED_ON_TIME:
            return visit.t("stands.ontime")
        case ScheduleStatus.COMPLETED_LATE if task.completed_on:
            return visit.t("stands.late", days=(task.completed_on - task.due).days)
        case _:
            return visit.t("stands.due", day=visit.day(task.due))

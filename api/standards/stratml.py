"""A plan as StratML Part 2 (ISO 17469, performance plans and reports; schema of 16 February 2016), printed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from api.services.phrases import numeral
from api.services.places import PublicBase
from api.services.told import PlainVoice
from domain.values import Status, period_days
from domain.words import escaped
from events.demo import is_demo
from projections.as_of import Meta
from projections.views.names import AssigneeKind
from projections.views.plans import MeasureView, PartView, PlanView
from projections.views.targets import TargetView
from projections.views.tasks import AssignmentView, TaskView

_STRATML: Final = "urn:ISO:std:iso:17469:tech:xsd:PerformancePlanOrReport"


class StandingPlan(NamedTuple):
    """A plan as it stands at a moment: its tasks, what they promise in figures, and which office entered it."""

    plan: PlanView
    tasks: Sequence[TaskView]
    targets: Sequence[TargetView]
    entered_by: str
    meta: Meta


def print_stratml(standing: StandingPlan, voice: PlainVoice, base: PublicBase) -> bytes:
    """The plan as XML: each part a goal, each task an objective, each assignment a stakeholder of its objective.

    It is a report once anything was reported. No text that may be erased stands in it.
    """
    plan = standing.plan
    reported = any(one.latest_reports for one in standing.tasks)
    root = Element(
        "PerformancePlanOrReport",
        {"xmlns": _STRATML, "Type": "Performance_Report" if reported else "Performance_Plan"},
    )
    _text(root, "Name", plan.title)
    _text(root, "Description", plan.preamble)
    _text(root, "OtherInformation", "\n".join(_provenance(standing, voice)))
    core = SubElement(root, "StrategicPlanCore")
    _text(SubElement(core, "Organization"), "Name", plan.issuer)
    _Goals(standing, voice, base).add_to(core)
    administrative = SubElement(root, "AdministrativeInformation")
    _text(administrative, "Identifier", f"plan-{plan.id}")
    _text(administrative, "PublicationDate", plan.issued_on.isoformat())
    _text(administrative, "Source", base.whole(standing.meta.self_))
    _text(SubElement(root, "Submitter"), "Identifier", f"office-{re.sub('[^A-Za-z0-9._-]', '-', standing.entered_by)}")
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _text(parent: Element, name: str, text: str) -> None:
    """An element with a text, in which stands by its code what XML cannot hold; none for an empty text."""
    if text:
        SubElement(parent, name).text = escaped(text)


def _provenance(standing: StandingPlan, voice: PlainVoice) -> Iterator[str]:
    """Of which document this is told, and at which moment of which record."""
    plan, meta = standing.plan, standing.meta
    if is_demo(meta.origin):
        yield voice.t("demo.notice")
    if plan.document_number:
        yield _told(voice, voice.t("plan.number"), plan.document_number)
    yield _told(voice, voice.t("plan.document"), plan.document)
    yield _told(voice, voice.t("foot.origin"), meta.origin)
    yield _told(voice, voice.t("stratml.position"), f"{meta.log}:{meta.position} ({meta.as_of})")
    yield _told(voice, voice.t("stratml.day"), meta.effective_on.isoformat())
    yield _told(voice, voice.t("stratml.root"), meta.root)
    yield _told(voice, voice.t("foot.license"), meta.license)


def _told(voice: PlainVoice, label: str, value: str) -> str:
    return voice.t("feed.detail", label=label, value=value)


class _Goals:
    """The goals of a plan, each with its objectives."""

    def __init__(self, standing: StandingPlan, voice: PlainVoice, base: PublicBase) -> None:
        self._plan = standing.plan
        self._voice = voice
        self._base = base
        self._measures: Mapping[int, MeasureView] = {one.number: one for one in standing.plan.measures}
        self._targets: dict[str, list[TargetView]] = {}
        for target in standing.targets:
            self._targets.setdefault(target.task, []).append(target)
        self._tasks: dict[int | None, list[TaskView]] = {}
        parts = {one.number for one in standing.plan.parts}
        for task in standing.tasks:
            self._tasks.setdefault(self._part_of(task, parts), []).append(task)

    def _part_of(self, task: TaskView, parts: set[int]) -> int | None:
        measure = self._measures.get(task.measure) if task.measure is not None else None
        part = measure.part if measure else task.part
        return part if part in parts else None

    def add_to(self, core: Element) -> None:
        """Add them; what is in no part makes a goal of its own, as does a plan that has none."""
        for part in self._plan.parts:
            measures = [one for one in self._plan.measures if one.part == part.number]
            self._goal(core, part, measures)
        if self._tasks.get(None) or not self._plan.parts:
            goal = SubElement(core, "Goal")
            _text(goal, "Name", self._voice.t("plan.unplaced"))
            _text(goal, "Description", self._voice.t("plan.unplaced"))
            _text(goal, "Identifier", "unplaced")
            self._objectives(goal, None)

    def _goal(self, core: Element, part: PartView, measures: Sequence[MeasureView]) -> None:
        goal = SubElement(core, "Goal")
        _text(goal, "Name", part.title)
        _text(goal, "Description", "\n".join(map(_headed, measures)) or part.title)
        _text(goal, "Identifier", f"part-{part.number}")
        _text(goal, "SequenceIndicator", str(part.number))
        _text(goal, "OtherInformation", "\n\n".join(map(self._prose, measures)))
        self._objectives(goal, part.number)

    def _prose(self, measure: MeasureView) -> str:
        """A measure whole: its heading and text, and what no task carries of it."""
        lines = [_headed(measure), measure.text]
        if measure.unassigned:
            lines += [self._voice.t("plan.unassigned"), *measure.unassigned]
        return "\n".join(filter(None, lines))

    def _objectives(self, goal: Element, part: int | None) -> None:
        for task in self._tasks.get(part, ()):
            self._objective(goal, task)

    def _objective(self, goal: Element, task: TaskView) -> None:
        objective, key = SubElement(goal, "Objective"), f"t-{task.id.rpartition('/')[2]}"
        name = self._voice.t("task.n", number=task.number)
        if task.withdrawn:
            name = self._voice.t("who.how", who=name, how=self._voice.t("task.withdrawn"))
        _text(objective, "Name", name)
        _text(objective, "Description", task.text)
        _text(objective, "Identifier", key)
        _text(objective, "SequenceIndicator", str(task.number))
        for one in task.assignments:
            self._stakeholder(objective, one)
        _text(objective, "OtherInformation", "\n".join(self._standing(task)))
        for target in self._targets.get(task.id, ()):
            self._figure(objective, f"{key}-{target.target}", target, task.due)
        if task.due or task.latest_reports:
            self._progress(objective, f"{key}-progress", task)

    def _stakeholder(self, objective: Element, one: AssignmentView) -> None:
        """Who takes part, under its name at the moment, with the very words that it was read from."""
        voice = self._voice
        group = one.assignee.kind == AssigneeKind.GROUP
        who = SubElement(
            objective, "Stakeholder", {"StakeholderTypeType": "Generic_Group" if group else "Organization"}
        )
        _text(who, "Name", one.assignee.name)
        lines = [
            _told(voice, voice.t("task.literal"), one.literal),
            _told(voice, voice.t("stratml.id"), one.assignee.id),
        ]
        if one.acting_units:
            acting = voice.listed([acting.name for acting in one.acting_units])
            lines.append(_told(voice, voice.t("task.acting"), acting))
        _text(who, "Description", "\n".join(lines))
        role = SubElement(who, "Role")
        _text(role, "Name", voice.t(f"role.{one.role}"))
        _text(role, "RoleType", "Performer")

    def _standing(self, task: TaskView) -> Iterator[str]:
        """How a task stands, in words, and what else is known of it."""
        voice = self._voice
        if task.withdrawn:
            yield voice.t("task.withdrawn")
        if task.measure is not None and (measure := self._measures.get(task.measure)):
            yield _told(voice, voice.t("task.measure"), _headed(measure))
        if task.open_ended:
            yield voice.t("task.open")
        yield _told(voice, voice.t("field.reportedStatus"), voice.t(f"status.{task.reported_status}"))
        yield _told(voice, voice.t("field.scheduleStatus"), voice.t(f"schedule.{task.schedule_status}"))
        if task.completed_on:
            yield voice.t("task.completedon", day=voice.day(task.completed_on))
        if task.platforms:
            yield _told(voice, voice.t("task.platforms"), voice.listed([one.name for one in task.platforms]))
        if task.source and task.source.line:
            yield _told(voice, voice.t("task.source"), voice.t("task.source.line", line=task.source.line))

    def _figure(self, objective: Element, key: str, target: TargetView, due: date | None) -> None:
        """A number that the task's text promises, and what was reported towards it."""
        instance = _indicator(objective, "Quantitative", target.literal, target.unit, key)
        goal = SubElement(instance, "TargetResult")
        _text(goal, "EndDate", due.isoformat() if due else "")
        _text(goal, "NumberOfUnits", target.value)
        for one in target.reported:
            actual = self._actual(instance, one.period)
            _text(actual, "NumberOfUnits", one.value)
            _text(actual, "Description", self._by(one.unit.name, one.period, one.self_))

    def _progress(self, objective: Element, key: str, task: TaskView) -> None:
        """What a recorded deadline asks for, and the reports that count: each unit's status for its period."""
        voice = self._voice
        instance = _indicator(objective, "Qualitative", voice.t("stratml.progress"), voice.t("stratml.status"), key)
        if task.due:
            target = SubElement(instance, "TargetResult")
            _text(target, "EndDate", task.due.isoformat())
            _describe(target, voice.t("task.due"), voice.t(f"status.{Status.COMPLETED}"))
        for one in task.latest_reports:
            actual = self._actual(instance, one.period)
            _describe(actual, one.unit.name, voice.t(f"status.{one.status}"))
            _text(actual, "Description", self._by(one.unit.name, one.period, one.self_))

    def _actual(self, instance: Element, period: str) -> Element:
        """A result of a period; the period's days are those of the calendar."""
        first, last = period_days(period)
        actual = SubElement(instance, "ActualResult")
        _text(actual, "StartDate", first.isoformat())
        _text(actual, "EndDate", last.isoformat())
        return actual

    def _by(self, unit: str, period: str, path: str) -> str:
        return f"{self._voice.t('who.how', who=unit, how=period)} {self._base.whole(path)}"


def _headed(measure: MeasureView) -> str:
    """A measure's number and title, as the plan writes them."""
    return f"({numeral(measure.number)}){measure.title}"


def _indicator(objective: Element, kind: str, dimension: str, unit: str, key: str) -> Element:
    """The one measurement of a new indicator, still empty."""
    indicator = SubElement(objective, "PerformanceIndicator", {"PerformanceIndicatorType": kind})
    _text(indicator, "MeasurementDimension", dimension)
    SubElement(indicator, "UnitOfMeasurement").text = escaped(unit)
    _text(indicator, "Identifier", key)
    return SubElement(indicator, "MeasurementInstance")


def _describe(result: Element, name: str, value: str) -> None:
    descriptor = SubElement(result, "Descriptor")
    _text(descriptor, "DescriptorName", name)
    _text(descriptor, "DescriptorValue", value)

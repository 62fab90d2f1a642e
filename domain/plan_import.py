"""The import: one command that turns an official document into the facts that begin a plan's record."""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import Annotated, ClassVar

from msgspec import Meta

from domain.directory import (
    District,
    DistrictRegistered,
    GroupDefined,
    GroupMemberAdded,
    Platform,
    PlatformAliasAdded,
    PlatformRegistered,
    Unit,
    UnitAliasAdded,
    UnitKind,
    UnitRegistered,
)
from domain.document import read
from domain.document.draft import DraftTask, Reading
from domain.document.reference import REFERENCE, KnownGroup, KnownPlatform, KnownUnit
from domain.errors import AlreadyExists, NotAPlan, UnitsUnknown
from domain.plan import Plan, PlanAdopted, PlanMeasureAdded, PlanPartAdded
from domain.record import Command, New, Record
from domain.task import TaskAdded, TaskDeadlineSet, TaskTargetSet, TaskUnitAssigned
from domain.values import LATEST, Name, PlanId, UnitId

DocumentText = Annotated[
    str, Meta(min_length=1, max_length=1_000_000, description="The official document, as it came, page noise and all.")
]


class ImportPlan(Command, frozen=True, kw_only=True, tag="plan.import"):
    """Import an official document. Everything holds from the document's date, unless `effectiveOn` says otherwise."""

    CLEANED: ClassVar[frozenset[str]] = frozenset({"text"})

    plan: PlanId
    text: DocumentText
    issuer: Name
    issued_on: date
    document_number: Name | None = None
    unit_ids: Annotated[
        dict[Name, UnitId], Meta(description="Ids for units that the directory does not know, by their name.")
    ] = {}  # noqa: RUF012 - msgspec copies an empty default for each instance

    @property
    def stream(self) -> str:
        """The plan's stream."""
        return f"plan:{self.plan}"

    def default_date(self, today: date) -> date:  # noqa: ARG002 - a document holds from its own date
        """The document's date."""
        return self.issued_on

    def decide(self, record: Record) -> Iterator[New]:
        """Districts, units, groups, members, aliases, platforms, the plan, its parts and measures, tasks, targets."""
        if record.find(Plan, self.plan, LATEST) is not None:
            raise AlreadyExists(f"plan {self.plan} is there already", pointer="/plan")
        reading = read(self.text)
        if not reading.is_plan:
            raise NotAPlan("this document is no work plan of a known form", [one.detail for one in reading.doubts])
        ids = self._unit_ids(reading, record)
        yield from directory_facts(reading, ids, record)
        yield from self._plan_facts(reading)
        yield from self._task_facts(reading, ids)

    def _unit_ids(self, reading: Reading, record: Record) -> dict[str, str]:
        """The id of every name in the document."""
        known = {one.name: one.id for one in (*REFERENCE.units, *REFERENCE.groups)}
        names = list(dict.fromkeys(unknown_units(reading)))
        missing = [name for name in names if name not in self.unit_ids]
        if missing:
            raise UnitsUnknown(missing)
        for name in names:
            self._check_free(name, known, record)
        return known | {name: self.unit_ids[name] for name in names}

    def _check_free(self, name: str, known: dict[str, str], record: Record) -> None:
        """Refuse an id that is another unit's: of this document, of the directory, or of the record."""
        key = self.unit_ids[name]
        there = record.find(Unit, key)
        others = [other for other, id_ in (known | self.unit_ids).items() if id_ == key and other != name]
        if there and name not in {there.name, *there.aliases}:
            others.append(there.name)
        if others:
            raise AlreadyExists(f"the id {key} that is given to {name} is that of {others[0]}", pointer="/unitIds")

    def _plan_facts(self, reading: Reading) -> Iterator[New]:
        document = sha256(self.text.encode()).hexdigest()
        yield (
            self.stream,
            PlanAdopted(
                reading.title or self.plan,
                self.issuer,
                self.document_number,
                self.issued_on,
                reading.preamble,
                document,
            ),
        )
        for part in reading.parts:
            yield self.stream, PlanPartAdded(part.number, part.title, part.line)
        for one in reading.measures:
            yield (
                self.stream,
                PlanMeasureAdded(one.number, one.part, one.title, one.heading, one.text, one.unassigned, one.line),
            )

    def _task_facts(self, reading: Reading, ids: dict[str, str]) -> Iterator[New]:
        streams = {key: f"task:{self.plan}/{key}" for key, _ in enumerate(reading.tasks, 1)}
        for key, task in enumerate(reading.tasks, 1):
            yield (
                streams[key],
                TaskAdded(task.number, task.part, task.measure, task.text, task.open_ended, task.line),
            )
            for one in task.assignments:
                name = one.unit or one.literal
                yield streams[key], TaskUnitAssigned(ids[name], one.role, one.literal)
        for key, task in enumerate(reading.tasks, 1):
            if task.due:
                yield streams[key], TaskDeadlineSet(task.due)
            for number, target in enumerate(task.targets, 1):
                yield streams[key], TaskTargetSet(number, target.literal, target.value, target.unit)


def unknown_units(reading: Reading) -> Iterator[str]:
    """Names of the document that the directory has no unit for."""
    return (one.literal for task in reading.tasks for one in task.assignments if one.unit is None)


def directory_facts(reading: Reading, ids: dict[str, str], record: Record) -> Iterator[New]:
    """What the document needs of the directory and the record does not show at the document's date."""
    named = {ids[one.unit or one.literal] for task in reading.tasks for one in task.assignments}
    groups = [one for one in REFERENCE.groups if one.id in named]
    units = [one for one in REFERENCE.units if one.id in named or one.kind == "district_government"]
    strange = {name: ids[name] for name in unknown_units(reading)}
    platforms = [one for one in REFERENCE.platforms if _mentioned(one, reading.tasks)]
    for district in REFERENCE.districts:
        if record.find(District, district.code) is None:
            yield f"district:{district.code}", DistrictRegistered(district.name)
    yield from _unit_facts(units, strange, record)
    yield from _group_facts(groups, record)
    yield from _alias_facts({one.id for one in units}, record)
    for platform in platforms:
        yield from _platform_facts(platform, record)


def _mentioned(platform: KnownPlatform, tasks: Sequence[DraftTask]) -> bool:
    return any(name in task.text for task in tasks for name in (platform.name, *platform.aliases))


def _unit_facts(units: Sequence[KnownUnit], strange: dict[str, str], record: Record) -> Iterator[New]:
    for unit in sorted(units, key=lambda one: one.kind != UnitKind.BODY):
        if record.find(Unit, unit.id) is None:
            yield f"unit:{unit.id}", UnitRegistered(unit.name, UnitKind(unit.kind), unit.district)
    for name, key in strange.items():
        if record.find(Unit, key) is None:
            yield f"unit:{key}", UnitRegistered(name, UnitKind.BODY)


def _group_facts(groups: Sequence[KnownGroup], record: Record) -> Iterator[New]:
    there = {one.id: record.find(Unit, one.id) for one in groups}
    for group in groups:
        if there[group.id] is None:
            yield f"unit:{group.id}", GroupDefined(group.name, group.closed)
    for group in groups:
        shown = there[group.id]
        for member in group.members:
            if shown is None or member not in shown.members:
                yield f"unit:{group.id}", GroupMemberAdded(member)


def _alias_facts(registered: set[str], record: Record) -> Iterator[New]:
    for alias in REFERENCE.aliases:
        there = record.find(Unit, alias.unit)
        if alias.unit in registered and (there is None or alias.alias not in {there.name, *there.aliases}):
            yield f"unit:{alias.unit}", UnitAliasAdded(alias.alias)


def _platform_facts(platform: KnownPlatform, record: Record) -> Iterator[New]:
    there = record.find(Platform, platform.id)
    if there is None:
        yield f"platform:{platform.id}", PlatformRegistered(platform.name)
    for alias in platform.aliases:
        if there is None or alias not in {there.name, *there.aliases}:
            yield f"platform:{platform.id}", PlatformAliasAdded(alias)

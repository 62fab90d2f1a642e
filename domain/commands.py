"""All commands and all facts, gathered from their subjects' pages: the table fact → command → subject field.

| Fact | Command | Subject field |
|---|---|---|
| plan.adopted, plan.part_added, plan.measure_added, task.added | plan.import | plan |
| task.reworded | task.reword | task |
| task.renumbered | task.renumber | task |
| task.moved | task.move | task |
| task.unit_assigned | task.assign_unit | task |
| task.unit_released | task.release_unit | task |
| task.deadline_set | task.set_deadline | task |
| task.target_set | task.set_target | task |
| task.withdrawn | task.withdraw | task |
| task.reinstated | task.reinstate | task |
| progress.reported | progress.report | task, unit |
| unit.registered | unit.register | unit |
| unit.renamed | unit.rename | unit |
| unit.alias_added | unit.add_alias | unit |
| unit.succeeded | unit.succeed | unit |
| group.defined | group.define | unit |
| group.member_added | group.add_member | unit |
| group.member_removed | group.remove_member | unit |
| district.registered | district.register | district |
| platform.registered | platform.register | platform |
| platform.alias_added | platform.add_alias | platform |
| fact.voided | fact.void | target |
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

import msgspec

from domain import directory, plan, report, task
from domain.directory import DirectoryCommands, DistrictRegistered, PlatformFact, UnitFact
from domain.fact import Fact, subject_of, tag
from domain.plan import PlanFact
from domain.plan_import import ImportPlan
from domain.record import State, command_name
from domain.report import ProgressReported, ReportCommands
from domain.task import TaskCommands, TaskFact
from domain.undo import FactVoided, VoidFact

AnyCommand = ImportPlan | TaskCommands | ReportCommands | DirectoryCommands | VoidFact
AnyFact = PlanFact | TaskFact | ProgressReported | UnitFact | DistrictRegistered | PlatformFact | FactVoided

FACTS: Final[dict[str, type[Fact]]] = {tag(one): one for one in get_args(AnyFact)}


class Stream(NamedTuple):
    """How the facts of one kind of stream fold: (state, fact, position) → state.

    A timeless subject's first slice begins at −infinity.
    """

    evolve: Callable[[Any, Any, int], State | None]
    timeless: bool = False


def _without_event(evolve: Callable[[Any, Any], State | None]) -> Callable[[Any, Any, int], State | None]:
    """Most subjects do not care at which position a fact stands."""
    return lambda state, fact, _: evolve(state, fact)


STREAMS: Final = {
    plan.Plan.KIND: Stream(_without_event(plan.evolve)),
    task.Task.KIND: Stream(_without_event(task.evolve)),
    report.Reports.KIND: Stream(report.evolve),
    directory.Unit.KIND: Stream(_without_event(directory.evolve_unit), timeless=True),
    directory.District.KIND: Stream(_without_event(directory.evolve_district), timeless=True),
    directory.Platform.KIND: Stream(_without_event(directory.evolve_platform), timeless=True),
}


COMMANDS: Final = tuple(sorted(command_name(one) for one in get_args(AnyCommand)))


def kind_of_stream(stream: str) -> Stream:
    """How the facts of `stream` fold."""
    return STREAMS[subject_of(stream)[0]]


def decode_commands(body: bytes) -> list[AnyCommand]:
    """One command or a list of them; msgspec.ValidationError or DecodeError says what is wrong with the bytes."""
    if body.lstrip()[:1] == b"[":
        return msgspec.json.decode(body, type=list[AnyCommand])
    return [msgspec.json.decode(body, type=AnyCommand)]

"""All commands and all facts, gathered from their subjects' pages.

A command's `decide` says which facts it makes and when; the field that its stream is named by is its subject.
"""

from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec

from domain import directory, log, plan, report, task
from domain.directory import DirectoryCommands, DistrictRegistered, PlatformFact, UnitFact
from domain.fact import Fact, subject_of, tag
from domain.log import LogContinued
from domain.plan import PlanFact
from domain.plan_import import ImportPlan
from domain.record import Placed, State, command_name
from domain.report import ProgressReported, ReportCommands
from domain.task import TaskCommands, TaskFact
from domain.undo import FactVoided, RetractPlan, VoidFact

AnyCommand = ImportPlan | TaskCommands | ReportCommands | DirectoryCommands | VoidFact | RetractPlan
AnyFact = (
    PlanFact | TaskFact | ProgressReported | UnitFact | DistrictRegistered | PlatformFact | FactVoided | LogContinued
)

FACTS: Final[dict[str, type[Fact]]] = {tag(one): one for one in get_args(AnyFact)}


Evolve = Callable[[Any, Any, Placed], State | None]
"""How the facts of one kind of stream fold: (state, fact, where it stands) → state."""


def _wherever(evolve: Callable[[Any, Any], State | None]) -> Evolve:
    """Most subjects do not care where a fact stands."""
    return lambda state, fact, _: evolve(state, fact)


STREAMS: Final[dict[str, Evolve]] = {
    plan.Plan.KIND: _wherever(plan.evolve),
    task.Task.KIND: _wherever(task.evolve),
    report.Reports.KIND: report.evolve,
    directory.Unit.KIND: _wherever(directory.evolve_unit),
    directory.District.KIND: _wherever(directory.evolve_district),
    directory.Platform.KIND: _wherever(directory.evolve_platform),
    log.Lineage.KIND: _wherever(log.evolve_log),
}


COMMANDS: Final = tuple(sorted(command_name(one) for one in get_args(AnyCommand)))


def evolve_of(stream: str) -> Evolve:
    """How the facts of `stream` fold."""
    return STREAMS[subject_of(stream)[0]]


def decode_commands(body: bytes) -> list[AnyCommand]:
    """One command or a list of them; msgspec.ValidationError or DecodeError says what is wrong with the bytes."""
    if body.lstrip()[:1] == b"[":
        return msgspec.json.decode(body, type=list[AnyCommand])
    return [msgspec.json.decode(body, type=AnyCommand)]

"""All commands and all facts, gathered from their subjects' pages.

A command's `decide` says which facts it makes and when; the field that its stream is named by is its subject.
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

"""What a page of a whole plan shows of a task: far fewer look different than are, as most reports change no look."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from projections.documents import digest_of
from projections.lists import Shown
from projections.memory import Memory
from projections.views.names import Named
from projections.views.tasks import AssignmentView, ReportedStatus, ScheduleStatus, TaskView

_WEIGHT: Final = 4  # bytes that a look takes for each byte of its JSON


class Look(msgspec.Struct, frozen=True):
    """A task as such a page shows it. Nothing else of a task may be shown there: by this it is remembered."""

    id: str
    plan: str
    number: int
    part: int | None
    measure: int | None
    text: str
    assignments: tuple[AssignmentView, ...]
    reported_status: ReportedStatus
    schedule_status: ScheduleStatus
    due: date | None
    withdrawn: bool
    platforms: tuple[Named, ...]


def looks_of(memory: Memory, tasks: Sequence[Shown[TaskView]]) -> list[Shown[Look]]:
    """How these tasks look, in their order, each with the digest that names its look."""
    keys = [("look of task", one.name) for one in tasks]
    found: list[Any] = memory.several(keys)
    return [look or _kept(memory, key, one.view) for look, key, one in zip(found, keys, tasks, strict=True)]


def _kept(memory: Memory, key: tuple[str, bytes], task: TaskView) -> Shown[Look]:
    look = msgspec.convert(task, Look, from_attributes=True)
    content = msgspec.json.encode(look)
    shown = Shown(look, b"", digest_of(content))
    memory.put(key, shown, _WEIGHT * len(content))
    return shown

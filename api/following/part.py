"""Which part of a log is followed: what is asked for, what has to be known beside it, what its tables can hold."""

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from domain.commands import FACTS
from domain.fact import subject_of

DIRECTORY: Final = ("unit", "group", "district", "platform")  # who and where: what facts about them begin with
WHOLE_KINDS: Final = ("plan", "task", "unit", "district")
OF_TASKS: Final = ("tasks", "taskCounts")  # what units and districts show of tasks


class FollowedPart(msgspec.Struct, frozen=True, dict=True):
    """The filters of `/v1/events` that were chosen, by their names there; none: the whole log."""

    filters: Mapping[str, str]

    @property
    def whole(self) -> bool:
        """Whether it is the whole log, whose root is that of the facts themselves."""
        return not self.filters

    @property
    def said(self) -> str:
        """As its user would name it."""
        return " and ".join(f"{name} {value}" for name, value in self.filters.items()) or "the whole log"

    @cached_property
    def kind(self) -> str:
        """The kind of subject that it is about: its facts are all there. Empty where they may not be."""
        (name, *others) = self.filters or ("",)
        return name if name in WHOLE_KINDS and not others else ""

    @property
    def key(self) -> str:
        """The id of that subject."""
        return self.filters.get(self.kind, "")

    @cached_property
    def feeds(self) -> tuple[Mapping[str, str], ...]:
        """What is asked for, first, and beside it what its tables need: who and where, and of a task its plan."""
        if self.whole or not self.kind:
            return (self.filters,)
        types = sorted(one for one in FACTS if one.partition(".")[0] in DIRECTORY)
        above = ({"stream": f"plan:{self.key.partition('/')[0]}"},) if self.kind == "task" else ()
        return (self.filters, {"type": ",".join(types)}, *above)

    def complete(self, stream: str) -> bool:
        """Whether every fact of a stream is brought: then one that is missing is seen by the versions."""
        if self.whole:
            return True
        kind, key = subject_of(stream)
        match self.kind:
            case "plan":
                own = kind in {"plan", "task", "report"} and key.partition("/")[0] == self.key
            case "task":
                own = stream == f"task:{self.key}" or stream.startswith(f"report:{self.key}/")
                own = own or stream == f"plan:{self.key.partition('/')[0]}"
            case "":
                return stream == self.filters.get("stream") and len(self.filters) == 1
            case _:
                own = False
        return own or kind in DIRECTORY

    def holds(self, stream: str, district: str | None = None) -> bool:
        """Whether the tables have a subject: of a unit by the district that it is in."""
        if self.whole:
            return True
        kind, key = subject_of(stream)
        match self.kind:
            case "plan":
                return kind in {"plan", "task"} and key.partition("/")[0] == self.key
            case "district":
                return (kind == "unit" and district == self.key) or stream == f"district:{self.key}"
            case "":
                return False
            case _:
                return stream == f"{self.kind}:{self.key}"

    @property
    def lacks(self) -> tuple[str, ...]:
        """The fields that items of units and districts do not have: those that tell of tasks nobody brings."""
        return () if self.whole else OF_TASKS

"""A fact: something that was decided, in the past tense, with a versioned tag that is never reused."""

from typing import Any, ClassVar

import msgspec

from domain.errors import Unrecordable
from domain.misfit import misfit

Ground = tuple[str, int]
"""A part, a measure or a target of a subject, as `("part", 3)`."""


class Fact(msgspec.Struct, frozen=True, tag_field="type", rename="camel", forbid_unknown_fields=True):
    """Base of all facts. Subject and reason stand in the envelope, as stream and cause: fields repeat neither.

    `FOUNDS`: it makes a subject that is timeless, so that it holds from −infinity, whatever its date. `MOVES_DUTIES`:
    who takes part in a task, or stands behind a unit, may be others by it. `STANDS`: it is neither voided nor replaced.
    """

    FOUNDS: ClassVar[bool] = False
    MOVES_DUTIES: ClassVar[bool] = False
    STANDS: ClassVar[bool] = False

    def refers(self) -> tuple[str, ...]:
        """Streams of the other subjects this fact names, so that none of them is voided under it."""
        return ()

    def holds_in(self, state: Any) -> bool:  # noqa: ARG002 - for those that can tell
        """Whether its subject is already as it says; asked of what gives and takes parts alone."""
        return False

    def gives(self) -> Ground | None:
        """What of its subject others may stand on: a part, a measure, a target."""
        return None


def tag(fact: Fact | type[Fact]) -> str:
    """`task.reworded.v1` of a fact or its class."""
    return str(fact.__struct_config__.tag)


def subject_of(stream: str) -> tuple[str, str]:
    """`task:shanghai-credit-2023/12` → `("task", "shanghai-credit-2023/12")`."""
    kind, _, key = stream.partition(":")
    return kind, key


def above(stream: str) -> tuple[str, ...]:
    """The streams of the subjects that a stream's own name names: a task's plan, a report's task and unit."""
    kind, key = subject_of(stream)
    match kind:
        case "task":
            return (f"plan:{key.partition('/')[0]}",)
        case "report":
            task, unit = key.rsplit("/", 1)
            return (f"task:{task}", f"unit:{unit}")
        case _:
            return ()


def recordable(fact: Fact) -> Fact:
    """The fact, if the log will be able to read it again; Unrecordable says what its shape does not allow."""
    try:
        return msgspec.convert(data_of(fact), type(fact))
    except msgspec.ValidationError as error:
        found = misfit(error, type(fact))
        raise Unrecordable(f"{tag(fact)} cannot be recorded: {found.pointer}: {found.sentence}") from error


def data_of(fact: Fact) -> dict[str, Any]:
    """A fact's fields as JSON values, without its tag."""
    data: dict[str, Any] = msgspec.to_builtins(fact)
    del data["type"]
    return data

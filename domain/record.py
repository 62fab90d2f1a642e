"""What a command may read, and what every command says."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar, cast

import msgspec
from msgspec import Meta

from domain.errors import Unknown
from domain.fact import Fact
from domain.values import LATEST, Position, Sealed

if TYPE_CHECKING:
    from domain.directory import District, Platform, Unit
    from domain.plan import Plan
    from domain.report import Reports
    from domain.task import Task

State = msgspec.Struct
S = TypeVar("S")


class Past(msgspec.Struct, frozen=True):
    """A recorded fact as a rule sees it: where it stands, whether its subject stands on it, and what undid it."""

    position: int
    stream: str
    founds: Callable[[], bool]
    effective_on: date
    fact: Fact
    undone_by: int | None


class Memory(Protocol):
    """The log as a rule may ask it; every answer is remembered as a condition of the decision."""

    def state(self, stream: str, on: date) -> State | None:
        """The subject of `stream` at (head, on), or None.

        A stream that is not loaded yet also answers None; it is loaded then, and the rule, being pure, decides again.
        """
        ...

    def past(self, position: int, field: str) -> Past:
        """The fact at `position`, which the command names in `field`; Unknown if there is none."""
        ...

    def referred(self, stream: str) -> bool:
        """Whether a live fact of another stream names the subject of `stream`."""
        ...


class Record(msgspec.Struct, frozen=True):
    """The public record at (head, `on`), for one command; `seal` hides erasable text behind its digest."""

    memory: Memory
    on: date
    today: date
    seal: Callable[[str], Sealed]

    def find(self, kind: str, key: str, on: date | None = None) -> State | None:
        """The subject at `on` (default: the command's date), or None."""
        return self.memory.state(f"{kind}:{key}", on or self.on)

    def there(self, kind: str, key: str, field: str, on: date | None = None) -> State:
        """The subject at `on`, or Unknown: never recorded, or not there at that date."""
        found = self.find(kind, key, on)
        if found is not None:
            return found
        if self.find(kind, key, LATEST) is not None:
            raise Unknown(f"{kind} {key} is not there yet on {on or self.on}", pointer=f"/{field}")
        raise Unknown(f"there is no {kind} {key}", pointer=f"/{field}")

    def plan(self, key: str, field: str = "plan") -> "Plan":
        """The plan, or Unknown."""
        return cast("Plan", self.there("plan", key, field))

    def task(self, key: str, field: str = "task") -> "Task":
        """The task, or Unknown."""
        return cast("Task", self.there("task", key, field))

    def unit(self, key: str, field: str = "unit") -> "Unit":
        """The unit or group, or Unknown."""
        return cast("Unit", self.there("unit", key, field))

    def unit_or_none(self, key: str) -> "Unit | None":
        """The unit or group, or None."""
        return cast("Unit | None", self.find("unit", key))

    def district(self, key: str, field: str = "district") -> "District":
        """The district, or Unknown."""
        return cast("District", self.there("district", key, field))

    def platform(self, key: str, field: str = "platform") -> "Platform":
        """The platform, or Unknown."""
        return cast("Platform", self.there("platform", key, field))

    def reports(self, task: str, unit: str) -> "Reports | None":
        """All reports of one unit about one task, whatever their date."""
        return cast("Reports | None", self.find("report", f"{task}/{unit}", LATEST))


New = tuple[str, Fact]
Reason = Annotated[str, Meta(min_length=1, max_length=2_000, description="Why, in words for the public record.")]
Authority = Annotated[str, Meta(min_length=1, max_length=200, description="Number of the document that orders it.")]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", rename="camel", forbid_unknown_fields=True):
    """What every command says besides its own fields. `effectiveOn` defaults to today in Shanghai."""

    reason: Reason | None = None
    authority: Authority | None = None
    effective_on: date | None = None
    expected_version: Annotated[int, Meta(ge=0)] | None = None
    replaces: Annotated[Position, Meta(description="The live fact that this one replaces.")] | None = None

    @property
    def stream(self) -> str:
        """The stream of the command's subject."""
        raise TypeError(f"{type(self).__name__} has no stream of its own")

    def needs_reason(self) -> bool:
        """Every edit says why; a first report need not."""
        return True

    def default_date(self, today: date) -> date:
        """When the fact begins to hold if the command does not say."""
        return today

    def decide(self, record: Record) -> Iterator[New]:
        """The facts that follow, each with its stream; raises Refused where a rule says no."""
        raise TypeError(f"{type(self).__name__} decides nothing at {record.on}")  # every command overrides it

    def changes(self, before: object, after: object) -> bool:
        """Whether there is anything to record: a replacement always is."""
        return self.replaces is not None or before != after


def command_name(command: Command | type[Command]) -> str:
    """`task.reword` of a command or its class."""
    return str(command.__struct_config__.tag)

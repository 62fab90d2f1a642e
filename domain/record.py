"""What a command may read, and what every command says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated, ClassVar, NamedTuple, Protocol, TypeVar, cast

import msgspec
from msgspec import Meta

from domain.errors import Unknown
from domain.fact import Fact, Ground
from domain.values import LATEST, Position, Sealed


class State(msgspec.Struct, frozen=True):
    """What a subject is at a moment: the fold of its stream, whose name begins with the `KIND`."""

    KIND: ClassVar[str]

    def has(self) -> frozenset[Ground]:
        """Its parts, measures, targets."""
        return frozenset()

    def stands_on(self) -> frozenset[Ground]:
        """Those parts, measures, targets, its own or those of the subject above it, that it names."""
        return frozenset()


StateSpan = tuple[date, date, State]  # from a day to the day before another, a state
S = TypeVar("S", bound=State)


class Past(msgspec.Struct, frozen=True):
    """A recorded fact as a rule sees it: where it stands, and what undid it.

    `without(on)` is its subject on a day if it were void; `others()` are the other live facts of its stream, without
    those that this request voids.
    """

    position: int
    stream: str
    without: Callable[[date], State | None]
    others: Callable[[], Sequence[int]]
    effective_on: date
    fact: Fact
    undone_by: int | None

    def founds(self) -> bool:
        """Whether its subject would be gone without it: its first fact, or what took that one's place."""
        return self.without(LATEST) is None


class Placed(NamedTuple):
    """How a fact stands among those that are folded: where it is recorded, its place, the day from which it holds.

    The place is that of its chain's first fact where it replaces another: a correction keeps its rank.
    """

    position: int
    place: int
    on: date


class AskedLog(Protocol):
    """The log as a rule may ask it; every answer is remembered as a condition of the decision."""

    def state(self, stream: str, on: date) -> State | None:
        """The subject of `stream` at (head, on), or None.

        A stream that is not loaded yet also answers None; it is loaded then, and the rule, being pure, decides again.
        """
        ...

    def states(self, stream: str) -> Iterable[StateSpan]:
        """All that the subject of `stream` is at the head, along the effective clock."""
        ...

    def below(self, stream: str) -> Iterable[str]:
        """The streams of other subjects whose facts name the subject of `stream`, this request's own included."""
        ...

    def live(self, stream: str) -> Sequence[int]:
        """The positions of the live facts of `stream`, without those that this request voids."""
        ...

    def past(self, position: int, field: str) -> Past:
        """The fact at `position`, which the command names in `field`; Unknown if there is none."""
        ...

    def referred(self, stream: str) -> bool:
        """Whether a live fact of another stream, which this request does not void, names the subject of `stream`."""
        ...


class Record(msgspec.Struct, frozen=True):
    """The public record at (head, `on`), for one command; `seal` hides erasable text behind its digest."""

    log: AskedLog
    on: date
    today: date
    seal: Callable[[str], Sealed]

    def find(self, type_: type[S], key: str, on: date | None = None) -> S | None:
        """The subject of this type at `on` (default: the command's date), or None."""
        return cast("S | None", self.log.state(f"{type_.KIND}:{key}", on or self.on))

    def there(self, type_: type[S], key: str, field: str | None = None) -> S:
        """The subject at the command's date, or Unknown: never recorded, or not there at that date.

        `field` is the command's that names it (default: as the kind is called).
        """
        found = self.find(type_, key)
        if found is not None:
            return found
        kind, pointer = type_.KIND, f"/{field or type_.KIND}"
        if self.find(type_, key, LATEST) is not None:
            raise Unknown(f"{kind} {key} is not there yet on {self.on}", pointer=pointer)
        raise Unknown(f"there is no {kind} {key}", pointer=pointer)


New = tuple[str, Fact]
Reason = Annotated[str, Meta(min_length=1, max_length=2_000, description="Why, in words for the public record.")]
Authority = Annotated[str, Meta(min_length=1, max_length=200, description="Number of the document that orders it.")]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", rename="camel", forbid_unknown_fields=True):
    """What every command says besides its own fields. `effectiveOn` defaults to today in Shanghai."""

    CLEANED: ClassVar[frozenset[str]] = frozenset()  # fields whose text is cleaned where it is read
    LINES: ClassVar[frozenset[str]] = frozenset()  # fields whose text may have several lines
    BOUNDED: ClassVar[bool] = True  # whether it makes no more facts than a request may hold

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

    def kept_date(self, past: Past, today: date) -> date:  # noqa: ARG002 - for those that do not always keep it
        """When the fact begins to hold that replaces another, if the command does not say."""
        return past.effective_on

    def decide(self, record: Record) -> Iterator[New]:
        """The facts that follow, each with its stream; raises Refused where a rule says no."""
        raise TypeError(f"{type(self).__name__} decides nothing at {record.on}")  # every command overrides it

    def changes(self, before: object, after: object) -> bool:
        """Whether there is anything to record: a replacement always is."""
        return self.replaces is not None or before != after


def command_name(command: Command | type[Command]) -> str:
    """`task.reword` of a command or its class."""
    return str(command.__struct_config__.tag)

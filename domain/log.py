"""The log as a subject of its own: what is recorded about it, in the stream `log`."""

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from domain.fact import Fact
from domain.record import State
from domain.values import Sha256

LOG_STREAM: Final = "log"
LogId = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{16}$", description="The random identity of one log, in 16 digits of lower-case hex.")
]
LogSize = Annotated[int, Meta(ge=0, lt=2**53, description="How many facts a log holds.")]


class LogContinued(Fact, frozen=True, tag="log.continued.v1"):
    """The log goes on under an identity of its own, from a copy of `previousLog` that lacks what that one had recorded.

    `size` is the last size that both histories share, as far as it is known, and `root` the root of both at that size.
    """

    STANDS: ClassVar[bool] = True

    previous_log: LogId
    size: LogSize
    root: Sha256


class Continued(msgspec.Struct, frozen=True):
    """Which log went before, and up to which size it is the same."""

    previous_log: str
    size: int
    root: str


class Lineage(State, frozen=True):
    """The logs that this one continues, the first one first."""

    KIND: ClassVar[str] = "log"

    continues: tuple[Continued, ...] = ()


def evolve_log(state: Lineage | None, fact: LogContinued) -> Lineage:
    """The lineage with one log more."""
    before = state or Lineage()
    return Lineage((*before.continues, Continued(fact.previous_log, fact.size, fact.root)))

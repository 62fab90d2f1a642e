"""The envelope around a fact, as the log keeps it."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from domain.fact import Fact, above
from domain.record import Placed
from domain.undo import FactVoided

OPEN_END: Final = 2**63 - 1  # later than any position: an open end on the recorded clock


class Cause(msgspec.Struct, frozen=True):
    """Why a fact was recorded: the command's name, the request that all its facts share, reason and authority."""

    command: str
    request: UUID
    reason: str | None
    authority: str | None


class Recorded(msgspec.Struct, frozen=True):
    """A fact in the log. `position` is the size of the log including it; `version` counts within its stream."""

    position: int
    stream: str
    version: int
    actor: str
    recorded_at: datetime
    effective_on: date
    replaces: int | None
    cause: Cause
    fact: Fact

    @property
    def refers(self) -> tuple[str, ...]:
        """The streams of all other subjects that it names, in its fields or by its own stream's name."""
        return (*above(self.stream), *self.fact.refers())

    def placed(self, place: int) -> Placed:
        """How it stands among those that are folded, at a place."""
        return Placed(self.position, place, self.effective_on)

    @property
    def undoes(self) -> int | None:
        """The position that this fact voids or replaces, if any."""
        return self.fact.target if isinstance(self.fact, FactVoided) else self.replaces

"""The moments that are asked for: more of them than any run has questions, so that none is in a cache."""

from datetime import UTC, date, datetime, timedelta

import msgspec

STRIDE = 7919  # the same as in load.lua; a prime that divides no number of moments


class Moments(msgspec.Struct, frozen=True):
    """All pairs of a position, from `low` on, and a day, from `since` on."""

    low: int
    positions: int
    since: date = date(2023, 4, 3)
    days: int = 400

    def __len__(self) -> int:
        return self.positions * self.days

    def pair(self, number: int) -> tuple[int, date]:
        """The moment of the question with this number, as load.lua walks them."""
        place = number * STRIDE % len(self)
        return self.low + place % self.positions, self.since + timedelta(days=place // self.positions)

    def arguments(self, number: int) -> list[str]:
        """What load.lua is told."""
        since = int(datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC).timestamp())
        return [str(one) for one in (number, self.low, self.positions, since, self.days)]


def filled(text: str, moment: tuple[int, date]) -> str:
    """A path or body at one moment."""
    return text.replace("{position}", str(moment[0])).replace("{on}", moment[1].isoformat())

"""The verified facts as they lie in a folder: by stream, by position, and by the moment at which they were recorded."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from api.auditing.answers import AuditedLog, Item
from api.auditing.checked import entries_in, top_of
from api.auditing.hashed import HASH
from api.auditing.index import Index
from api.auditing.verdicts import CannotLook
from domain.errors import WrongDate
from domain.values import SHANGHAI, parse_date, parse_instant, shanghai_day
from events import codec
from events.merkle import leaf_hash
from events.note import FormatError
from events.recorded import Recorded
from events.tiles import WIDTH, TilePlace, tile_path

_BUNDLES: Final = 256  # that are held in memory at once,
_STREAMS: Final = 10_000  # and streams
MIDNIGHT: Final = time(0, tzinfo=SHANGHAI)


class KeptFacts(Mapping[str, Sequence[Item]]):
    """The facts of each stream, read from the bundles when they are asked for.

    CannotLook where a bundle was touched since it was verified.
    """

    def __init__(self, files: Path, size: int, index: Index, origin: str) -> None:
        self.size, self.origin = size, origin
        self._files, self._index = files, index
        self._tops, _ = index.tops()
        self._names: dict[str, None] | None = None
        self._bundle = lru_cache(_BUNDLES)(self._read)
        self._stream = lru_cache(_STREAMS)(self._facts)

    def __getitem__(self, stream: str) -> Sequence[Item]:
        """The items of a stream; KeyError where it has none."""
        found = self._stream(stream)
        if not found:
            raise KeyError(stream)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def _known(self) -> dict[str, None]:
        if self._names is None:
            self._names = dict.fromkeys(self._index.names(self.size))
        return self._names

    def log(self) -> AuditedLog:
        """What they show at any moment."""
        return AuditedLog(self)

    def begun(self, position: int) -> Iterator[str]:
        """The names of the streams that have facts up to a position, without reading these."""
        return self._index.names(position)

    def entry(self, position: int) -> bytes:
        """A fact's leaf."""
        number, at = divmod(position - 1, WIDTH)
        return self._bundle(number)[at]

    def fact(self, position: int) -> Recorded:
        """A fact in its envelope."""
        return codec.decode_trusted(self.entry(position))

    def position_at(self, asked: str) -> int:
        """The size of the log at the end of a day in Shanghai, or at an instant; CannotLook."""
        end = _end_of(asked)
        if end - timedelta(days=1) > datetime.now(UTC):
            raise CannotLook(f"{asked} has not been yet: nobody knows what the record will show then")
        # What is recorded never goes back.
        found = bisect_right(range(1, self.size + 1), end, key=lambda position: self.fact(position).recorded_at)
        if not found:
            begin = self.fact(1).recorded_at.astimezone(SHANGHAI) if self.size else "nowhere"
            raise CannotLook(f"the record begins at {begin}: there is none at {asked}")
        return found

    def day_at(self, position: int, asked: str | None) -> date:
        """The day that is meant where none is said: today at the head, else that of the moment."""
        if asked is not None:
            return _day_of(asked)
        if position == self.size and not self.origin.endswith("/demo"):
            return datetime.now(SHANGHAI).date()
        return shanghai_day(self.fact(position).recorded_at)

    def _read(self, number: int) -> list[bytes]:
        place = TilePlace(None, number, min(WIDTH, self.size - number * WIDTH))
        try:
            entries = entries_in(self._files, place)
        except FormatError as error:
            raise CannotLook(f"{self._files / tile_path(place)} is no bundle any more: {error}") from error
        if not self._verified(place, [leaf_hash(one) for one in entries]):
            raise CannotLook(f"{self._files / tile_path(place)} is not as it was verified: audit the log again")
        return entries

    def _verified(self, place: TilePlace, leaves: list[bytes]) -> bool:
        """Whether they are those of an audit; of an older copy's last bundle its root has told that."""
        if place.number == len(self._tops):
            return b"".join(leaves) == self._index.tail.leaves[: place.width * HASH]
        return place.width < WIDTH or top_of(leaves) == self._tops[place.number]

    def _facts(self, stream: str) -> list[Item]:
        return [msgspec.json.decode(self.entry(position)) for position in self._index.positions(stream)]


def _end_of(asked: str) -> datetime:
    """The last microsecond of a day, or an instant; CannotLook."""
    try:
        day = parse_date(asked)
    except WrongDate:
        return _instant(asked)
    return datetime.combine(day + timedelta(days=1), MIDNIGHT) - timedelta(microseconds=1)


def _instant(asked: str) -> datetime:
    try:
        found = parse_instant(asked)
    except msgspec.ValidationError:
        found = None
    if found is None or found.tzinfo is None:
        raise CannotLook(f"{asked!r} is no date as 2023-06-30, and no instant as 2023-06-30T12:00:00+08:00")
    return found.astimezone(UTC)


def _day_of(asked: str) -> date:
    try:
        return parse_date(asked)
    except WrongDate:
        return shanghai_day(_instant(asked))


def parsed_day(asked: str) -> date:
    """A day as it was asked for; CannotLook."""
    try:
        return parse_date(asked)
    except WrongDate as error:
        raise CannotLook(str(error)) from error


def at_moment(facts: KeptFacts, as_of: str | None, position: int | None, effective_on: str | None) -> tuple[int, date]:
    """(P, D) of what was asked for; CannotLook where the log does not reach there."""
    if position is not None and not 1 <= position <= facts.size:
        raise CannotLook(f"position {position} is not among the {facts.size} facts of the log")
    found = position or (facts.position_at(as_of) if as_of else facts.size)
    if not found:
        raise CannotLook("the log holds nothing yet")
    day: Any = parsed_day(effective_on) if effective_on else facts.day_at(found, as_of)
    return found, day

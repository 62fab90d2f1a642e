"""C2SP tlog-tiles: the tree in tiles of 256 hashes, the entries in bundles of 256, and their addresses."""

import re
from collections.abc import Iterator, Sequence
from struct import pack, unpack_from
from typing import Final, NamedTuple

from events import merkle
from events.note import FormatError

WIDTH: Final = 256  # hashes of a full tile, entries of a full bundle
HEIGHT: Final = 8  # levels of the tree between two levels of tiles
ENTRIES: Final = "entries"
_HASH: Final = 32  # bytes
_PATH: Final = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TilePlace(NamedTuple):
    """Which tile: its level (None: a bundle of entries), its number from 0, and how many it holds, 1 to 256."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def end(self) -> int:
        """The size that the log has at least, if it has this one."""
        return (self.number * WIDTH + self.width) << HEIGHT * (self.level or 0)

    def nodes(self) -> list[merkle.NodePlace]:
        """The nodes of the tree whose hashes it holds."""
        first = self.number * WIDTH
        return [merkle.NodePlace(HEIGHT * (self.level or 0), number) for number in range(first, first + self.width)]


def tile_path(place: TilePlace) -> str:
    """Its address below the log's, such as `tile/0/x001/x234/067.p/5`."""
    digits = f"{place.number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    partial = f".p/{place.width}" if place.width < WIDTH else ""
    level = ENTRIES if place.level is None else place.level
    return f"tile/{level}/{''.join(f'x{one}/' for one in above)}{last}{partial}"


def parse_tile_path(path: str) -> TilePlace:
    """The place that an address is that of; FormatError for another spelling."""
    found = _PATH.fullmatch(path)
    if not found:
        raise FormatError(
            "the address of a tile is tile/LEVEL/NUMBER or …/NUMBER.p/WIDTH, the number in threes: x001/234"
        )
    level, number, width = found.groups()
    place = TilePlace(
        None if level == ENTRIES else int(level),
        int(number.replace("x", "").replace("/", "")),
        int(width) if width else WIDTH,
    )
    if tile_path(place) != path or (place.level or 0) * HEIGHT > 63:  # noqa: PLR2004 - of a tree of 2^63 leaves
        raise FormatError("no tile has this address: there are 256 hashes in one, and no needless zeros in its number")
    return place


def tiles_of(size: int, begin: int = 0) -> Iterator[TilePlace]:
    """The tiles of a log of so many leaves that one of `begin` had not, level by level; partial ones last."""
    level = 0
    while size >> HEIGHT * level:
        yield from _row(level, size >> HEIGHT * level, begin >> HEIGHT * level)
        level += 1


def bundles_of(size: int, begin: int = 0) -> Iterator[TilePlace]:
    """The bundles of a log of so many entries that one of `begin` had not."""
    yield from _row(None, size, begin)


def _row(level: int | None, count: int, before: int) -> Iterator[TilePlace]:
    if count > before:
        for number in range(before // WIDTH, -(-count // WIDTH)):
            yield TilePlace(level, number, min(WIDTH, count - number * WIDTH))


def print_tile(hashes: Sequence[bytes]) -> bytes:
    """The tile of these hashes."""
    return b"".join(hashes)


def parse_tile(given: bytes, width: int) -> list[bytes]:
    """The hashes of a tile; FormatError."""
    if len(given) != width * _HASH:
        raise FormatError(f"a tile of {width} hashes has {width * _HASH} bytes, not {len(given)}")
    return [given[at : at + _HASH] for at in range(0, len(given), _HASH)]


def print_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of these entries, each behind its length in two bytes."""
    return b"".join(pack(">H", len(one)) + one for one in entries)


def parse_bundle(given: bytes, width: int) -> list[bytes]:
    """The entries of a bundle; FormatError."""
    entries, at = list[bytes](), 0
    for _ in range(width):
        if at + 2 > len(given):
            raise FormatError(f"a bundle of {width} entries ends within them")
        (length,) = unpack_from(">H", given, at)
        entries.append(given[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(given):
        raise FormatError(f"a bundle of {width} entries goes on behind them, or ends within the last")
    return entries

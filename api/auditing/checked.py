"""The facts of one bundle, each held against the form of a leaf; what takes more than one is told elsewhere."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from api.auditing.index import Tail
from api.auditing.verdicts import CannotLook
from domain.commands import FACTS
from events import codec, merkle
from events.note import FormatError
from events.tiles import WIDTH, TilePlace, parse_bundle, tile_path


class CheckedBundle(NamedTuple):
    """What was found in one bundle.

    `top` is the node over all its leaves, if it is full; `leaves` are their hashes, one behind the other. `streams` and
    `versions` are those of its facts, in order; `undoing` the positions of those that undo another, each with that one.
    `faults` are the positions of leaves that are none, each with why. `stamp` tells whether the file was touched since.
    """

    number: int
    width: int
    stamp: str
    top: bytes | None
    leaves: bytes
    first: datetime | None
    last: datetime | None
    streams: list[str]
    versions: list[int]
    undoing: list[tuple[int, int]]
    faults: list[tuple[int, str]]


def entries_in(files: Path, place: TilePlace) -> list[bytes]:
    """The entries of a bundle that is kept; CannotLook where it is not there, FormatError where it is none."""
    try:
        said = (files / tile_path(place)).read_bytes()
    except OSError as error:
        raise CannotLook(f"{files / tile_path(place)} cannot be read: {error.strerror}") from error
    return parse_bundle(said, place.width)


def is_end(files: Path, tail: Tail) -> bool:
    """Whether the bundle that is not full yet is there as it was verified; also where there is none."""
    number, width = divmod(tail.size, WIDTH)
    try:
        return (
            not width
            or b"".join(map(merkle.leaf_hash, entries_in(files, TilePlace(None, number, width)))) == tail.leaves
        )
    except (CannotLook, FormatError):
        return False


def stamp_of(path: Path) -> str:
    """What changes when the file is written to, or is another; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def check_bundles(files: Path, places: Iterable[TilePlace]) -> list[CheckedBundle]:
    """Each of these bundles, checked; CannotLook where one cannot be read."""
    return [check_bundle(files, place) for place in places]


def check_bundle(files: Path, place: TilePlace) -> CheckedBundle:
    """One bundle. A file that is no bundle has a fault at its first fact, and nothing else."""
    stamp, begin = stamp_of(files / tile_path(place)), place.number * WIDTH
    found = CheckedBundle(place.number, place.width, stamp, None, b"", None, None, [], [], [], [])
    try:
        entries = entries_in(files, place)
    except FormatError as error:
        found.faults.append((begin + 1, f"the bundle from it on is none: {error}"))
        return found
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    first = last = None
    for position, entry in enumerate(entries, begin + 1):
        try:
            leaf = codec.decode(entry)
        except codec.LeafError as error:
            found.faults.append((position, f"its leaf is none: {error}"))
            continue
        if leaf.position != position:
            found.faults.append((position, f"its leaf says that it is at position {leaf.position}"))
        if last and leaf.recorded_at < last:
            found.faults.append((position, "it was recorded before the fact before it"))
        first, last = first or leaf.recorded_at, leaf.recorded_at
        found.streams.append(leaf.stream)
        found.versions.append(leaf.version)
        if leaf.undoes is not None:
            found.undoing.append((position, leaf.undoes))
    top = top_of(hashes) if place.width == WIDTH else None
    return found._replace(top=top, leaves=b"".join(hashes), first=first, last=last)


def top_of(hashes: list[bytes]) -> bytes:
    """The node over the leaves of a full bundle."""
    while len(hashes) > 1:
        hashes = [merkle.node_hash(*hashes[one : one + 2]) for one in range(0, len(hashes), 2)]
    return hashes[0]


def newer_types(entries: Iterable[bytes]) -> list[str]:
    """The types of facts among these leaves that this release does not know: a newer one may."""
    found: list[str] = []
    for entry in entries:
        try:
            said: Any = msgspec.json.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        type_ = said.get("type") if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(type_, str) and type_ not in FACTS:
            found.append(type_)
    return found


def cores() -> int:
    """How many processes can work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""The files of a signed log, written by the formats alone: what a publisher leaves, without one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from events import merkle
from events.checkpoint import Checkpoint, print_checkpoint
from events.note import SigningKey, print_note
from events.tiles import WIDTH, TilePlace, bundles_of, print_bundle, print_tile, tile_path, tiles_of

KEY = SigningKey("record.example/demo/0123456789abcdef", bytes(range(32)))


def signed(size: int, root: bytes, key: SigningKey = KEY) -> bytes:
    """The note of a log under its key."""
    return print_note(key.sign(print_checkpoint(Checkpoint(key.name, size, root))))


def publish(folder: Path, entries: Sequence[bytes], key: SigningKey = KEY) -> bytes:
    """Every file of the log of these entries, tiles too; the note."""
    frontier, nodes = merkle.extend((), 0, entries)
    hashes = {(one.level, one.number): one.hash for one in nodes}
    for place in bundles_of(len(entries)):
        first = place.number * WIDTH
        put(folder, place, print_bundle(entries[first : first + place.width]))
    for place in tiles_of(len(entries)):
        put(folder, place, print_tile([hashes[one] for one in place.nodes()]))
    return sealed(folder, len(entries), frontier, key)


def publish_bundles(
    folder: Path, entries: Iterable[bytes], size: int = 0, frontier: merkle.Frontier = ()
) -> tuple[int, merkle.Frontier]:
    """The bundles alone of entries behind a log of `size`, a full number of bundles; size and frontier after them."""
    given: Iterator[bytes] = iter(entries)
    while together := list(islice(given, WIDTH)):
        put(folder, TilePlace(None, size // WIDTH, len(together)), print_bundle(together))
        frontier, _ = merkle.extend(frontier, size, together)
        size += len(together)
    return size, frontier


def put(folder: Path, place: TilePlace, said: bytes) -> None:
    """One file in its place."""
    path = folder / tile_path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(said)


def sealed(folder: Path, size: int, frontier: merkle.Frontier, key: SigningKey = KEY) -> bytes:
    """The note and the key."""
    note = signed(size, merkle.root(frontier), key)
    (folder / "checkpoint").write_bytes(note)
    (folder / "key").write_text(f"{key.public}\n")
    return note

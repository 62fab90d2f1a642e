"""Bringing a server's bundles into a folder, of the same layout, each only once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain, islice
from pathlib import Path
from typing import Final

from api.auditing.checked import entries_in, is_end, stamp_of, top_of
from api.auditing.index import Index
from api.auditing.sources import LARGEST_BUNDLE, Server
from api.auditing.verdicts import CannotLook, Contradicted
from api.auditing.verified import Advance
from api.auditing.visits import write_whole
from events.merkle import leaf_hash
from events.note import FormatError
from events.tiles import WIDTH, TilePlace, bundles_of, parse_bundle, tile_path

_AT_ONCE: Final = 4  # bundles that are fetched at the same time
Watch = Callable[[str, int], AbstractContextManager[Advance]]  # what is gone through, and of how many facts
Bring = Callable[[TilePlace], TilePlace]


def fetch_bundles(  # noqa: PLR0913, PLR0917 - from where, to where, how much, what is there, who watches, what came
    source: Server, files: Path, size: int, index: Index, watch: Watch, made: list[Path]
) -> None:
    """Bring what is not there: new bundles, and old ones whose files are spoilt. `made` gets what was written."""
    before, known = index.tail.size, zip(*index.tops(), strict=True)
    spoilt = [
        TilePlace(None, number)
        for number, (top, stamp) in enumerate(islice(known, size // WIDTH))
        if not _is_whole(files, number, top, stamp)
    ]

    def bring(place: TilePlace) -> TilePlace:
        path = files / tile_path(place)
        if path.exists() and place not in spoilt:
            return place
        said = source.file(tile_path(place), LARGEST_BUNDLE)
        try:
            parse_bundle(said, place.width)
        except FormatError as error:
            raise Contradicted(
                f"{tile_path(place)} is no bundle: {error}", position=place.number * WIDTH + 1
            ) from error
        made.append(path)
        write_whole(path, said)
        return place

    last = [TilePlace(None, (size - 1) // WIDTH, (size - 1) % WIDTH + 1)] if size > before else []
    if size == before and not is_end(files, index.tail):
        spoilt.append(TilePlace(None, *divmod(size, WIDTH)))
    with watch("fetching", max(size - before, 0)) as advance, ThreadPoolExecutor(_AT_ONCE) as pool:
        for place in last:  # a size that nobody has is found out at once
            bring(place)
        for place in _in_order(pool, bring, chain(spoilt, bundles_of(size, before))):
            advance(place.width)


def _is_whole(files: Path, number: int, top: bytes, stamp: str) -> bool:
    """Whether the file of a bundle that was verified is still what it was."""
    place = TilePlace(None, number)
    if stamp == stamp_of(files / tile_path(place)):
        return True
    try:
        return top_of([leaf_hash(entry) for entry in entries_in(files, place)]) == top
    except (CannotLook, FormatError):
        return False


def _in_order(pool: ThreadPoolExecutor, bring: Bring, places: Iterable[TilePlace]) -> Iterator[TilePlace]:
    """What is brought, a few at once; of an endless list no more than those few."""
    waiting = deque[Future[TilePlace]]()
    for place in places:
        waiting.append(pool.submit(bring, place))
        if len(waiting) > 2 * _AT_ONCE:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()

"""The leaves up to a signed note: each checked, their root the note's, what was verified before taken as it was."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from api.auditing.checked import (
    CheckedBundle,
    check_bundles,
    cores,
    entries_in,
    is_end,
    newer_types,
    stamp_of,
)
from api.auditing.hashed import HASH, HashTree
from api.auditing.index import Index, Tail
from api.auditing.verdicts import BreaksRules, CannotLook, Contradicted
from domain.values import instant_text
from events import codec, merkle
from events.checkpoint import Checkpoint
from events.counted import not_to_be_undone
from events.note import FormatError
from events.recorded import Recorded
from events.tiles import WIDTH, TilePlace, bundles_of, tile_path

_TOGETHER: Final = 16  # bundles that a process is given at once
_FEW: Final = 64  # bundles for which no processes are started
_NAMED: Final = 10  # faults that are said in full
Advance = Callable[[int], None]  # told how many facts more are checked


class Verification:
    """Bring what is verified up to a checkpoint, from the bundles in a folder."""

    def __init__(self, files: Path, index: Index, checkpoint: Checkpoint) -> None:
        self.files, self.checkpoint = files, checkpoint
        self._index = index
        self._before = index.tail
        self._tops, self._stamps = index.tops()
        self._kept = list(self._tops)  # as they were before, of which no later bundle makes others
        self._leaves = self._before.leaves
        self._recorded = self._before.recorded
        self._undoing: list[tuple[int, int]] = []
        self.faults: list[tuple[int, str]] = []

    @property
    def before(self) -> int:
        """How many facts were verified before."""
        return self._before.size

    @property
    def tree(self) -> HashTree:
        """The tree of all leaves that are known, those of the last bundle included."""
        return HashTree(self._tops, self._bundle_leaves)

    @property
    def kept_tree(self) -> HashTree:
        """The tree of the leaves that were verified before."""

        def leaves(number: int) -> Sequence[bytes]:
            return _split(self._before.leaves) if number == len(self._kept) else self._read(number)

        return HashTree(self._kept, leaves)

    def run(self, advance: Advance) -> None:
        """Check what is new or was touched; Contradicted, CannotLook."""
        for found in _checked(self.files, self._places(), advance):
            self._take(found)
        root = self.tree.root(self.checkpoint.size)
        if root != self.checkpoint.root:
            raise Contradicted(
                f"the {self.checkpoint.size} facts that are served have the root {root.hex()}, and signed is "
                f"{self.checkpoint.root.hex()}"
            )
        self._refuse()
        self._undone()
        self._refuse()

    def remember(self) -> None:
        """Take all of it as verified from now on."""
        if self.checkpoint.size >= self.before:
            self._index.commit(Tail(self.checkpoint.size, self._recorded, self._leaves))

    def _places(self) -> Iterator[TilePlace]:
        """The bundles to be checked: those that are new, and of the others those whose files are not as they were."""
        full = min(len(self._kept), self.checkpoint.size // WIDTH)
        for number, stamp in enumerate(self._stamps[:full]):
            place = TilePlace(None, number)
            if stamp != stamp_of(self.files / tile_path(place)):
                yield place
        if self.checkpoint.size == self.before and not is_end(self.files, self._before):
            yield self.place(len(self._kept))
        yield from bundles_of(self.checkpoint.size, self.before)

    def _take(self, found: CheckedBundle) -> None:
        """One bundle more, in order."""
        if not found.leaves:
            position, why = found.faults[0]
            raise Contradicted(f"position {position}: {why}", position=position)
        if found.number < len(self._kept):
            if found.top is None or found.top != self._kept[found.number]:
                raise Contradicted(
                    f"of the facts {found.number * WIDTH + 1} to {(found.number + 1) * WIDTH} one is not as it was at "
                    "an earlier visit",
                )
            self._index.bundle(found.number, found.top, found.stamp)
            return
        before = self._before.size - found.number * WIDTH  # facts of it that were verified already
        if before > 0:
            self._compare(found, before)
        self._take_facts(found, max(before, 0))
        self._leaves = b"" if found.top else found.leaves
        if found.top:
            self._tops.append(found.top)
            self._index.bundle(found.number, found.top, found.stamp)

    def _compare(self, found: CheckedBundle, before: int) -> None:
        """The bundle goes on where the last one ended."""
        for at in range(before):
            if found.leaves[at * HASH : (at + 1) * HASH] != self._before.leaves[at * HASH : (at + 1) * HASH]:
                position = found.number * WIDTH + at + 1
                raise Contradicted(f"position {position} is not the fact that it was before", position=position)

    def _take_facts(self, found: CheckedBundle, before: int) -> None:
        begin = found.number * WIDTH
        self.faults += [one for one in found.faults if one[0] > begin + before]
        if any(position > begin + before for position, _ in found.faults):
            return
        if found.first and not before and instant_text(found.first) < self._recorded:
            self.faults.append((begin + 1, "it was recorded before the fact before it"))
        if found.last:
            self._recorded = instant_text(found.last)
        for at in range(before, found.width):
            stream, version, position = found.streams[at], found.versions[at], begin + at + 1
            if (number := self._index.add(stream, position)) != version:
                self.faults.append((position, f"it is version {version} of {stream}, where {number} should stand"))
        self._undoing += [one for one in found.undoing if one[0] > begin + before]

    def _undone(self) -> None:
        """Whatever undoes another fact may do so."""
        for position, target in self._undoing:
            before = self._index.undo(target, position)
            one = self.fact(position)
            there = self.fact(target) if target < position else None
            if why := not_to_be_undone(one, there if there and there.stream == one.stream else None, before):
                self.faults.append((position, f"it undoes position {target}, {why}"))

    def _refuse(self) -> None:
        """Say what is wrong with the facts, if anything is; CannotLook where a newer release may know better."""
        faults = sorted(self.faults)
        if not faults:
            return
        for position, _ in faults:
            with suppress(FormatError):
                if types := newer_types([self.entry(position)]):
                    raise CannotLook(f"position {position} is a {types[0]}, which this release does not know")
        said = "; ".join(f"position {position}: {why}" for position, why in faults[:_NAMED])
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise BreaksRules(f"the log breaks its own rules: {said}{more}", position=faults[0][0])

    def fact(self, position: int) -> Recorded:
        """One of the facts that are served."""
        return codec.decode_trusted(self.entry(position))

    def entry(self, position: int) -> bytes:
        """Its leaf."""
        number, at = divmod(position - 1, WIDTH)
        return entries_in(self.files, self.place(number))[at]

    def place(self, number: int) -> TilePlace:
        """Where a bundle stands in the log of this size."""
        return TilePlace(None, number, min(WIDTH, self.checkpoint.size - number * WIDTH))

    def _bundle_leaves(self, number: int) -> Sequence[bytes]:
        return _split(self._leaves) if number == len(self._tops) else self._read(number)

    def _read(self, number: int) -> Sequence[bytes]:
        """The leaf hashes of a bundle, which may be there in part alone where the log is an older copy."""
        whole, there = TilePlace(None, number), self.place(number)
        try:
            place = whole if (self.files / tile_path(whole)).exists() or there.width < 1 else there
            return [merkle.leaf_hash(one) for one in entries_in(self.files, place)]
        except FormatError as error:
            raise CannotLook(f"the bundle {number} that was kept is none any more: {error}") from error


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]


def _checked(files: Path, places: Iterable[TilePlace], advance: Advance) -> Iterator[CheckedBundle]:
    """The bundles in order, checked by as many processes as there are cores, if there are many."""
    given = iter(places)
    first = list(islice(given, _FEW))
    if len(first) < _FEW:
        for place in first:
            yield from check_bundles(files, [place])
            advance(place.width)
        return
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        waiting = deque[tuple[Future[list[CheckedBundle]], int]]()
        rest = chain(first, given)
        try:
            while True:
                while len(waiting) < 2 * cores() + 2 and (together := list(islice(rest, _TOGETHER))):
                    waiting.append((pool.submit(check_bundles, files, together), sum(one.width for one in together)))
                if not waiting:
                    return
                done, facts = waiting.popleft()
                yield from done.result()
                advance(facts)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

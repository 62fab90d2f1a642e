"""The tree of the leaves that an auditor holds, and where it first differs from one that is served."""

from collections.abc import Callable, Sequence
from typing import Final

from api.auditing.verdicts import CannotLook
from events import merkle
from events.merkle import NodePlace, node_hash
from events.note import FormatError
from events.tiles import HEIGHT, WIDTH, TilePlace, parse_tile

HASH: Final = 32  # bytes
LeafHashes = Callable[[int], Sequence[bytes]]  # the leaf hashes of a bundle by its number


class HashTree:
    """Any node, and the root at any size, of what full bundles hash to (level 8) and the leaves within them."""

    def __init__(self, tops: Sequence[bytes], leaves: LeafHashes) -> None:
        self._tops, self._leaves = tops, leaves
        self._known: dict[NodePlace, bytes] = {}
        self._bundle: tuple[int, Sequence[bytes]] = (-1, ())

    def node(self, level: int, number: int) -> bytes:
        """The hash of a full node."""
        if level == HEIGHT and number < len(self._tops):
            return self._tops[number]
        if level == 0:
            return self._leaf(number)
        place = NodePlace(level, number)
        found = self._known.get(place)
        if found is None:
            found = node_hash(self.node(level - 1, 2 * number), self.node(level - 1, 2 * number + 1))
            if level > HEIGHT:
                self._known[place] = found
        return found

    def root(self, size: int) -> bytes:
        """The root of the first leaves, `size` of them."""
        return merkle.root(tuple(self.node(*place) for place in merkle.subtrees(size)))

    def _leaf(self, index: int) -> bytes:
        bundle, at = divmod(index, WIDTH)
        if self._bundle[0] != bundle:
            self._bundle = bundle, self._leaves(bundle)
        return self._bundle[1][at]


class ServedTree:
    """The same of a log of `size` of which the tiles alone are served; `fetch` brings one, or raises CannotLook."""

    def __init__(self, size: int, fetch: Callable[[TilePlace], bytes]) -> None:
        self.size, self._fetch = size, fetch
        self._tiles: dict[TilePlace, Sequence[bytes]] = {}

    def node(self, level: int, number: int) -> bytes:
        """The hash of a full node, of the lowest level of the tile that covers it."""
        high, below = divmod(level, HEIGHT)
        tile, at = divmod(number << below, WIDTH)
        hashes = self._tile(TilePlace(high, tile, min(WIDTH, (self.size >> HEIGHT * high) - tile * WIDTH)))
        together = hashes[at : at + (1 << below)]
        while len(together) > 1:
            together = [node_hash(*together[one : one + 2]) for one in range(0, len(together), 2)]
        return together[0]

    def _tile(self, place: TilePlace) -> Sequence[bytes]:
        if place not in self._tiles:
            try:
                self._tiles[place] = parse_tile(self._fetch(place), place.width)
            except FormatError as error:
                raise CannotLook(f"a tile that is served is none: {error}") from error
        return self._tiles[place]


def first_difference(ours: HashTree, theirs: ServedTree, size: int) -> int | None:
    """The position of the first fact, of the first `size`, whose leaf is another; None if none is. CannotLook."""
    differing_fields = (place for place in merkle.subtrees(size) if ours.node(*place) != theirs.node(*place))
    place = next(differing_fields, None)
    if place is None:
        return None
    while place.level:
        left, right = (NodePlace(place.level - 1, 2 * place.number + side) for side in (0, 1))
        if node_hash(theirs.node(*left), theirs.node(*right)) != theirs.node(*place):
            raise CannotLook(f"the tiles that are served do not fit each other above node {place.number}")
        place = left if ours.node(*left) != theirs.node(*left) else right
    return place.number + 1

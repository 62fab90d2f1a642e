"""One batch of facts, taken over: each is its leaf, they stand in the log of one root, and none is left out."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from api.auditing.hashed import ServedTree
from api.auditing.leaves import belongs, canonical_json, leaf_of
from api.auditing.verdicts import BreaksRules, CannotLook, Contradicted
from api.following.copy import FollowedCopy
from api.following.part import FollowedPart
from domain.commands import FACTS
from events import codec, merkle
from events.erasable import digests
from events.recorded import Recorded

_BESIDE: Final = ("undoneBy", "meta")  # of an item what is not kept: it is as of the moment asked for
_EVENT: Final = (
    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET beside = min(beside, excluded.beside)"
)


class TakenBatch:
    """The facts behind one size of a log, up to another, while they are written into the transaction of the copy."""

    def __init__(self, copy: FollowedCopy, part: FollowedPart, after: int, position: int) -> None:
        self._copy, self._part = copy, part
        self.after, self.position = after, position
        self._frontier: merkle.Frontier = tuple(bytes.fromhex(one) for one in copy.state.frontier)
        self._size = after
        self.leaves: dict[int, bytes] = {}  # hashes by position, of a part: of the whole the frontier tells more
        self.streams: set[str] = set()
        self.named: set[tuple[str, str]] = set()  # whom its facts name, each with the stream that does
        self.count = 0

    def add(self, items: Sequence[Mapping[str, Any]], *, beside: bool) -> None:
        """Facts in order; Contradicted where one is not its leaf, CannotLook where a newer release knows it."""
        rows: list[Sequence[Any]] = []
        for item in items:
            leaf = leaf_of(item)
            fact = self._fact(item, leaf)
            _check_texts(item)
            rows.append(_row(fact, item, leaf, beside=beside))
            self.count += 1
            self.streams.add(fact.stream)
            self.named.update((name, fact.stream) for name in fact.fact.refers())
            if self._part.whole:
                self._frontier, _ = merkle.extend(self._frontier, fact.position - 1, [leaf])
            else:
                self.leaves[fact.position] = merkle.leaf_hash(leaf)
        self._copy.run(_EVENT, rows)

    def _fact(self, item: Mapping[str, Any], leaf: bytes) -> Recorded:
        position = item.get("position")
        if not isinstance(position, int) or not self.after < position <= self.position:
            raise Contradicted(f"facts were asked for behind {self.after} up to {self.position}: {position} is none")
        if item.get("leafHash") != sha256(b"\0" + leaf).hexdigest():
            raise Contradicted(f"position {position}: the fact is not the one under its leafHash", position=position)
        if self._part.whole and position != self._size + 1:
            raise Contradicted(f"position {position} follows {self._size}: what is between is left out")
        self._size = position
        try:
            return codec.decode(leaf)
        except codec.LeafError as error:
            if isinstance(type_ := item.get("type"), str) and type_ not in FACTS:
                raise CannotLook(
                    f"position {position} is a {type_[:100]}, which this release does not know: bring planrecord up to "
                    "date, and follow on"
                ) from error
            raise BreaksRules(f"position {position}: its leaf is none: {error}", position=position) from error

    def settle(self) -> None:
        """Note who undoes whom and who names whom; Contradicted where a fact of a stream is missing."""
        copy, since = self._copy, [(self.after, self.position)]
        copy.run(
            "UPDATE events SET undoneBy = u.position FROM (SELECT position, undoes FROM events "
            "WHERE position > ? AND position <= ? AND undoes IS NOT NULL) AS u WHERE events.position = u.undoes",
            since,
        )
        copy.run("INSERT OR IGNORE INTO named_in VALUES (?, ?)", sorted(self.named))
        for stream in sorted(self.streams):
            if not self._part.complete(stream):
                continue
            ((count, version),) = copy.rows("SELECT count(*), max(version) FROM events WHERE stream = ?", stream)
            if count != version:
                raise Contradicted(f"{stream} has {version} facts up to {self.position}, and {count} of them are shown")

    def root(self) -> bytes | None:
        """The root of the whole log up to its last fact; None of a part."""
        if not self._part.whole:
            return None
        if self._size != self.position:
            raise Contradicted(f"the facts end at position {self._size}, and the log holds {self.position}")
        return merkle.root(self._frontier)

    @property
    def frontier(self) -> tuple[str, ...]:
        """The roots of the full subtrees of the whole log."""
        return tuple(one.hex() for one in self._frontier) if self._part.whole else ()

    def prove(self, tree: ServedTree, root: bytes) -> None:
        """That each of its facts stands in the log of its size and this root; Contradicted, CannotLook."""
        for position, leaf in sorted(self.leaves.items()):
            places = merkle.inclusion_places(position - 1, tree.size)
            proof = [merkle.root(tuple(tree.node(*one) for one in each)) for each in places]
            try:
                merkle.check_inclusion(position - 1, tree.size, leaf, proof, root)
            except merkle.NotProved as error:
                raise Contradicted(f"position {position}: {error}", position=position) from error


def _check_texts(item: Mapping[str, Any]) -> None:
    """The texts that are told beside a fact are those of its digests; one may be withheld, or erased."""
    given: Any = item.get("disclosures") or []
    try:
        fits = [one["digest"] for one in given] == list(digests(item["data"])) and all(
            one["value"] is None or belongs(one) for one in given
        )
    except (KeyError, TypeError):
        fits = False
    if not fits:
        position: Any = item.get("position")
        raise Contradicted(f"position {position}: the texts that are told are not those of its digests")


def _row(fact: Recorded, item: Mapping[str, Any], leaf: bytes, *, beside: bool) -> Sequence[Any]:
    kept = {name: one for name, one in item.items() if name not in _BESIDE}
    return (
        *(fact.position, fact.stream, fact.version, item["type"], fact.actor, item["recordedAt"]),
        *(fact.effective_on.isoformat(), fact.cause.command, str(fact.cause.request), fact.cause.reason),
        *(fact.cause.authority, fact.replaces, fact.undoes, beside, item["leafHash"], leaf.decode()),
        canonical_json(kept).decode(),
    )

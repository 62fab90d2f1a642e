"""A log as files, judged by `planrecord audit`: what is new, what was seen before, and whatever was done to it."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest

from api.auditing.checked import CheckedBundle, check_bundle
from api.auditing.hashed import HashTree, ServedTree, first_difference
from api.auditing.index import Index
from api.auditing.kept import KeptFacts
from api.auditing.sources import Folder
from api.auditing.verdicts import BreaksRules, CannotLook, Contradicted
from api.auditing.visiting import Auditor, FirstVisit, Visited
from api.auditing.visits import Visits
from domain.undo import FactVoided
from events import merkle
from events.codec import encode
from events.note import SigningKey
from events.recorded import Recorded
from events.tiles import TilePlace, print_bundle, tile_path
from tests.published import KEY, publish, put, sealed, signed
from tests.records import random_record
from tests.unit.saying import logged

FACTS = logged(*random_record(7, 560))
ENTRIES = [encode(one) for one in FACTS]
LOG = KEY.name.rpartition("/")[2]
WORDED = msgspec.structs.replace
OTHER = SigningKey(KEY.name, bytes(range(1, 33)))


@contextmanager
def unwatched(_: str, __: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None


class Log:
    """A published folder, and an auditor with a state of his own."""

    def __init__(self, place: Path) -> None:
        self.folder, self.state = place / "log", place / "state"

    def publish(self, entries: list[bytes], key: SigningKey = KEY) -> bytes:
        shutil.rmtree(self.folder, ignore_errors=True)
        return publish(self.folder, entries, key)

    def visit(self, *, trust_first: bool = False, key: SigningKey | None = KEY) -> Visited:
        source = Folder(self.folder)
        visited = Auditor(source, None, self.state, unwatched).visit(
            key.public if key else None, trust_first=trust_first
        )
        visited.facts.close()
        return visited


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def at(position: int, **changes: object) -> list[bytes]:
    """The entries with one fact changed."""
    return [encode(WORDED(one, **changes)) if one.position == position else encode(one) for one in FACTS]


def test_the_facts_are_more_than_two_bundles() -> None:
    assert 2 * 256 < len(ENTRIES) < 3 * 256


def test_a_log_that_is_right_agrees_and_later_visits_look_at_what_is_new(log: Log) -> None:
    log.publish(ENTRIES[:300])
    first = log.visit()
    assert (first.checkpoint.size, first.verification.before) == (300, 0)
    publish(log.folder, ENTRIES)
    second = log.visit()
    assert (second.checkpoint.size, second.verification.before) == (len(ENTRIES), 300)
    assert second.told == ["it goes on from all notes of earlier visits (1), the largest of 300 facts"]
    assert log.visit().verification.before == len(ENTRIES)


def test_what_was_verified_is_not_read_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.publish(ENTRIES[:300])
    log.visit()
    put(log.folder, TilePlace(None, 1, 54), print_bundle(ENTRIES[256:310]))
    sealed(log.folder, 310, merkle.extend((), 0, ENTRIES[:310])[0])
    checked: list[int] = []

    def watched(files: Path, place: TilePlace) -> CheckedBundle:
        checked.append(place.number)
        return check_bundle(files, place)

    monkeypatch.setattr("api.auditing.checked.check_bundle", watched)
    log.visit()
    assert checked == [1]


def test_the_first_visit_without_a_key_is_refused_and_shows_the_fingerprint(log: Log) -> None:
    log.publish(ENTRIES)
    with pytest.raises(FirstVisit, match=KEY.public.fingerprint):
        log.visit(key=None)
    assert Visits(LOG, log.state).key() is None
    log.visit(key=None, trust_first=True)
    log.visit(key=None)


def test_another_key_than_the_one_that_was_trusted_is_found(log: Log) -> None:
    log.publish(ENTRIES)
    log.visit(key=None, trust_first=True)
    log.publish(ENTRIES, OTHER)
    with pytest.raises(Contradicted, match="is not signed by the key"):
        log.visit(key=None)
    with pytest.raises(CannotLook, match="now you give another"):
        log.visit(key=OTHER)


def test_the_note_of_another_log_is_found(log: Log) -> None:
    log.publish(ENTRIES, SigningKey("record.example/demo/fedcba9876543210", KEY.private))
    with pytest.raises(Contradicted, match=r"is one of record.example/demo/fedcba9876543210, the key that of"):
        log.visit()


@pytest.mark.parametrize("size", [len(ENTRIES), len(ENTRIES) - 1])
@pytest.mark.parametrize("position", [1, 256, 257, 520, len(ENTRIES) - 1])
def test_a_rewritten_fact_is_found_by_what_was_kept(log: Log, position: int, size: int) -> None:
    log.publish(ENTRIES[:size])
    log.visit()
    log.publish(at(position, actor="somebody-else"))
    with pytest.raises(Contradicted) as found:
        log.visit()
    where = range(position // 256 * 256 - 255, position + 257) if position <= 512 else [position]
    assert found.value.position is None or found.value.position in where
    assert f"the note of {size} facts, kept at an earlier visit, was signed over another" in str(found.value)
    assert found.value.kept_in
    said = found.value.kept_in.read_text()
    assert said.count("\n— record.example/demo/0123456789abcdef ") == 2
    with pytest.raises(Contradicted):
        log.visit()


def test_a_rewritten_fact_is_found_by_the_notes_where_the_index_is_lost(log: Log) -> None:
    for size in (100, 300):
        log.publish(ENTRIES[:size])
        log.visit()
    Visits(LOG, log.state).index.unlink()
    log.publish(at(200, actor="somebody-else"))
    with pytest.raises(Contradicted, match="one of the facts 101 to 300 is not as it was signed then"):
        log.visit()


def test_an_index_that_cannot_be_read_is_made_anew(log: Log) -> None:
    log.publish(ENTRIES)
    log.visit()
    Visits(LOG, log.state).index.write_bytes(b"spoilt" * 1_000)
    assert log.visit().verification.before == 0


def test_two_notes_of_one_size_are_found(log: Log) -> None:
    log.publish(ENTRIES[:300])
    log.visit()
    (log.folder / "checkpoint").write_bytes(signed(300, bytes(32)))
    with pytest.raises(Contradicted, match="signed is 0000"):
        log.visit()


def test_a_folder_may_be_an_older_copy_and_says_so(log: Log) -> None:
    log.publish(ENTRIES)
    log.visit()
    log.publish(ENTRIES[:300])
    assert log.visit().told[-1] == f"this is an older copy: {len(ENTRIES)} were signed"
    log.publish(ENTRIES)
    assert log.visit().verification.before == len(ENTRIES)


def rewritten(change: Callable[[Recorded], Recorded]) -> list[bytes]:
    return [*ENTRIES, encode(change(FACTS[-1]))]


LAST = len(ENTRIES) + 1
BREACHES: dict[str, tuple[Callable[[Recorded], Recorded], str]] = {
    "a gap in a stream": (lambda one: WORDED(one, position=LAST, version=99, replaces=None), "it is version 99 of"),
    "another position": (lambda one: WORDED(one, position=7, replaces=None), "its leaf says that it is at position 7"),
    "a foreign void": (
        lambda one: WORDED(one, position=LAST, version=one.version + 1, replaces=None, fact=FactVoided(1)),
        "it undoes position 1, which is no earlier fact of",
    ),
    "a time that goes back": (
        lambda one: WORDED(
            one,
            position=LAST,
            version=one.version + 1,
            replaces=None,
            recorded_at=FACTS[0].recorded_at.replace(year=2001),
        ),
        "it was recorded before the fact before it",
    ),
}


@pytest.mark.parametrize("what", BREACHES)
def test_what_no_log_can_hold_is_found_though_it_was_signed(log: Log, what: str) -> None:
    change, words = BREACHES[what]
    log.publish(ENTRIES)
    log.visit()
    log.publish(rewritten(change))
    with pytest.raises(BreaksRules, match=words) as found:
        log.visit()
    assert found.value.position == LAST
    assert "was signed over another" not in str(found.value)


def test_a_leaf_that_is_not_canonical_is_found(log: Log) -> None:
    log.publish([*ENTRIES[:9], ENTRIES[9].replace(b'"actor":', b'"actor": '), *ENTRIES[10:]])
    with pytest.raises(BreaksRules, match=r"position 10: its leaf is none: .*not canonical"):
        log.visit()


def test_a_fact_of_a_newer_release_is_not_taken_for_a_forgery(log: Log) -> None:
    log.publish([*ENTRIES[:9], ENTRIES[9].replace(b".v1", b".v7"), *ENTRIES[10:]])
    with pytest.raises(CannotLook, match="which this release does not know"):
        log.visit()


def test_each_of_a_thousand_flips_is_found(log: Log) -> None:
    """In a bundle, the note's text, its signature line: any bit, wherever it is."""
    random = Random(12)  # noqa: S311 - to be thrown again
    log.publish(ENTRIES[:300])
    files = [log.folder / "checkpoint", log.folder / "tile/entries/000", log.folder / "tile/entries/001.p/44"]
    for number in range(1_000):
        path = random.choice(files)
        was = path.read_bytes()
        place = random.randrange(len(was))
        path.write_bytes(was[:place] + bytes([was[place] ^ 1 << random.randrange(8)]) + was[place + 1 :])
        with pytest.raises((Contradicted, CannotLook)) as found:
            log.visit()
        is_contradiction = isinstance(found.value, Contradicted)
        assert is_contradiction or (path == files[0] and place <= len(KEY.name)), (number, path, place, found.value)
        path.write_bytes(was)
    log.visit()


def test_what_was_touched_since_it_was_verified_is_never_taken_for_it(log: Log) -> None:
    """At the next visit, and by whoever reads the facts without one; the end of the log as every other part."""
    log.publish(ENTRIES)
    visited = log.visit()
    random = Random(5)  # noqa: S311 - to be asked again
    for number in range(3):
        path = log.folder / tile_path(TilePlace(None, number, min(256, len(ENTRIES) - 256 * number)))
        whole = path.read_bytes()
        for _ in range(20):
            at = random.randrange(len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :])
            index = Index(Visits(LOG, log.state).index)
            with pytest.raises(CannotLook, match=r"is not as it was verified|is no bundle any more"):
                KeptFacts(log.folder, visited.checkpoint.size, index, "").entry(256 * number + 1)
            index.close()
            with pytest.raises((Contradicted, CannotLook)):
                log.visit()
        path.unlink()
        with pytest.raises(CannotLook, match="cannot be read"):
            log.visit()
        path.write_bytes(whole)
    assert log.visit().verification.before == len(ENTRIES)


def test_each_flip_in_a_tile_that_finds_the_place_is_found() -> None:
    random = Random(13)  # noqa: S311 - as above
    other = at(77, actor="somebody-else")
    nodes = {(one.level, one.number): one.hash for one in merkle.extend((), 0, other)[1]}
    tree = tree_of(ENTRIES)
    for _ in range(300):
        tile, place, bit = random.choice((0, 1, 2)), random.randrange(256), random.randrange(8)

        def fetch(asked: TilePlace, tile: int = tile, place: int = place, bit: int = bit) -> bytes:
            hashes = [bytearray(nodes[one.level, one.number]) for one in asked.nodes()]
            if asked.number == tile and asked.level == 0 and place < len(hashes):
                hashes[place][0] ^= 1 << bit
            return b"".join(hashes)

        try:
            assert first_difference(tree, ServedTree(len(other), fetch), len(ENTRIES)) is not None
        except CannotLook as error:
            assert "do not fit each other" in str(error)  # noqa: PT017 - either is right


def tree_of(entries: list[bytes]) -> HashTree:
    nodes = {(one.level, one.number): one.hash for one in merkle.extend((), 0, entries)[1]}
    tops = [nodes[8, number] for number in range(len(entries) // 256)]
    return HashTree(tops, lambda bundle: [merkle.leaf_hash(one) for one in entries[bundle * 256 : bundle * 256 + 256]])


@pytest.mark.parametrize("position", [1, 2, 255, 256, 257, 512, 513, len(ENTRIES)])
@pytest.mark.parametrize("more", [0, 1, 300])
def test_the_first_difference_is_found_by_a_few_tiles(position: int, more: int) -> None:
    other = [*at(position, actor="somebody-else"), *[b"more"] * more]
    nodes = {(one.level, one.number): one.hash for one in merkle.extend((), 0, other)[1]}
    asked: list[TilePlace] = []

    def fetch(place: TilePlace) -> bytes:
        asked.append(place)
        return b"".join(nodes[one.level, one.number] for one in place.nodes())

    tree = tree_of(ENTRIES)
    assert first_difference(tree, ServedTree(len(other), fetch), len(ENTRIES)) == position
    assert len(asked) <= 3
    for size in (1, 255, 256, 300, len(ENTRIES)):
        assert tree.root(size) == merkle.root(merkle.extend((), 0, ENTRIES[:size])[0])


def test_two_audits_at_once_do_not_spoil_each_other(tmp_path: Path) -> None:
    one = Index(tmp_path / "index")
    with pytest.raises(CannotLook, match="another audit"):
        Index(tmp_path / "index")
    one.close()


def test_the_index_counts_the_facts_of_streams_across_flushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auditing.index.PENDING", 2)
    log = Log(tmp_path)
    log.publish(ENTRIES)
    log.visit()
    index = Index(Visits(LOG, log.state).index)
    for stream in {one.stream for one in FACTS}:
        assert index.positions(stream) == [one.position for one in FACTS if one.stream == stream]
    index.close()


def test_many_bundles_are_checked_by_several_processes(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auditing.verified._FEW", 2)
    log.publish(ENTRIES)
    assert log.visit().checkpoint.size == len(ENTRIES)


def test_a_note_of_a_size_that_nobody_serves_is_no_endless_work(log: Log) -> None:
    log.publish(ENTRIES)
    frontier, _ = merkle.extend((), 0, ENTRIES)
    sealed(log.folder, 2**52, frontier)
    with pytest.raises(CannotLook, match="cannot be read: No such file"):
        log.visit()


def test_a_key_is_needed_of_the_right_form(log: Log) -> None:
    log.publish(ENTRIES)
    (log.folder / "key").write_text("nonsense")
    with pytest.raises(CannotLook, match="shows no key"):
        log.visit(key=None)

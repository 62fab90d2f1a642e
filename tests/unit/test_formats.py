"""The log's formats: each printer against its strict parser, the specification's examples, what is no such thing."""

from base64 import b64encode

import pytest
from hypothesis import given as whenever
from hypothesis import settings
from hypothesis import strategies as st

from events import merkle
from events.checkpoint import Checkpoint, NotSigned, open_checkpoint, parse_checkpoint, print_checkpoint
from events.merkle import NotProved
from events.note import FormatError, Note, Signature, SigningKey, VerifierKey, parse_note, print_note
from events.proof import Proof, parse_proof, print_proof
from events.tiles import (
    TilePlace,
    bundles_of,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    print_bundle,
    print_tile,
    tile_path,
    tiles_of,
)

# The example of c2sp.org/signed-note.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1"
    "ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
NAME = "record.example/0123456789abcdef"
KEY = SigningKey(NAME, bytes(range(32)))
ROOT = bytes(range(32, 64))
LEAVES = [b"leaf %d" % number for number in range(300)]
NODES = {(one.level, one.number): one.hash for one in merkle.extend((), 0, LEAVES)[1]}


def root(size: int) -> bytes:
    return merkle.root(merkle.extend((), 0, LEAVES[:size])[0])


def hashes(places: list[list[merkle.NodePlace]]) -> list[bytes]:
    return [merkle.root(tuple(NODES[place] for place in parts)) for parts in places]


def signed(size: int) -> bytes:
    return print_note(KEY.sign(print_checkpoint(Checkpoint(NAME, size, root(size)))))


def test_the_note_of_the_specification_is_verified() -> None:
    note, key = parse_note(NOTE), VerifierKey.parse(VKEY)
    assert key.verifies(note)
    assert (print_note(note), str(key)) == (NOTE, VKEY)
    assert not key.verifies(Note("This is another message.\n", note.signatures))


def test_a_note_is_verified_by_its_key_whatever_others_have_signed() -> None:
    note = KEY.sign("words\n")
    other = Signature("witness.example", b"0000", b"whatever")
    assert KEY.public.verifies(Note(note.text, (other, *note.signatures)))
    assert not KEY.public.verifies(Note(note.text, (other,)))
    wrong = note.signatures[0]._replace(made=bytes(64))
    assert not KEY.public.verifies(Note(note.text, (*note.signatures, wrong)))


def test_a_signing_key_is_read_as_it_is_written_and_shows_itself_to_nobody() -> None:
    assert SigningKey.parse(KEY.printed()) == KEY
    assert str(KEY) == repr(KEY) == f"SigningKey('{NAME}')"
    for given in ("", "PRIVATE+KEY+", VKEY, KEY.printed()[:-1], KEY.printed().replace(NAME, "another")):
        with pytest.raises(FormatError) as found:
            SigningKey.parse(given)
        assert not given or given not in str(found.value)


GIVEN = NOTE.decode()


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\n",
        b"words\n",
        b"words\n\n",
        NOTE[:-1],
        NOTE + b"\n",
        b"\xff" + NOTE,
        b"\x07" + NOTE,
        b"\r" + NOTE,
        GIVEN.replace("\u2014", "-").encode(),
        GIVEN.replace("\u2014 ", "\u2014").encode(),
        GIVEN.replace("example.com/foo ", "").encode(),
        GIVEN.replace("example.com/foo", "example.com/f+o").encode(),
        GIVEN.replace("example.com/foo", "example.com/f\u2003o").encode(),
        GIVEN.replace("aQM=", "aQM").encode(),
        GIVEN.replace("aQM=", "aQN=").encode(),  # bits that no byte has
        GIVEN.replace("aQM=", "aQM=\n\u2014 a Uw2QOg==").encode(),  # an id without a signature
        b"x" * 70_000 + NOTE,
    ],
)
def test_what_is_no_note_is_refused(given: bytes) -> None:
    with pytest.raises(FormatError):
        parse_note(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a+b",
        VKEY[:-1],
        VKEY.replace("530d", "530e"),
        VKEY.upper(),
        VKEY + "\n",
        VKEY.replace("foo", "f o"),
        f"+{VKEY}",
    ],
)
def test_what_is_no_key_is_refused(given: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey.parse(given)


@whenever(st.text(), st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_is_written(origin: str, size: int, hash_: bytes) -> None:
    checkpoint = Checkpoint(origin.replace("\n", "") or "log", size, hash_)
    assert parse_checkpoint(print_checkpoint(checkpoint)) == checkpoint


TEXT = print_checkpoint(Checkpoint(NAME, 12, ROOT))


@pytest.mark.parametrize(
    "given",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "extension\n",
        TEXT.replace("12", "012"),
        TEXT.replace("12", "-1"),
        TEXT.replace("12", "+1"),
        TEXT.replace("12", "\u0661"),
        TEXT.replace("12", "1" * 20),
        TEXT.replace(NAME, ""),
        TEXT.replace(b64encode(ROOT).decode(), b64encode(ROOT[1:]).decode()),
    ],
)
def test_what_is_no_checkpoint_is_refused(given: str) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(given)


def test_a_checkpoint_counts_if_the_key_of_its_log_has_signed_it() -> None:
    note = signed(12)
    assert open_checkpoint(note, KEY.public) == Checkpoint(NAME, 12, root(12))
    assert open_checkpoint(note, KEY.public).log == "0123456789abcdef"
    others = [SigningKey(NAME, bytes(32)), SigningKey("record.example/fedcba9876543210", KEY.private)]
    for other in others:
        with pytest.raises(NotSigned):
            open_checkpoint(note, other.public)
        with pytest.raises(NotSigned):
            open_checkpoint(print_note(other.sign(print_checkpoint(Checkpoint(NAME, 12, root(12))))), KEY.public)


def test_no_bit_of_a_signed_checkpoint_can_be_flipped() -> None:
    note = signed(12)
    for bit in range(8 * len(note)):
        spoilt = bytearray(note)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FormatError, NotSigned)):
            open_checkpoint(bytes(spoilt), KEY.public)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (TilePlace(0, 0), "tile/0/000"),
        (TilePlace(0, 999, 255), "tile/0/999.p/255"),
        (TilePlace(1, 1000), "tile/1/x001/000"),
        (TilePlace(None, 1_234_067, 1), "tile/entries/x001/x234/067.p/1"),
        (TilePlace(7, 1), "tile/7/001"),
    ],
)
def test_the_address_of_a_tile(place: TilePlace, path: str) -> None:
    assert (tile_path(place), parse_tile_path(path)) == (path, place)


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile/0/0", "tile/00/000", "tile/0/1000", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256"),
        *("tile/0/000.p/01", "tile/0/001/x234", "tile/8/000", "tile/64/000", "tile/entries/", "/tile/0/000"),
        *("tile/0/000/", "tile/-1/000", "tile/0/000.p/", "tile/0/\u0661\u0661\u0661", "tile/0/000\n"),
    ],
)
def test_what_is_no_address_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(FormatError):
        parse_tile_path(path)


def test_a_log_of_70_000_has_the_tiles_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))
    assert sum(one.level == 0 and one.width == 256 for one in tiles) == 273
    assert tiles[273:] == [TilePlace(0, 273, 112), TilePlace(1, 0), TilePlace(1, 1, 17), TilePlace(2, 0, 1)]
    assert [one._replace(level=0) for one in bundles_of(70_000)] == tiles[:274]
    assert list(tiles_of(256)) == [TilePlace(0, 0), TilePlace(1, 0, 1)]
    assert list(tiles_of(0)) == list(bundles_of(70_000, 70_000)) == []


@whenever(st.integers(0, 200_000), st.integers(0, 200_000))
@settings(deadline=None)
def test_what_a_log_has_gained_is_told(begin: int, more: int) -> None:
    size = begin + more
    gained = {one for one in tiles_of(size) if one.end > begin}
    assert set(tiles_of(size, begin)) == {one for one in gained if one not in set(tiles_of(begin))}
    assert all(one.end <= size and parse_tile_path(tile_path(one)) == one for one in gained)


@whenever(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_is_read_as_it_is_written(entries: list[bytes]) -> None:
    bundle = print_bundle(entries)
    assert parse_bundle(bundle, len(entries)) == entries
    for spoilt in (bundle[:-1], bundle + b"\0"):
        with pytest.raises(FormatError):
            parse_bundle(spoilt, len(entries))


def test_a_tile_is_read_as_it_is_written() -> None:
    tile = print_tile([ROOT, bytes(32)])
    assert parse_tile(tile, 2) == [ROOT, bytes(32)]
    with pytest.raises(FormatError):
        parse_tile(tile, 3)


SIZES = [1, 2, 3, 5, 7, 8, 9, 64, 65, 255, 256, 257, 299, 300]


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_of_a_log_is_proved_to_be_in_it_and_no_other(size: int) -> None:
    for index in range(size):
        proof = hashes(merkle.inclusion_places(index, size))
        leaf = merkle.leaf_hash(LEAVES[index])
        merkle.check_inclusion(index, size, leaf, proof, root(size))
        for wrong in (
            lambda: merkle.check_inclusion(index, size, merkle.leaf_hash(b"other"), proof, root(size)),  # noqa: B023
            lambda: merkle.check_inclusion(index, size, leaf, [*proof, ROOT], root(size)),  # noqa: B023
            lambda: merkle.check_inclusion(index, size + 1, leaf, proof, ROOT),  # noqa: B023
            lambda: merkle.check_inclusion(size, size, leaf, proof, root(size)),  # noqa: B023
        ):
            with pytest.raises(NotProved):
                wrong()
        if proof:
            with pytest.raises(NotProved):
                merkle.check_inclusion(index, size, leaf, proof[:-1], root(size))


@whenever(st.integers(0, 300), st.integers(0, 300))
@settings(deadline=None)
def test_a_log_is_proved_to_go_on_from_every_size_before_and_from_no_other_log(first: int, second: int) -> None:
    first, second = sorted((first, second))
    proof = hashes(merkle.consistency_places(first, second))
    merkle.check_consistency(first, root(first), second, root(second), proof)
    spoilt = [
        (first, ROOT, second, root(second), proof),
        (first, root(first), second, root(second), [*proof, ROOT]),
        (second + 1, root(first), second, root(second), proof),
        (max(first, 1), root(max(first, 1)), second, ROOT, proof),  # the empty log is the beginning of every other
    ]
    for wrong in spoilt:
        with pytest.raises(NotProved):
            merkle.check_consistency(*wrong)


def test_a_proof_stands_by_itself() -> None:
    proof = Proof(7, tuple(hashes(merkle.inclusion_places(7, 300))), signed(300))
    printed = print_proof(proof)
    assert parse_proof(printed) == proof
    assert proof.check(LEAVES[7], KEY.public).size == 300
    with pytest.raises(NotProved):
        proof.check(LEAVES[8], KEY.public)
    for bit in range(0, 8 * len(printed), 5):
        spoilt = bytearray(printed)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FormatError, NotProved, NotSigned)):
            parse_proof(bytes(spoilt)).check(LEAVES[7], KEY.public)


def test_what_is_no_proof_is_refused() -> None:
    printed = print_proof(Proof(7, (ROOT,) * 64, signed(300)))
    line = b64encode(ROOT) + b"\n"
    for given in (b"", printed.replace(b"@v1", b"@v2"), printed.replace(b"index 7", b"index 07"), printed[:80]):
        with pytest.raises(FormatError):
            parse_proof(given)
    with pytest.raises(FormatError):
        parse_proof(printed.replace(line, 2 * line, 1))

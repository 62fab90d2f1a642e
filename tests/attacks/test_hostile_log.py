"""A server that means its auditor ill: nothing it sends is believed, endless, or asked for elsewhere."""

import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.auditing import sources
from api.auditing.sources import Server
from api.auditing.verdicts import CannotLook, Contradicted
from api.auditing.visiting import Auditor, Visited
from api.auditing.visits import Visits
from events.codec import encode
from events.note import SigningKey
from tests.published import KEY, publish, signed
from tests.records import random_record
from tests.unit.saying import logged

ENTRIES = [encode(one) for one in logged(*random_record(7, 400))]
LOG = KEY.name.rpartition("/")[2]
Answer = tuple[int, dict[str, str], bytes]
Mischief = Callable[[str], Answer | None]


class Hostile:
    """A server of a published folder, which answers as it likes where `mischief` has something to say."""

    def __init__(self, place: Path) -> None:
        self.folder, self.state, self.keep = place / "served", place / "state", place / "kept"
        self.mischief: Mischief = lambda _: None
        self.asked: list[str] = []
        self.url = ""

    def publish(self, entries: list[bytes], key: SigningKey = KEY) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        publish(self.folder, entries, key)

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        if found := self.mischief(path):
            return found
        if path in {"/log/checkpoint", "/log/key"}:
            return 302, {"Location": f"/log/{LOG}/{path.rpartition('/')[2]}"}, b""
        file = self.folder / path.removeprefix(f"/log/{LOG}/")
        return (200, {}, file.read_bytes()) if file.is_file() else (404, {}, b"")

    def visit(self) -> Visited:
        source = Server(self.url)
        try:
            visited = Auditor(source, self.keep, self.state, unwatched).visit(KEY.public, trust_first=False)
            visited.facts.close()
            return visited
        finally:
            source.close()


@contextmanager
def unwatched(_: str, __: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None


@pytest.fixture
def hostile(tmp_path: Path) -> Generator[Hostile]:
    one = Hostile(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = one.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Transfer-Encoding" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if "Transfer-Encoding" in headers:
                self.drip(body)
            else:
                self.wfile.write(body)

        def drip(self, piece: bytes) -> None:
            """Pieces without end, until the other side hangs up."""
            try:
                while True:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    time.sleep(0.001 if len(piece) > 1 else 0.05)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    one.publish(ENTRIES[:300])
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


def always(path: str, *answer: Any) -> Mischief:
    return lambda asked: answer if asked.endswith(path) else None  # type: ignore[return-value]


def test_a_server_that_is_right_is_fetched_from_once(hostile: Hostile) -> None:
    hostile.visit()
    assert hostile.asked == [
        "/log/checkpoint",
        f"/log/{LOG}/checkpoint",
        f"/log/{LOG}/tile/entries/001.p/44",
        f"/log/{LOG}/tile/entries/000",
        f"/log/{LOG}/key",
    ]
    assert sorted(path.relative_to(hostile.keep).as_posix() for path in hostile.keep.rglob("*") if path.is_file()) == [
        "checkpoint",
        "key",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ]
    hostile.asked.clear()
    hostile.visit()
    assert hostile.asked == ["/log/checkpoint", f"/log/{LOG}/checkpoint", f"/log/{LOG}/key"]
    hostile.publish(ENTRIES[:320])
    hostile.asked.clear()
    hostile.visit()
    assert hostile.asked[2:] == [f"/log/{LOG}/tile/entries/001.p/64", f"/log/{LOG}/key"]
    assert [path.name for path in (hostile.keep / "tile/entries").rglob("*") if path.is_file()] == ["000", "64"]


@pytest.mark.parametrize(
    ("where", "piece", "words"),
    [
        ("/checkpoint", b"x" * 10_000, "more than the 65536 bytes"),
        ("/entries/000", b"x" * 100_000, "more than the 16777"),
        ("/entries/000", b"x", "has not answered in full within"),
    ],
)
def test_an_endless_answer_ends(
    hostile: Hostile, where: str, piece: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_LONGEST", 0.5 if len(piece) == 1 else 120.0)
    hostile.mischief = lambda asked: (
        (200, {"Transfer-Encoding": "chunked"}, piece) if asked.endswith(where) and asked != "/log/checkpoint" else None
    )
    with pytest.raises(CannotLook, match=words):
        hostile.visit()


def test_nobody_else_is_asked(hostile: Hostile) -> None:
    other = hostile.url.replace("127.0.0.1", "localhost")
    hostile.mischief = always("/log/checkpoint", 302, {"Location": f"{other}/log/{LOG}/checkpoint"}, b"")
    with pytest.raises(CannotLook, match="somebody else's: nothing was asked there"):
        hostile.visit()
    assert hostile.asked == ["/log/checkpoint"]


def test_redirects_end(hostile: Hostile) -> None:
    hostile.mischief = always("checkpoint", 302, {"Location": "/log/checkpoint"}, b"")
    with pytest.raises(CannotLook, match="without end"):
        hostile.visit()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [(200, b"<html>hello</html>", "shows no log's note"), (404, b"", "answers 404"), (500, b"", "answers 500")],
)
def test_what_is_no_log_is_called_so(hostile: Hostile, status: int, body: bytes, words: str) -> None:
    hostile.mischief = lambda _: (status, {}, body)
    with pytest.raises(CannotLook, match=words):
        hostile.visit()


def test_nobody_there(hostile: Hostile) -> None:
    hostile.url = "http://127.0.0.1:9"
    with pytest.raises(CannotLook, match="cannot be reached"):
        hostile.visit()


def test_a_log_that_shrinks_is_found(hostile: Hostile) -> None:
    hostile.visit()
    hostile.publish(ENTRIES[:280])
    with pytest.raises(Contradicted, match="300 facts were signed before, and the log is served with 280") as found:
        hostile.visit()
    assert (found.value.position, len(found.value.notes)) == (281, 2)
    assert f"/log/{LOG}/checkpoint?covers=300" in hostile.asked


def test_a_newest_note_that_is_late_on_its_way_is_no_contradiction(hostile: Hostile) -> None:
    hostile.visit()
    old = Hostile(hostile.folder.parent / "old")
    old.publish(ENTRIES[:280])
    late, whole = (old.folder / "checkpoint").read_bytes(), (hostile.folder / "checkpoint").read_bytes()
    hostile.mischief = lambda asked: (
        (200, {}, late)
        if asked == f"/log/{LOG}/checkpoint"
        else (200, {}, whole)
        if asked.endswith("?covers=300")
        else None
    )
    assert hostile.visit().checkpoint.size == 300


def test_the_note_of_another_log_is_found(hostile: Hostile) -> None:
    other = SigningKey("record.example/demo/fedcba9876543210", KEY.private)
    note = signed(300, bytes(32), other)
    hostile.mischief = always(f"{LOG}/checkpoint", 200, {}, note)
    with pytest.raises(Contradicted, match=f"what is served as log {LOG} is the note of {other.name}"):
        hostile.visit()


def test_a_second_root_of_one_size_is_found_with_the_position(hostile: Hostile) -> None:
    hostile.visit()
    hostile.publish([*ENTRIES[:99], ENTRIES[99].replace(b'"actor":"', b'"actor":"x'), *ENTRIES[100:300]])
    with pytest.raises(Contradicted) as found:
        hostile.visit()
    assert (found.value.position, len(found.value.notes)) == (100, 2)
    assert "position 100 is the first fact that is not as it was at an earlier visit" in str(found.value)


@pytest.mark.parametrize("more", [0, 40, 300])
def test_a_rewritten_fact_is_found_with_its_position_whatever_follows(hostile: Hostile, more: int) -> None:
    hostile.visit()
    hostile.publish([*ENTRIES[:259], ENTRIES[259].replace(b'"actor":"', b'"actor":"x'), *ENTRIES[260 : 300 + more]])
    with pytest.raises(Contradicted) as found:
        hostile.visit()
    assert (found.value.position, len(found.value.notes)) == (260, 2)


def test_tiles_that_do_not_fit_do_not_hide_the_contradiction(hostile: Hostile) -> None:
    hostile.visit()
    hostile.publish([*ENTRIES[:99], ENTRIES[99].replace(b'"actor":"', b'"actor":"x'), *ENTRIES[100:300]])
    hostile.mischief = lambda asked: (200, {}, b"short") if "/tile/0/" in asked else None
    with pytest.raises(Contradicted, match="where is not known: a tile that is served is none") as found:
        hostile.visit()
    assert len(found.value.notes) == 2


def test_bundles_of_other_facts_than_the_signed_ones_are_found_and_not_kept(hostile: Hostile) -> None:
    other = Hostile(hostile.folder.parent / "other")
    other.publish([*ENTRIES[:99], ENTRIES[99].replace(b'"actor":"', b'"actor":"x'), *ENTRIES[100:300]])
    forged = (other.folder / "tile/entries/000").read_bytes()
    hostile.mischief = lambda asked: (200, {}, forged) if asked.endswith("/entries/000") else None
    with pytest.raises(Contradicted) as found:
        hostile.visit()
    assert found.value.position == 100
    assert list(hostile.keep.rglob("000")) == []
    hostile.mischief = lambda _: None
    assert hostile.visit().checkpoint.size == 300


def test_a_bundle_that_is_none_is_found(hostile: Hostile) -> None:
    hostile.mischief = lambda asked: (200, {}, b"\xff\xff") if asked.endswith("/entries/000") else None
    with pytest.raises(Contradicted, match="tile/entries/000 is no bundle"):
        hostile.visit()


def test_a_bundle_that_is_withheld_is_no_agreement(hostile: Hostile) -> None:
    hostile.mischief = lambda asked: (404, {}, b"") if asked.endswith("/entries/000") else None
    with pytest.raises(CannotLook, match="tile/entries/000 answers 404"):
        hostile.visit()


def test_a_size_that_nobody_serves_is_found_out_at_once(hostile: Hostile) -> None:
    hostile.mischief = always(f"{LOG}/checkpoint", 200, {}, signed(2**52, bytes(32)))
    with pytest.raises(CannotLook, match="answers 404"):
        hostile.visit()
    assert len(hostile.asked) == 3


def test_an_identity_that_is_a_path_is_none(hostile: Hostile) -> None:
    name = "record.example/demo/../../escape"
    hostile.mischief = always("checkpoint", 200, {}, signed(3, bytes(32), SigningKey(name, KEY.private)))
    with pytest.raises(CannotLook, match="16 digits of lower-case hex"):
        hostile.visit()
    assert not hostile.state.exists()


@pytest.mark.parametrize("name", ["000", "001.p/44"])
def test_a_file_of_ours_that_was_spoilt_is_fetched_again(hostile: Hostile, name: str) -> None:
    hostile.visit()
    path = hostile.keep / "tile/entries" / name
    whole = path.read_bytes()
    path.write_bytes(b"spoilt")
    assert hostile.visit().verification.before == 300
    assert path.read_bytes() == whole


def test_another_folder_to_keep_it_in_gets_all_of_it(hostile: Hostile) -> None:
    hostile.visit()
    first, hostile.keep = hostile.keep, hostile.keep.with_name("another")
    assert hostile.visit().verification.before == 300

    def files(folder: Path) -> dict[str, bytes]:
        return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}

    assert files(hostile.keep) == files(first)


def test_a_copy_of_what_was_kept_is_not_fetched_again(hostile: Hostile) -> None:
    hostile.visit()
    shutil.copytree(hostile.keep, hostile.keep.with_name("copy"))
    hostile.keep = hostile.keep.with_name("copy")
    hostile.asked.clear()
    hostile.visit()
    assert hostile.asked == ["/log/checkpoint", f"/log/{LOG}/checkpoint", f"/log/{LOG}/key"]
    assert Visits(LOG, hostile.state).notes()

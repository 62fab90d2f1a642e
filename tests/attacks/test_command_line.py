"""The command line: what it is told to end ends, what it only reads it never makes, what is wrong it says at once."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from api.hosting.opening import DEMO_ORIGIN, Unreachable, opened
from api.hosting.serving import AddressTaken, listening
from api.hosting.settings import Settings
from api.http.tokens import NoToken, carries, token_of
from api.postgres import PostgresFailed, cluster, is_cluster
from api.postgres.home import cluster_of
from api.postgres.pidfile import send, servers_in
from tests.conftest import TASK, ask, at, database_of
from tests.disks import disk
from tests.integration.commands import (
    PROJECT,
    Serving,
    environment,
    free_port,
    place,
    planrecord,
    serving,
    start,
)

OBEYED = 10.0  # seconds from a signal to the end
REWORD = json.dumps({"type": "task.reword", "task": TASK, "text": "改后的措辞", "reason": "试"})
READING = [("verify",), ("record", "--dry-run"), ("record",), ("clock", "2024-01-01T00:00:00+08:00")]
# `planrecord serve` whose event loop is held by a step of pure Python that never ends, once the file `go` is there.
BUSY = """
import asyncio, sys
from pathlib import Path
from api.cli.serve import serve
from api.cli.shared import run, settings_of

async def hold():
    while not Path(sys.argv[1], "go").exists():
        await asyncio.sleep(0.01)
    Path(sys.argv[1], "held").touch()
    while True:
        pass

async def main():
    task = asyncio.create_task(hold())
    await serve(settings_of(data_dir=Path(sys.argv[1]), port=int(sys.argv[2])))

run(main())
"""


@pytest.fixture
def data() -> Iterator[Path]:
    with place() as folder:
        yield folder


@pytest.fixture(scope="module")
async def served() -> AsyncGenerator[Serving]:
    with place() as folder:
        async with serving(folder) as running:
            yield running


@asynccontextmanager
async def busy(folder: Path) -> AsyncGenerator[Serving]:
    """A server in a step that never ends."""
    folder.mkdir()
    port = free_port()
    with (folder.parent / "out").open("wb") as out, (folder.parent / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", BUSY, str(folder), str(port)),
            cwd=PROJECT,
            env=environment(),
            stdout=out,
            stderr=err,
        )
    running = Serving(process, folder, port)
    await running.ready()
    (folder / "go").touch()
    while not (folder / "held").exists():
        await asyncio.sleep(0.01)
    yield running
    assert process.returncode is not None


async def test_a_step_that_never_ends_does_not_hold_a_server_that_is_told_to_stop(data: Path) -> None:
    async with busy(data) as running:
        began = time.monotonic()
        assert await running.stop() == 1
        assert time.monotonic() - began < OBEYED
    assert running.complained == (
        "stopped after 8 s in the midst of what would not end; what was acknowledged is kept\n"
    )
    assert servers_in(cluster_of(data)) == []
    code, out, _ = await planrecord("verify", "--data-dir", str(data))
    assert code == 0
    assert "352 facts and " in out


async def test_a_database_that_was_stopped_does_not_hold_it_either() -> None:
    async def obeys(number: signal.Signals) -> None:
        with place() as data:
            async with serving(data) as running:
                send(signal.SIGSTOP, servers_in(cluster_of(data)))
                waiting = asyncio.create_task(running.http.get("/v1/units"))
                await asyncio.sleep(0.2)
                began = time.monotonic()
                assert await running.stop(number) in {0, 1}
                assert time.monotonic() - began < OBEYED
                await asyncio.wait([waiting])
                waiting.exception()
                assert "Traceback" not in running.complained
            assert servers_in(cluster_of(data)) == []

    await asyncio.gather(*map(obeys, (signal.SIGTERM, signal.SIGINT)))


async def test_a_start_does_not_wait_for_a_stopped_server_that_was_left_behind(data: Path) -> None:
    async with serving(data) as first:
        send(signal.SIGSTOP, servers_in(cluster_of(data)))
        await first.stop(signal.SIGKILL)
    assert servers_in(cluster_of(data))
    began = time.monotonic()
    async with serving(data):
        assert time.monotonic() - began < OBEYED


async def test_sigterm_during_the_start_leaves_nothing_behind(data: Path) -> None:
    running = await start(data)
    while not servers_in(cluster_of(data)):
        assert running.process.returncode is None
        await asyncio.sleep(0.01)
    began = time.monotonic()
    assert await running.stop() == 128 + signal.SIGTERM
    assert time.monotonic() - began < OBEYED
    assert running.complained == "stopped\n"
    assert servers_in(cluster_of(data)) == []


@pytest.mark.parametrize("command", READING)
async def test_what_only_reads_or_writes_on_makes_no_record(data: Path, command: tuple[str, ...]) -> None:
    before = homes()
    code, out, err = await planrecord(*command, "--data-dir", str(data), given=REWORD)
    assert (code, out.strip()) == (2, "")
    assert err == f"there is no record in {data}; `planrecord serve` makes one\n"
    assert not data.exists()
    assert homes() == before


def homes() -> set[Path]:
    """The clusters that lie outside of their data folders."""
    return set(Path("/var/lib/planrecord/clusters").glob("*"))


@pytest.mark.parametrize("command", READING)
async def test_nor_in_a_database_without_a_log(data: Path, server: str, command: tuple[str, ...]) -> None:
    async with database_of(server, "template1") as dsn:
        code, _, err = await planrecord(*command, "--data-dir", str(data), given=REWORD, DATABASE_URL=dsn)
        assert code == 2
        assert err == "there is no record in the database of DATABASE_URL; `planrecord serve` makes one\n"
        assert await ask(dsn, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'projections')") == 0
    assert not data.exists()


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ("UPDATE log_head SET shape = 'other'", "was left by another release"),
        ("UPDATE log_migrations SET version_num = '0001'", "was left by another release"),
        ("UPDATE log_migrations SET version_num = '9999'", "was left by a later release"),
    ],
)
async def test_verify_compares_what_it_finds_and_makes_nothing_anew(
    data: Path, server: str, left: str, words: str
) -> None:
    async with database_of(server, "imported") as dsn:
        await ask(dsn, left)
        before = await ask(dsn, "SELECT max(oid) FROM pg_class")
        code, _, err = await planrecord("verify", "--data-dir", str(data), DATABASE_URL=dsn)
        assert code == 1
        assert words in one_sentence(err)
        assert await ask(dsn, "SELECT max(oid) FROM pg_class") == before


def one_sentence(err: str) -> str:
    """What was said, in one line and without a traceback."""
    assert "Traceback" not in err
    (line,) = err.splitlines()
    return line


async def test_the_demo_is_told_in_no_folder_that_holds_something_else(data: Path, served: Serving) -> None:
    data.mkdir()
    (data / "diary.txt").write_text("mine")
    code, out, err = await planrecord("demo", "--data-dir", str(data))
    assert (code, out) == (2, "")
    assert f"{data} holds something else" in one_sentence(err)
    assert [entry.name for entry in data.iterdir()] == ["diary.txt"]


async def test_nor_in_a_real_record(served: Serving) -> None:
    async with cluster(served.folder) as shared:
        code, out, err = await planrecord("demo", DATABASE_URL=shared.dsn)
    assert (code, out) == (2, "")
    assert f"holds the record planrecord.invalid/shanghai, not {DEMO_ORIGIN}" in one_sentence(err)
    assert (await served.get("/health/ready"))["position"] == 352


async def test_an_origin_that_was_set_is_the_logs_own_or_refused(data: Path, server: str) -> None:
    async with database_of(server, "imported") as dsn:
        for command in (("serve", "--port", "0"), ("verify",), ("record",)):
            settings = {"DATABASE_URL": dsn, "PLANRECORD_ORIGIN": "example.org/plan"}
            code, _, err = await planrecord(*command, "--data-dir", str(data), given=REWORD, **settings)
            assert code == 2
            assert "holds the record planrecord.test/shanghai/demo, not example.org/plan" in one_sentence(err)
    assert not data.exists()


@pytest.mark.parametrize("command", [("serve", "--host", "0.0.0.0"), ("demo", "--serve")])  # noqa: S104 - refused
async def test_beside_a_running_server_no_other_has_its_port(
    served: Serving, data: Path, command: tuple[str, ...]
) -> None:
    code, out, err = await planrecord(*command, "--port", str(served.port), "--data-dir", str(data))
    assert (code, out) == (1, "")
    assert "Address already in use; choose another with --port" in one_sentence(err)
    assert not data.exists()
    assert (await served.get("/health/ready"))["origin"] == "planrecord.invalid/shanghai"


@pytest.mark.parametrize("first", ["127.0.0.1", "0.0.0.0", "::", "localhost"])  # noqa: S104 - of this test alone
def test_an_address_is_one_sockets_alone(first: str) -> None:
    with listening(first, 0) as taken:
        port = taken.getsockname()[1]
        for second in {first, "0.0.0.0", "::", "localhost"}:  # noqa: S104 - refused
            with pytest.raises(AddressTaken, match="Address already in use"):
                listening(second, port)
    listening(first, port).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_port_0_says_which_it_became_and_a_demo_that_it_is_invented(data: Path, server: str, host: str) -> None:
    async with database_of(server, "imported") as dsn:
        running = await start(data, "serve", "--port", "0", "--host", host, DATABASE_URL=dsn)
        while "Ctrl-C stops it." not in running.said:
            assert running.process.returncode is None, running.complained
            await asyncio.sleep(0.05)
        invented, first, *_ = running.said.splitlines()
        assert invented == "INVENTED DATA: this is the demo; its reports and edits never happened"
        named, _, base = first.rpartition(" ")
        assert named == "planrecord serves planrecord.test/shanghai/demo on"
        assert not base.endswith(":0")
        assert (await running.http.get(f"{base}/health/live")).status_code == 200
        assert await running.stop() == 0


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("verify",)])
async def test_a_database_url_that_is_none_is_one_sentence(data: Path, command: tuple[str, ...]) -> None:
    code, _, err = await planrecord(*command, "--data-dir", str(data), DATABASE_URL="garbage")
    assert code == 1
    assert one_sentence(err).startswith("cannot go on: the database cannot be used: invalid DSN")
    assert not data.exists()


@pytest.mark.parametrize("purpose", ["read", "make"])
async def test_a_database_that_is_not_there_as_named_is_one_sentence(
    data: Path, server: str, purpose: Literal["read", "make"]
) -> None:
    for url in (
        *("mysql://a:secret@b", "postgresql://a:secret@b:c/d", "postgresql://[::1/c", "postgresql:///a?sslmode=b"),
        "postgresql://a:secret@127.0.0.1:99999/b",
        f"postgresql://a:secret@127.0.0.1:{free_port()}/b",
        "postgresql://a:secret@nowhere.invalid/b",
        at(server, "nowhere"),
        server.replace("planrecord@", "somebody:secret@"),
        server.replace("5432", "5433"),
    ):
        with pytest.raises(Unreachable, match="the database cannot be used: ") as refused:
            async with opened(Settings(data_dir=data, database_url=url), purpose=purpose):
                pass
        assert one_sentence(str(refused.value))
        assert "secret" not in str(refused.value)
    assert not data.exists()


async def test_a_database_that_says_nothing_is_one_sentence(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.hosting.opening.ANSWERS_WITHIN", 1.0)
    with listening("127.0.0.1", 0) as silent:
        url = f"postgresql://a:secret@127.0.0.1:{silent.getsockname()[1]}/b"
        with pytest.raises(Unreachable, match=r"did not answer within \d+ s"):
            async with opened(Settings(data_dir=data, database_url=url)):
                pass


async def test_what_libpq_takes_is_taken(data: Path, server: str) -> None:
    async with database_of(server, "template1") as dsn:
        settings = {"DATABASE_URL": f"{dsn}&sslmode=disable", "PLANRECORD_ORIGIN": DEMO_ORIGIN}
        async with serving(data, **settings) as running:
            assert (await running.get("/health/ready"))["position"] == 352


async def test_a_port_that_no_address_has_is_one_sentence(data: Path) -> None:
    code, _, err = await planrecord("serve", "--data-dir", str(data), PLANRECORD_PORT="99999")
    assert code == 2
    assert "port" in one_sentence(err)


async def test_a_note_of_the_cluster_that_is_corrupt_is_one_sentence(data: Path) -> None:
    data.mkdir()
    for note in (b"", b"\xff\xfe/nowhere", b"x" * 100_000, b"/etc\n", None):
        if note is None:
            (data / "pg.path").unlink()
        (data / "pg.path").mkdir() if note is None else (data / "pg.path").write_bytes(note)
        for look in (is_cluster, cluster_of):
            with pytest.raises((PostgresFailed, IsADirectoryError), match=r"pg\.path") as refused:
                look(data)
            assert len(str(refused.value)) < 1_000
        if note in {b"", None}:
            finished = await planrecord("serve", "--port", "0", "--data-dir", str(data))
            assert finished.code == 1
            assert "pg.path" in one_sentence(finished.err)
    (data / "pg.path").rmdir()


async def test_a_folder_that_cannot_be_used_is_one_sentence(data: Path) -> None:
    data.mkdir()
    (data / "file").touch()
    for command in ("serve", "verify"):
        finished = await planrecord(command, "--data-dir", str(data / "file" / "below"))
        assert finished.code == 1
        assert str(data / "file") in one_sentence(finished.err)


@pytest.mark.disk
@pytest.mark.parametrize(("size", "command"), [("5m", "serve"), ("4k", "serve"), ("5m", "demo")])
async def test_a_full_disk_at_the_first_start_is_said(data: Path, size: str, command: str) -> None:
    with disk(data, size):
        finished = await planrecord(command, "--data-dir", str(data), PLANRECORD_PORT=str(free_port()))
        assert finished.code == 1
        assert one_sentence(finished.err) == (
            f"there is no room left on the disk that holds {data}: make some, and start again"
        )
        assert servers_in(cluster_of(data)) == []


@pytest.mark.disk
async def test_a_disk_that_is_full_at_a_later_start_is_said(data: Path) -> None:
    with disk(data, "200m"):
        async with serving(data):
            pass
        with (data / "filling").open("wb") as file:
            while True:
                try:
                    os.write(file.fileno(), bytes(1 << 16))
                except OSError:
                    break
        finished = await planrecord("serve", "--port", "0", "--data-dir", str(data))
        assert finished.code == 1
        assert "no room left" in one_sentence(finished.err)
        (data / "filling").unlink()
        async with serving(data) as running:
            assert (await running.get("/health/ready"))["position"] == 352


@pytest.mark.disk
async def test_a_disk_that_may_only_be_read_is_said(data: Path) -> None:
    with disk(data, "5m", "ro"):
        finished = await planrecord("serve", "--port", "0", "--data-dir", str(data))
        assert finished.code == 1
        assert "Read-only file system" in one_sentence(finished.err)


@pytest.mark.parametrize(
    "held",
    ["", "\n", "short\n", "two words of a sentence\n", "令牌" * 20, "a" * 5_000, "a" * 40 + "\n" + "b" * 40, None],
)
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, held: str | None) -> None:
    path = tmp_path / "token"
    path.mkdir() if held is None else path.write_text(held)
    with pytest.raises(NoToken) as refused:
        token_of(tmp_path)
    assert str(path) in one_sentence(str(refused.value))
    assert not carries(f"Bearer {held}", held or "")


async def test_nothing_is_served_beside_an_empty_token(data: Path, server: str) -> None:
    data.mkdir()
    (data / "token").touch()
    async with database_of(server, "imported") as dsn:
        code, out, err = await planrecord("serve", "--port", "0", "--data-dir", str(data), DATABASE_URL=dsn)
    assert (code, out) == (1, "")
    assert "holds no token" in one_sentence(err)


def test_a_token_is_whole_and_its_own_users_alone_or_not_there(tmp_path: Path) -> None:
    token, is_new = token_of(tmp_path / "data")
    assert is_new
    assert token_of(tmp_path / "data") == (token, False)
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["token"]
    assert (tmp_path / "data" / "token").stat().st_mode & 0o777 == 0o600
    assert carries(f"bearer {token}", token)


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer  ", "Basic ", " ", "Bearer \xff", "Bearer None"])
def test_what_is_no_token_is_never_carried(value: str) -> None:
    for token in ("", " ", "None", "a-token-that-is-one"):
        assert not carries(value, token)


async def test_starts_at_once_agree_on_one_token(tmp_path: Path) -> None:
    found = await asyncio.gather(*(asyncio.to_thread(token_of, tmp_path / "data") for _ in range(16)))
    assert len({token for token, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1

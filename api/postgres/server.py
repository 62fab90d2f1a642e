"""Making, starting and stopping the server of one home, whose lock is held."""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from api.postgres.account import ENVIRONMENT, user_name
from api.postgres.errors import PostgresFailed, no_room, usable
from api.postgres.home import Home
from api.postgres.lock import Lock
from api.postgres.pidfile import POSTMASTER_PID, PROC, read_pidfile, seems_alive, send, servers_in

START_PATIENCE: Final = 120.0  # seconds: a crash recovery replays the log before it answers
STOP_PATIENCE: Final = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
LEFT_BEHIND_PATIENCE: Final = 20.0
LEFT_BEHIND: Final = ("is still in use", "already exists")
FULL: Final = "No space left on device"
HALF_MADE: Final = "pg.new-"  # begins the name of a cluster that is not whole
RELEASE: Final = "pg.release"  # beside the cluster: the release that used it last
LITTLE: Final = 1 << 20  # bytes free: a full disk may leave no room for the words that would say so
SOCKET_PREFIX: Final = "planrecord-"
LOCALE: Final = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--lc-ctype=C.UTF-8",  # without it pg_trgm sees no letters in Chinese
)
_STARTED: Final[set[Path]] = set()  # the clusters whose servers this process has started and not yet stopped


async def clear(home: Home) -> None:
    """End what a killed planrecord left behind in this cluster, so that a new server can start."""
    _wake(home.data)
    for number, patience in STOP_PATIENCE:
        pids = servers_in(home.data)
        if not pids:
            break
        found = read_pidfile(home.data)
        # The server ends its children itself; where it is gone already, they are ending, and a signal hurries them.
        send(number, [found.pid] if found and found.pid in pids else pids)
        await _until(lambda: not servers_in(home.data), patience)
    await _drop_stale_pidfile(home.data)


def _wake(data: Path) -> None:
    """Let go on who was stopped (SIGSTOP): until then no signal but SIGKILL is heard."""
    send(signal.SIGCONT, servers_in(data))


async def _drop_stale_pidfile(data: Path) -> None:
    """Remove a pid file that PostgreSQL would believe: no server of this cluster runs, yet its pid seems to live.

    After a restart of the machine or container the pid may be a stranger's, and where nobody collects the dead it may
    be that of a killed server for ever. Every other stale file PostgreSQL removes itself.
    """
    if PROC.is_dir() and not await _until(lambda: not seems_alive(read_pidfile(data)), 2.0):
        (data / POSTMASTER_PID).unlink()


async def make(home: Home) -> None:
    """Make the cluster if it is not there; it appears under its name only when it is whole."""
    await clear_leftovers(home)
    if not (home.data / "PG_VERSION").exists():
        async with staged(home) as fresh:
            await initialise(fresh)
            put_in_place(fresh.data, home.data)
    check_major(home)
    write_access(home)


async def clear_leftovers(home: Home) -> None:
    """Remove what was left half made, the home's lock being held."""
    for half_made in home.data.parent.glob(f"{HALF_MADE}*"):
        if not await _until(partial(_removed, half_made), 5.0):  # an initdb that outlived its owner may still write
            await asyncio.to_thread(shutil.rmtree, half_made)


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


@asynccontextmanager
async def staged(home: Home) -> AsyncGenerator[Home]:
    """The same home with an empty folder for its cluster, beside its place; it goes, unless it is put in place."""
    fresh = Path(tempfile.mkdtemp(prefix=HALF_MADE, dir=home.data.parent))
    try:
        os.chown(fresh, home.account.uid, home.account.gid)
        yield msgspec.structs.replace(home, data=fresh)
    finally:
        await _until(partial(_removed, fresh), 5.0)  # what was cancelled may still write


async def initialise(home: Home) -> None:
    """Make a new cluster in the home's empty folder."""
    data = str(home.data)
    command = home.command("initdb", "-D", data, "-U", "planrecord", "-A", "peer", *LOCALE, "--no-instructions")
    process = await spawn(command, PIPE)
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise failure(home, f"initdb could not make {home.data}", said.decode(errors="replace"))


def put_in_place(fresh: Path, data: Path) -> None:
    """Give a cluster that is whole its name, for good; PostgresFailed where something has it."""
    try:
        fresh.rename(data)
    except OSError as error:
        raise PostgresFailed(f"{data} is there, and is no PostgreSQL cluster: move it away") from error
    # The name must outlast a power cut as surely as what is committed below it.
    parent = os.open(data.parent, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def check_major(home: Home) -> None:
    """Refuse a cluster that another major version of PostgreSQL made, in words that say what helps."""
    major = (home.data / "PG_VERSION").read_text().strip()
    if major == home.binaries.major:
        (home.log.parent / RELEASE).write_text(f"planrecord {version('planrecord')}\n")
        return
    try:
        release = f"{(home.log.parent / RELEASE).read_text().strip()}, which used it last,"
    except FileNotFoundError:
        release = "the release of planrecord that used it last"
    raise PostgresFailed(
        f"{home.data} was made by PostgreSQL {major}, and this planrecord brings {home.binaries.major}: with {release} "
        f"run `planrecord backup --logical DIR`, then with this one `planrecord restore DIR` into a new data folder"
    )


def write_access(home: Home) -> None:
    """Let in the server's own user and the one who runs planrecord, over the socket and by no other way."""
    names = {user_name(home.account.uid), user_name(os.geteuid())} - {None}
    (home.data / "pg_hba.conf").write_text("local all,replication all peer map=own\n")
    (home.data / "pg_ident.conf").write_text("".join(f'own "{name}" planrecord\n' for name in names))


@asynccontextmanager
async def running(home: Home, lock: Lock, options: Mapping[str, str]) -> AsyncGenerator[tuple[Process, Path]]:
    """Process and socket folder of the server, ready; both gone afterwards."""
    _remove_socket(lock.before)
    with usable(home.log.parent):
        socket = _socket_folder(home)
    _STARTED.add(home.data)
    try:
        with usable(home.log.parent):
            lock.note(socket)
            process = await _start(home, socket, options)
        try:
            yield process, socket
        finally:
            _wake(home.data)
            await stop(process)
    finally:
        _STARTED.discard(home.data)
        shutil.rmtree(socket, ignore_errors=True)


def end_at_once() -> None:
    """Kill every server that this process has started; the next start recovers whatever was acknowledged."""
    for data in tuple(_STARTED):
        send(signal.SIGKILL, servers_in(data))


def _socket_folder(home: Home) -> Path:
    # A socket's path may have some hundred bytes and no more, so neither the data folder nor a long TMPDIR will do.
    place = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108  # mkdtemp makes its own, mode 0700
    socket = tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=place)
    os.chown(socket, home.account.uid, home.account.gid)
    return Path(socket)


def _remove_socket(before: str) -> None:
    """Remove the socket folder that a killed owner wrote down, and nothing that does not look like one."""
    left = Path(before.partition("\n")[2].strip())
    if left.name.startswith(SOCKET_PREFIX):
        shutil.rmtree(left, ignore_errors=True)


async def _start(home: Home, socket: Path, options: Mapping[str, str]) -> Process:
    """Server's process, once it is ready; tried again while a killed server's children still end."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LEFT_BEHIND_PATIENCE
    while True:
        process = await _launch(home, socket, options)
        if await _ready(home, process):
            return process
        said = home.log.read_text(errors="replace")
        if loop.time() > deadline or not any(words in said for words in LEFT_BEHIND):
            raise failure(home, f"PostgreSQL did not start in {home.data} (see {home.log})", said)
        await asyncio.sleep(0.2)


async def _launch(home: Home, socket: Path, options: Mapping[str, str]) -> Process:
    settings = [f"{name}={value}" for name, value in {"listen_addresses": "", **options}.items()]
    arguments = [part for setting in settings for part in ("-c", setting)]
    log = _fresh_log(home.log)
    try:
        return await spawn(home.command("postgres", "-D", str(home.data), "-k", str(socket), *arguments), log)
    finally:
        os.close(log)


def _fresh_log(log: Path) -> int:
    """Open a new log, the last one kept beside it; private, since a failed statement may quote what it was about."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


async def spawn(command: tuple[str, ...], output: int) -> Process:
    """A program of PostgreSQL's, which hears no signal that is meant for planrecord."""
    # In a session of its own: Ctrl-C is for planrecord, which closes its connections and then stops the server.
    return await asyncio.create_subprocess_exec(
        *command, cwd="/", env=ENVIRONMENT, stdin=DEVNULL, stdout=output, stderr=STDOUT, start_new_session=True
    )


async def _ready(home: Home, process: Process) -> bool:
    """Whether it takes connections; False once it has ended, by itself or because its time was up."""

    def settled() -> bool:
        found = read_pidfile(home.data)
        return process.returncode is not None or bool(found and found.ready and found.pid == process.pid)

    try:
        if not await _until(settled, START_PATIENCE):
            await stop(process)
    except asyncio.CancelledError:
        await stop(process)
        raise
    return process.returncode is None


async def stop(process: Process) -> None:
    """Fast shutdown, which ends its clients; then harder."""
    for number, patience in STOP_PATIENCE:
        if process.returncode is not None:
            return
        send(number, [process.pid])
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            continue


async def takes_connections(socket: Path) -> bool:
    """Whether a server listens in this socket folder."""
    try:
        _, writer = await asyncio.open_unix_connection(socket / ".s.PGSQL.5432")
    except OSError:
        return False
    writer.close()
    return True


async def _until(done: Callable[[], bool], patience: float) -> bool:
    """Whether it was done within so many seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while not done():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def failure(home: Home, what: str, said: str) -> PostgresFailed:
    """What went wrong, with the last lines that a program said; a full disk is named as that."""
    if FULL in said or shutil.disk_usage(home.data.parent).free < LITTLE:
        return no_room(home.log.parent)
    return PostgresFailed(f"{what}:\n{_tail(said)}")


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-20:])

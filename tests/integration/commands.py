"""The `planrecord` command as another process, in a data folder of its own."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from api.postgres.home import cluster_of
from api.postgres.pidfile import read_pidfile, servers_in

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds: only a fault takes so long
# Two processes run tests at once (`make test`): each begins elsewhere, and gives no port twice.
PORTS = chain(range(10_000 + os.getpid() * 211 % 20_000, 32_000), range(10_000, 32_000))


class Finished(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of planrecord's but these."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(("PLANRECORD_", "DATABASE_"))}
    return {**foreign, "COLUMNS": "200", **settings}


async def planrecord(*arguments: str, given: str = "", project: Path | str = PROJECT, **settings: str) -> Finished:
    """Run `planrecord …` of the files in `project` to its end."""
    process = await _spawn(project, arguments, settings, subprocess.PIPE, subprocess.PIPE)
    try:
        out, err = await asyncio.wait_for(process.communicate(given.encode()), PATIENCE)
    except TimeoutError:  # nothing is left running
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


async def _spawn(
    project: Path | str, arguments: tuple[str, ...], settings: dict[str, str], out: Any, err: Any
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api", *arguments),
        cwd=project,
        env=environment(**settings),
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=err,
    )


@contextmanager
def place() -> Generator[Path]:
    """A data folder that PostgreSQL's user can enter; afterwards nothing runs in it any more."""
    outer = Path(tempfile.mkdtemp(prefix="planrecord-test-"))
    outer.chmod(0o755)
    try:
        yield outer / "data"
        assert servers_in(cluster_of(outer / "data")) == []
    finally:
        shutil.rmtree(outer)


def free_port() -> int:
    """A port on which nothing listens, of those that the system gives to nobody who asks for any: it stays free."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def listens(port: int) -> bool:
    """Whether anybody listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Serving:
    """A running `planrecord serve` (or `demo --serve`), and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, port: int) -> None:
        self.process = process
        self.folder = folder
        self.port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)

    @property
    def token(self) -> str:
        """The token that may write."""
        return (self.folder / "token").read_text().strip()

    @property
    def postmaster(self) -> int:
        """Pid of its PostgreSQL."""
        found = read_pidfile(cluster_of(self.folder))
        assert found
        return found.pid

    @property
    def said(self) -> str:
        """What it wrote to standard output so far."""
        return (self.folder.parent / "out").read_text()

    @property
    def complained(self) -> str:
        """What it wrote to standard error so far."""
        return (self.folder.parent / "err").read_text()

    async def ready(self) -> None:
        """Wait until it answers."""
        for _ in range(int(PATIENCE / 0.02)):
            assert self.process.returncode is None, f"it ended: {self.said} {self.complained}"
            try:
                if (await self.http.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)
        raise AssertionError("the server does not answer")

    async def send(self, body: Any, **headers: str) -> httpx.Response:
        """The answer to commands."""
        return await self.http.post(
            "/v1/commands", json=body, headers={"Authorization": f"Bearer {self.token}"} | headers
        )

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a good answer."""
        response = await self.http.get(path, params=query or None)  # an empty query would drop that of `path`
        assert response.status_code == 200, response.text
        return response.json()

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self.http.aclose()
        return code

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()


async def start(
    folder: Path, command: str = "serve", *options: str, project: Path | str = PROJECT, **settings: str
) -> Serving:
    """Start serving the folder, without waiting until it answers."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    with (folder.parent / "out").open("wb") as out, (folder.parent / "err").open("wb") as err:
        arguments = (command, "--port", str(port), "--data-dir", str(folder), *options)
        return Serving(await _spawn(project, arguments, settings, out, err), folder, port)


@asynccontextmanager
async def serving(
    folder: Path, command: str = "serve", *options: str, project: Path | str = PROJECT, **settings: str
) -> AsyncGenerator[Serving]:
    """Serve the folder for as long as the block does, unless it ends before."""
    served = await start(folder, command, *options, project=project, **settings)
    try:
        await served.ready()
        yield served
    finally:
        await served.stop()

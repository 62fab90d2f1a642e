"""Servers: planrecord and its peers under the same granian, one worker, each in a process on the cores it is given."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.hosting.serving import listening, server_of
from api.hosting.settings import Settings
from api.main import application, service
from events.steps import settle
from tests.benchmarks.load import Wrong
from tests.benchmarks.peers import PEERS, App, Setup

PATIENCE = 60.0  # seconds in which a server must answer
AT_REST = 0.2  # seconds in which what a start leaves to do is done
NO_REQUEST = b"?\r\n\r\n"  # which a server refuses by itself, and no application hears of


class Server(NamedTuple):
    """A server in a process of its own."""

    port: int
    pid: int


@asynccontextmanager
async def planrecord(setup: Setup) -> AsyncGenerator[App]:
    """The application as `planrecord serve` publishes it, with its default settings."""
    settings = Settings(data_dir=Path(setup.folder), database_url=setup.dsn, origin=setup.origin)
    async with service(settings) as running:
        yield application(running)


async def serve(name: str, setup: Setup, port: int) -> None:
    """Serve until standard input ends, so that nothing outlives the one who started it."""
    async with {"planrecord": planrecord, **PEERS}[name](setup) as app:
        server = server_of(app, listening("127.0.0.1", port))
        settle()  # as `planrecord serve` does, for the peers alike
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), server.stop)
        await server.serve()


@asynccontextmanager
async def serving(name: str, setup: Setup, *cores: int) -> AsyncGenerator[Server]:
    """A server, while it runs in a process of its own."""
    told = Path(setup.folder) / f"{name.replace(' ', '-')}.json"
    told.write_bytes(msgspec.json.encode(setup))
    command = [sys.executable, "-m", "tests.benchmarks.servers", name, str(told)]
    async with at_a_port(command, *cores) as server:
        yield server


@asynccontextmanager
async def at_a_port(command: list[str], *cores: int) -> AsyncGenerator[Server]:
    """A program that listens on the port that is its last argument; it ends with the block, or with us."""
    port = free_port()
    bound = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", ",".join(map(str, cores))]
    process = await asyncio.create_subprocess_exec(*bound, *command, str(port), stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    assert process.stdin
    assert process.stdout
    said = asyncio.create_task(process.stdout.read())
    try:
        await _serves(port, said)
        yield Server(port, process.pid)  # setpriv and taskset become what they begin
    finally:
        process.stdin.close()
        await _end(process)
        said.cancel()


async def _end(process: Process) -> None:
    """Wait for the end of a program that has been asked to end, and ask again, harder."""
    for ask, patience in ((process.terminate, 1.0), (process.kill, 10.0), (process.kill, 10.0)):
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            ask()
        else:
            return


async def _serves(port: int, ended: "asyncio.Task[bytes]") -> None:
    """Wait until requests are read: a socket may listen for long before anybody takes what has come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while not await _refused(port, deadline - loop.time()):
        if ended.done() or loop.time() > deadline:
            words = ended.result().decode() if ended.done() else "it took too long"
            raise Wrong(f"a server did not start: {words}")
        await asyncio.sleep(0.05)
    await asyncio.sleep(AT_REST)


async def _refused(port: int, seconds: float) -> bool:
    """Whether what is no request is answered."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(NO_REQUEST)
            answered = await reader.read(1)
            writer.close()
    except OSError:  # TimeoutError is one
        return False
    return bool(answered)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """`python -m tests.benchmarks.servers NAME SETUP PORT`."""
    name, told, port = sys.argv[1:]
    setup = msgspec.json.decode(Path(told).read_bytes(), type=Setup)
    asyncio.run(serve(name, setup, int(port)))


if __name__ == "__main__":
    main()

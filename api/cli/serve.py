"""`planrecord serve` and `planrecord demo`: start everything, say what to open, stop everything."""

import asyncio
import contextlib
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from api.cli.shared import OUT, data_dir_option, fail, run, settings_of

if TYPE_CHECKING:
    from granian.server.embed import Server

    from api.main import Service
    from api.postgres import Cluster, PostgresFailed
    from api.settings import Settings

LAST_ANSWERS = 5.0  # seconds in which requests that are under way may end; one that never ends must not hold us

port_option = click.option("--port", type=click.IntRange(0, 65535), help="Default: 8000, or PLANRECORD_PORT.")
host_option = click.option("--host", help="Default: 127.0.0.1, or PLANRECORD_HOST.")


@click.command("serve")
@port_option
@host_option
@data_dir_option
def serve_command(port: int | None, host: str | None, data_dir: Path | None) -> None:
    """Serve the record. A new record begins with the bundled plan; Ctrl-C stops all that was started."""
    run(serve(settings_of(port=port, host=host, data_dir=data_dir)))


@click.command("demo")
@port_option
@host_option
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("data-demo"), show_default=True
)
@click.option("--serve", "and_serve", is_flag=True, help="Serve it afterwards.")
def demo_command(port: int | None, host: str | None, data_dir: Path, *, and_serve: bool) -> None:
    """Tell a year of INVENTED reports and edits on the real plan, in a data folder of its own."""
    settings = settings_of(port=port, host=host, data_dir=data_dir)
    run(demo(msgspec.structs.replace(settings, origin="planrecord.invalid/shanghai/demo"), and_serve=and_serve))


async def demo(settings: "Settings", *, and_serve: bool) -> None:
    """Make the demo's record unless it is there, and serve it if asked."""
    from api.demo import tell  # noqa: PLC0415 - base installs have no server
    from api.main import service  # noqa: PLC0415

    async with service(settings, exclusive=True) as running:
        OUT.print(
            f"INVENTED DATA in {settings.data_dir}: nothing of this year happened", style="bold red", markup=False
        )
        await tell(running, lambda line: OUT.print(line, markup=False))
        if and_serve:
            await publish(running)


async def serve(settings: "Settings") -> None:
    """Start everything, import the bundled plan into an empty log, publish until a signal comes."""
    from api.main import service  # noqa: PLC0415 - base installs have no server

    _refuse_taken_port(settings)
    async with service(settings, exclusive=True) as running:
        await begin(running)
        await publish(running)


async def begin(running: "Service") -> None:
    """Import the bundled plan if the log is empty."""
    from domain.bundled import bundled_plan  # noqa: PLC0415

    async with running.pool.acquire() as connection:
        size = await connection.fetchval("SELECT size FROM log_head")
    if size == 0:
        receipt = await running.office.record([bundled_plan()])
        OUT.print(f"imported the bundled plan: {len(receipt.facts)} facts, {len(receipt.doubts)} doubts", markup=False)


async def publish(running: "Service") -> None:
    """Serve until SIGINT or SIGTERM; PostgresFailed if the database that it started ends before."""
    from granian.constants import Interfaces  # noqa: PLC0415 - base installs have no server
    from granian.server.embed import Server  # noqa: PLC0415

    from api.main import application  # noqa: PLC0415
    from events.steps import settle  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # of a database that is away, each request says so itself
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)  # a wrong query is no fault of ours
    settings = running.settings
    server = Server(
        application(running),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
        backlog=1024,
    )
    setattr(server, "workers_kill_timeout", LAST_ANSWERS)  # noqa: B010 - its type is declared too narrow
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    _say(running)
    settle()
    # DATABASE_URL's server is somebody else's to start again; nothing brings back an own one but the next start.
    watch = asyncio.create_task(_stop_with(running.cluster, server)) if running.cluster else None
    try:
        await server.serve()
    except TimeoutError:
        loop.set_exception_handler(_ignore)  # nobody waits for how the requests left behind will end
    if watch and watch.done():
        raise watch.result()
    if watch:
        watch.cancel()
    OUT.print("stopped", markup=False)


def _ignore(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Say nothing of what is left behind."""


async def _stop_with(cluster: "Cluster", server: "Server") -> "PostgresFailed":
    """Stop serving when the own PostgreSQL has ended; why it did."""
    failed = await cluster.ended()
    server.stop()
    return failed


def _say(running: "Service") -> None:
    """What to open."""
    settings = running.settings
    everywhere = settings.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    base = f"http://{'127.0.0.1' if everywhere else settings.host}:{settings.port}"
    plan = "/v1/plans/shanghai-credit-2023"
    if settings.is_demo:
        OUT.print(
            "INVENTED DATA: this is the demo; its reports and edits never happened", style="bold red", markup=False
        )
    lines = [
        f"planrecord serves {settings.origin} on {base}",
        f"  for reading          {base}/",
        f"  every address        {base}/docs, as OpenAPI {base}/openapi.json",
        f"  GraphQL              {base}/graphql",
        f"  the plan as data     {base}{plan}",
        f"  its tasks, a table   {base}{plan}/tasks.csv",
        f"  how one came about   {base}{plan}/tasks/21/history",
        f"  every fact           {base}/v1/events",
        f"  the writing token    {settings.data_dir / 'token'}" + (" (made just now)" if running.token_is_new else ""),
        "Ctrl-C stops it.",
    ]
    OUT.print("\n".join(lines), markup=False)


def _refuse_taken_port(settings: "Settings") -> None:
    """Say at once that the port is taken, not after the database has started."""
    import socket  # noqa: PLC0415

    if settings.port == 0:
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            fail(f"cannot serve on {settings.host}:{settings.port}: {error.strerror}; choose another with --port", 1)

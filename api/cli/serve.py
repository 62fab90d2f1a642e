"""`planrecord serve` and `planrecord demo`: start everything, say what to open, stop everything."""

import asyncio
import contextlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from api.cli.shared import OUT, data_dir_option, run, settings_of

if TYPE_CHECKING:
    import socket

    from api.hosting.settings import Settings
    from api.main import Service

OF_A_START: Final = re.compile(
    r"lock|token|pg\.path|pg\.release|heads|pg\.log(\.1)?|(pg|token)\.new-.*"
)  # one that was interrupted

port_option = click.option("--port", type=click.IntRange(0, 65535), help="Default: 8000, or PLANRECORD_PORT.")
host_option = click.option("--host", help="Default: 127.0.0.1, or PLANRECORD_HOST.")


@click.command("serve")
@port_option
@host_option
@data_dir_option
@click.option("--as-new-log", is_flag=True, help="Once, after a restore that lost facts: give the log a new identity.")
def serve_command(port: int | None, host: str | None, data_dir: Path | None, *, as_new_log: bool) -> None:
    """Serve the record. A new record begins with the bundled plan; Ctrl-C stops all that was started."""
    run(serve(settings_of(port=port, host=host, data_dir=data_dir), as_new_log=as_new_log))


@click.command("demo")
@port_option
@host_option
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("data-demo"), show_default=True
)
@click.option("--serve", "and_serve", is_flag=True, help="Serve it afterwards.")
def demo_command(port: int | None, host: str | None, data_dir: Path, *, and_serve: bool) -> None:
    """Tell a year of INVENTED reports and edits on the real plan, in a data folder of its own."""
    from api.hosting.opening import DEMO_ORIGIN  # noqa: PLC0415 - base installs have no server

    run(demo(settings_of(port=port, host=host, data_dir=data_dir, origin=DEMO_ORIGIN), and_serve=and_serve))


async def serve(settings: "Settings", *, as_new_log: bool = False) -> None:
    """Start everything, import the bundled plan into an empty log, publish until a signal comes."""
    from api.hosting.serving import listening  # noqa: PLC0415
    from api.main import service  # noqa: PLC0415 - base installs have no server

    with listening(settings.host, settings.port) as taken:
        if as_new_log:
            from api.cli.continued import continue_log  # noqa: PLC0415

            said = await continue_log(settings)
            OUT.print(f"the log continues {said.previous_log}, of which it holds {said.size} facts", markup=False)
        async with service(settings, exclusive=True) as running:
            await begin(running)
            await publish(running, taken)


async def demo(settings: "Settings", *, and_serve: bool) -> None:
    """Make the demo's record unless it is there, and serve it if asked."""
    from api.cli.year import tell  # noqa: PLC0415 - base installs have no server
    from api.hosting.serving import listening  # noqa: PLC0415
    from api.main import service  # noqa: PLC0415

    refuse_what_is_no_record(settings)
    with listening(settings.host, settings.port) if and_serve else contextlib.nullcontext() as taken:
        async with service(settings, exclusive=True) as running:
            OUT.print(
                f"INVENTED DATA in {settings.data_dir}: nothing of this year happened", style="bold red", markup=False
            )
            await tell(running, lambda line: OUT.print(line, markup=False))
            if taken:
                await publish(running, taken)


def refuse_what_is_no_record(settings: "Settings") -> None:
    """OtherRecord if the folder holds something, and no record; whose record it is, is seen when it is opened."""
    from api.hosting.opening import OtherRecord  # noqa: PLC0415 - base installs have no server
    from api.postgres import is_cluster, usable  # noqa: PLC0415

    folder = settings.data_dir
    if settings.database_url or is_cluster(folder):
        return
    with usable(folder):
        names = {entry.name for entry in folder.iterdir()} if folder.exists() else set[str]()
    # A start makes the lock first; a token without one is that of a record in a database of somebody's own.
    if names and ("lock" not in names or not all(map(OF_A_START.fullmatch, names))):
        raise OtherRecord(f"{folder} holds something else: name another folder for the demo with --data-dir")


async def begin(running: "Service") -> None:
    """Import the bundled plan if the log is empty."""
    from domain.bundled import bundled_plan  # noqa: PLC0415

    async with running.pool.acquire() as connection:
        size = await connection.fetchval("SELECT size FROM log_head")
    if size == 0:
        receipt = await running.office.record([bundled_plan()])
        OUT.print(f"imported the bundled plan: {len(receipt.facts)} facts, {len(receipt.doubts)} doubts", markup=False)


async def publish(running: "Service", taken: "socket.socket") -> None:
    """Serve at the socket until a signal comes; PostgresFailed if the database that it started ends before."""
    from api.hosting.serving import server_of  # noqa: PLC0415
    from api.main import application  # noqa: PLC0415 - base installs have no server
    from events.steps import settle  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # of a database that is away, each request says so itself
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)  # a wrong query is no fault of ours
    _say(running, taken)
    settle()
    server = server_of(application(running), taken)
    serving = asyncio.ensure_future(server.serve())
    # DATABASE_URL's server is somebody else's to start again; nothing brings back an own one but the next start.
    failed = asyncio.ensure_future(running.cluster.ended()) if running.cluster else None
    try:
        await asyncio.wait([one for one in (serving, failed) if one], return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:  # a signal came
        if task := asyncio.current_task():
            task.uncancel()
    await running.reader.head.end()
    server.stop()
    try:
        await serving
    except TimeoutError:
        asyncio.get_running_loop().set_exception_handler(_ignore)  # nobody waits for how those left behind will end
    if failed and failed.done():
        raise failed.result()
    if failed:
        failed.cancel()
    OUT.print("stopped", markup=False)


def _ignore(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Say nothing of what is left behind."""


def _say(running: "Service", taken: "socket.socket") -> None:
    """What to open."""
    from api.hosting.serving import address_named  # noqa: PLC0415
    from events.demo import is_demo  # noqa: PLC0415 - base installs have no server

    settings, origin = running.settings, running.reader.head.origin
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - said, not bound
    base = f"http://{address_named(host, taken.getsockname()[1])}"
    plan = "/v1/plans/shanghai-credit-2023"
    if is_demo(origin):
        OUT.print(
            "INVENTED DATA: this is the demo; its reports and edits never happened", style="bold red", markup=False
        )
    lines = [
        f"planrecord serves {origin} on {base}",
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

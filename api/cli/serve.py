"""`planrecord serve` and `planrecord demo`: start everything, say what to open, stop everything."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from api.cli.screen import OUT
from api.cli.shared import data_dir_option, run, settings_of
from api.hosting.logs import begin_to_log
from api.hosting.settings import Settings, environment_of, variables

if TYPE_CHECKING:
    import socket

    from api.hosting.metrics import Metrics
    from api.main import Service
    from api.postgres import Cluster

OF_A_START: Final = re.compile(
    r"lock|token|publisher|pg\.path|pg\.release|heads|pg\.log(\.1)?|(pg|token)\.new-.*"
)  # one that was interrupted

port_option = click.option("--port", type=click.IntRange(0, 65535), help="Default: 8000, or PLANRECORD_PORT.")
host_option = click.option("--host", help="Default: 127.0.0.1, or PLANRECORD_HOST.")


workers_option = click.option(
    "--workers", type=click.IntRange(1, 64), help="How many processes answer. Default: 1, or PLANRECORD_WORKERS."
)
metrics_option = click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Where Prometheus finds /metrics, on 127.0.0.1. Default: nowhere, or PLANRECORD_METRICS_PORT.",
)


def _settings_told() -> str:
    """Every setting, as the help shows it: wrapped by nobody."""
    lines = [
        line
        for one in variables()
        for line in (
            f"  {one.variable}",
            f"      {one.purpose}" + (f" (default: {one.default})" if one.default else ""),
        )
    ]
    return "\n".join(["\b", "Settings, from the environment; an option wins:", *lines])


@click.command("serve", epilog=_settings_told())
@port_option
@host_option
@data_dir_option
@workers_option
@metrics_option
@click.option("--as-new-log", is_flag=True, help="Once, after a restore that lost facts: give the log a new identity.")
def serve_command(  # noqa: PLR0913 - one for each option
    port: int | None,
    host: str | None,
    data_dir: Path | None,
    workers: int | None,
    metrics_port: int | None,
    *,
    as_new_log: bool,
) -> None:
    """Serve the record. A new record begins with the bundled plan; Ctrl-C stops all that was started.

    Several processes may also serve one DATABASE_URL, on this machine or others, each started by itself.
    """
    given = {"port": port, "host": host, "data_dir": data_dir, "workers": workers, "metrics_port": metrics_port}
    run(serve(settings_of(**given), as_new_log=as_new_log))


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


async def serve(settings: Settings, *, as_new_log: bool = False) -> None:
    """Start everything, import the bundled plan into an empty log, publish until a signal comes."""
    from api.hosting.serving import listening  # noqa: PLC0415 - base installs have no server

    with listening(settings.host, settings.port) as taken:
        if as_new_log:
            from api.cli.continued import continue_log  # noqa: PLC0415

            said = await continue_log(settings)
            OUT.print(f"the log continues {said.previous_log}, of which it holds {said.size} facts", markup=False)
        await _keep_and_publish(settings, begin, taken)


async def demo(settings: Settings, *, and_serve: bool) -> None:
    """Make the demo's record unless it is there, and serve it if asked."""
    from api.cli.year import tell  # noqa: PLC0415 - base installs have no server
    from api.hosting.serving import listening  # noqa: PLC0415

    async def told(running: "Service") -> None:
        OUT.print(
            f"INVENTED DATA in {settings.data_dir}: nothing of this year happened", style="bold red", markup=False
        )
        await tell(running, lambda line: OUT.print(line, markup=False))

    refuse_what_is_no_record(settings)
    with listening(settings.host, settings.port) if and_serve else contextlib.nullcontext() as taken:
        await _keep_and_publish(settings, told, taken)


async def _keep_and_publish(
    settings: Settings, first: Callable[["Service"], Awaitable[None]], taken: "socket.socket | None"
) -> None:
    """Start the database, do what comes first, and publish at the socket, if there is one, until a signal comes."""
    from api.hosting.metrics import Metrics, published  # noqa: PLC0415 - base installs have no server
    from api.hosting.opening import opened  # noqa: PLC0415
    from api.main import wired  # noqa: PLC0415

    begin_to_log(settings.log_format)
    metrics = Metrics()
    with published(metrics, settings.metrics_host, settings.metrics_port if taken else None) as measured:
        async with opened(settings, exclusive=True, progress=metrics.folded) as (dsn, own):
            async with wired(settings, dsn, own) as running:
                await first(running)
                if taken:
                    _say(running, taken, measured)
                if taken and settings.workers == 1:
                    metrics.own = running.measured
                    await publish(running, taken)
            if taken and settings.workers > 1:
                await publish_by_workers(msgspec.structs.replace(settings, database_url=dsn), own, taken, metrics)
    if taken:
        OUT.print("stopped", markup=False)


def refuse_what_is_no_record(settings: Settings) -> None:
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
    """Import the bundled plan if the log is empty; of several that begin at once one does."""
    from domain.bundled import bundled_plan  # noqa: PLC0415
    from events.proposal import IdempotencyKey  # noqa: PLC0415 - base installs have no server

    async with running.pool.acquire() as connection:
        size = await connection.fetchval("SELECT size FROM log_head")
    if size == 0:
        receipt = await running.office.record([bundled_plan()], IdempotencyKey("bundled-plan", b""))
        OUT.print(f"imported the bundled plan: {len(receipt.facts)} facts, {len(receipt.doubts)} doubts", markup=False)


async def publish(running: "Service", taken: "socket.socket") -> None:
    """Serve at the socket until a signal comes; PostgresFailed if the database that it started ends before."""
    from api.hosting.serving import base_at, server_of  # noqa: PLC0415
    from api.main import application  # noqa: PLC0415 - base installs have no server
    from events.steps import settle  # noqa: PLC0415

    settle()
    server = server_of(application(running, base_at(running.settings.host, taken)), taken)
    serving = asyncio.ensure_future(server.serve())
    async with _until_told(serving, running.cluster):
        await running.reader.head.end()
        await running.sockets.left()
        server.stop()
        try:
            await serving
        except TimeoutError:
            asyncio.get_running_loop().set_exception_handler(_ignore)  # nobody waits for how those left behind will end


async def publish_by_workers(
    settings: Settings, own: "Cluster | None", taken: "socket.socket", metrics: "Metrics"
) -> None:
    """The same, in processes of their own, which report to `metrics`."""
    from api.hosting.beside import same_modules  # noqa: PLC0415 - base installs have no server
    from api.hosting.metrics import Counted  # noqa: PLC0415
    from api.hosting.workers import Workers  # noqa: PLC0415

    def heard(number: int, report: bytes) -> None:
        metrics.starts = workers.started
        metrics.heard(number, msgspec.json.decode(report, type=Counted))

    workers = Workers(_worker, {**os.environ, **environment_of(settings), **same_modules()}, taken, heard)
    serving = asyncio.ensure_future(workers.run(settings.workers))
    async with _until_told(serving, own):
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def _worker(descriptor: int, channel: int) -> list[str]:
    """The command that starts a worker."""
    from api.hosting.beside import module_command  # noqa: PLC0415 - base installs have no server

    return [*module_command("api.cli.worker"), str(descriptor), str(channel)]


@asynccontextmanager
async def _until_told(serving: "asyncio.Future[Any]", own: "Cluster | None") -> AsyncGenerator[None]:
    """Serve until a signal comes, and end in order within the block; PostgresFailed if an own database ended before."""
    # DATABASE_URL's server is somebody else's to start again; nothing brings back an own one but the next start.
    failed = asyncio.ensure_future(own.ended()) if own else None
    try:
        await asyncio.wait([one for one in (serving, failed) if one], return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:  # a signal came
        if task := asyncio.current_task():
            task.uncancel()
    yield
    if failed and failed.done():
        raise failed.result()
    if failed:
        failed.cancel()


def _key_said(running: "Service") -> str:
    """Which key signs the log, or how it comes to have one."""
    from api.hosting.keys import key_folder  # noqa: PLC0415 - base installs have no server

    key = key_folder(running.settings, running.reader.head.log).key()
    if key:
        return f"  signed by            {key.public.fingerprint}, the fingerprint of /log/key"
    return "  the log's key        is not here; `planrecord publish --first` makes one for a log that has none"


def _ignore(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Say nothing of what is left behind."""


def _say(running: "Service", taken: "socket.socket", measured: int | None) -> None:
    """What to open."""
    from api.hosting.serving import address_named, allow_many_files, base_at  # noqa: PLC0415
    from events.demo import is_demo  # noqa: PLC0415 - base installs have no server

    settings, origin = running.settings, running.reader.head.origin
    base = base_at(settings.host, taken)
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
        f"  as they come         {base}/v1/stream, for up to {allow_many_files():,} connections at once",
        f"  the writing token    {settings.data_dir / 'token'}" + (" (made just now)" if running.token_is_new else ""),
    ]
    lines.append(_key_said(running))
    if measured is not None:
        lines.append(f"  what is measured     http://{address_named(settings.metrics_host, measured)}/metrics")
    lines.append("Ctrl-C stops it.")
    OUT.print("\n".join(lines), markup=False)

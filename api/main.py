"""The composition root: settings → database → log with the projections' writer → handler → application, wired once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import License

from api import problems
from api.graphql.door import graphql
from api.office import Office
from api.postgres import Cluster, cluster
from api.reader import Reader
from api.resources import commands, demo, districts, events, health, plans, schemas, tasks, units
from api.settings import Settings
from api.token import token_of
from events.database import Pool, connect, pool_of
from events.handle import Handler
from events.log import Log
from events.schema import migrate
from projections.fold import state
from projections.runner import prepare
from projections.views import TABLES
from projections.writer import writer

HANDLERS: list[Any] = [
    plans.plan_list,
    plans.one_plan,
    tasks.task_list,
    tasks.one_task,
    units.unit_list,
    units.one_unit,
    districts.district_list,
    districts.one_district,
    events.event_list,
    events.one_event,
    events.plan_history,
    events.task_history,
    events.unit_history,
    events.district_history,
    commands.commands,
    demo.demo_clock,
    graphql,
    schemas.openapi,
    schemas.graphql_schema,
    health.live,
    health.ready,
]


class Service(msgspec.Struct, frozen=True):
    """Everything that is running, for the server and for the command line."""

    settings: Settings
    pool: Pool
    reader: Reader
    office: Office
    token: str
    token_is_new: bool
    cluster: Cluster | None  # None where DATABASE_URL names the server


@asynccontextmanager
async def database(settings: Settings, *, exclusive: bool = False) -> AsyncGenerator[tuple[str, Cluster | None]]:
    """The DSN of `DATABASE_URL`, or of the data folder's own PostgreSQL, which is started and stopped."""
    if settings.database_url:
        yield settings.database_url, None
        return
    async with cluster(settings.data_dir, exclusive=exclusive) as own:
        yield own.dsn, own


@asynccontextmanager
async def service(settings: Settings, *, exclusive: bool = False) -> AsyncGenerator[Service]:
    """Everything wired and running; all that was started is stopped afterwards, and nothing else."""
    async with database(settings, exclusive=exclusive) as (dsn, own):
        await migrate(dsn, settings.origin)
        async with pool_of(dsn, 8) as pool:
            async with pool.acquire() as connection:
                await prepare(connection, TABLES)
            log = Log(lambda: connect(dsn), writer(TABLES))
            handler = Handler(log, pool.acquire, state)
            token, is_new = token_of(settings.data_dir)
            try:
                yield Service(
                    settings,
                    pool,
                    Reader(pool, settings.license),
                    Office(pool, handler, settings.office),
                    token,
                    is_new,
                    own,
                )
            finally:
                await log.close()


def application(running: Service) -> Litestar:
    """The application that publishes it."""
    state_ = State(
        {
            "reader": running.reader,
            "office": running.office,
            "token": running.token,
            "max_body": running.settings.max_body,
        }
    )
    return Litestar(
        HANDLERS,
        state=state_,
        cors_config=CORSConfig(allow_origins=["*"], allow_methods=["GET", "POST"], expose_headers=["Log-Position"]),
        exception_handlers={Exception: problems.answer},
        openapi_config=openapi_config(),
        request_max_body_size=None,  # api/body.py reads with a limit of its own
    )


def openapi_config() -> OpenAPIConfig:
    """What the API's description says of the API as a whole."""
    return OpenAPIConfig(
        title="planrecord",
        version="1",
        summary="A public plan as an append-only record: every state, at any past date.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/litestar-schema",
        render_plugins=[],
        use_handler_docstrings=True,
    )

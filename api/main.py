"""The composition root: settings → database → log with the projections' writer → handler → application, wired once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import msgspec
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import License

from api import catalogue, exports, feeds, pages, standards
from api import log as auditors
from api.description import docs, schemas
from api.exports.exporting import Exporting, exporting
from api.graphql.door import graphql, methods
from api.graphql.sockets import Sockets, subscriptions
from api.hosting.heads import check_acknowledged, keeping
from api.hosting.metrics import Counted
from api.hosting.opening import Purpose, opened
from api.hosting.publishing import Published, publishing
from api.hosting.serving import address_named
from api.hosting.settings import Settings, networks_of
from api.http.forwarded import Peers
from api.http.front import Front
from api.http.limits import Limited
from api.http.paths import one_address
from api.http.question import Ask
from api.http.tokens import token_of
from api.postgres import Cluster
from api.resources import diff, events, health, history, subjects, summary, timemaps
from api.services.meter import Meter
from api.services.office import Office
from api.services.places import PublicBase
from api.services.reader import Reader
from api.services.tail import LogTail, tailing
from api.writing import clock, commands
from events.database import APPENDING, APPENDING_PATIENCE, PLANNED_ONCE, Lanes, connect, lanes_of, undisturbed
from events.handle import Handler
from events.head import watching
from events.log import Log
from events.remembered import Fold
from events.streams import Streams
from projections.fold import Timeline
from projections.folds import Folds
from projections.memory import Memory
from projections.runner import shape_of
from projections.slices import Timelines
from projections.views.subjects import TABLES
from projections.writer import writer

HANDLERS: list[Any] = [
    *subjects.HANDLERS,
    summary.plan_summary,
    events.event_list,
    events.one_event,
    *history.HANDLERS,
    *diff.HANDLERS,
    *timemaps.HANDLERS,
    *auditors.HANDLERS,
    *feeds.HANDLERS,
    *exports.HANDLERS,
    *standards.HANDLERS,
    *catalogue.HANDLERS,
    commands.commands,
    clock.demo_clock,
    methods,
    graphql,
    subscriptions,
    schemas.openapi,
    schemas.graphql_schema,
    schemas.event_schema,
    docs.docs,
    docs.graphiql,
    docs.asset,
    health.live,
    health.ready,
    *pages.HANDLERS,
]


class Service(msgspec.Struct, frozen=True):
    """Everything that is running, for the server and for the command line."""

    settings: Settings
    dsn: str
    pool: Lanes
    log: Log
    reader: Reader
    handler: Handler
    office: Office
    token: str  # empty where nothing may be served
    token_is_new: bool
    hmac_key: bytes  # the log's own, for the HMACs by which repeated requests are known
    cluster: Cluster | None  # None where DATABASE_URL names the server
    slices: Lanes
    meter: Meter
    published: Published
    tail: LogTail
    sockets: Sockets
    exporting: Exporting

    def measured(self) -> Counted:
        """All that this process has counted; it may be asked for by another thread."""
        return self.meter.report(
            self.reader, self.tail, self.log, self.handler, {"log": self.pool, "tables": self.slices}, self.published
        )


@asynccontextmanager
async def service(settings: Settings, *, exclusive: bool = False, purpose: Purpose = "make") -> AsyncGenerator[Service]:
    """Everything wired and running; all that was started is stopped afterwards, and nothing else.

    `purpose` says what may be done to the record at the start, and whether it may be made (`opened`).
    """
    async with (
        opened(settings, exclusive=exclusive, purpose=purpose) as (dsn, own),
        wired(settings, dsn, own, purpose=purpose) as running,
    ):
        yield running


@asynccontextmanager
async def wired(
    settings: Settings, dsn: str, own: Cluster | None, *, purpose: Purpose = "make"
) -> AsyncGenerator[Service]:
    """Everything on a record that is opened already."""
    async with undisturbed(dsn) as connection:
        if purpose != "read":
            await check_acknowledged(connection, settings)
        hmac_key: bytes = await connection.fetchval("SELECT hmac_key FROM log_head")
    memory = Memory(settings.cache_bytes)
    folds = Folds(memory)
    async with (
        lanes_of(dsn, 8) as pool,
        lanes_of(dsn, 4, PLANNED_ONCE, brief=True) as slices,
        appending(dsn, folds) as log,
        watching(lambda: connect(dsn), pool) as head,
        keeping(settings.data_dir, head) if purpose != "read" else nullcontext(),
        publishing(settings, dsn, head) if purpose != "read" else nullcontext(Published(head)) as published,
        handling(log, pool, folds, Streams(memory)) as handler,
        tailing(slices, head) as tail,
        exporting(dsn, settings.data_dir, settings.export_bytes, settings.log_format) as exports_,
    ):
        token, is_new = token_of(settings.data_dir) if purpose == "make" else ("", False)
        reader = Reader(pool, slices, head, settings.license, memory)
        office = Office(pool, head, handler, settings.office)
        yield Service(
            *(settings, dsn, pool, log, reader, handler, office, token, is_new, hmac_key, own, slices),
            Meter(),
            published,
            tail,
            Sockets(reader, tail),
            exports_,
        )


@asynccontextmanager
async def handling(log: Log, lanes: Lanes, fold: Fold, streams: Streams) -> AsyncGenerator[Handler]:
    """Who decides what is appended to the log."""
    handler = Handler(log, lanes.acquire, fold, streams)
    try:
        yield handler
    finally:
        await handler.close()


@asynccontextmanager
async def appending(dsn: str, fold: Timelines = Timeline) -> AsyncGenerator[Log]:
    """The log, whose appends carry the projections' writes along."""
    log = Log(lambda: connect(dsn, APPENDING, APPENDING_PATIENCE), writer(TABLES, fold), shape_of(TABLES))
    try:
        yield log
    finally:
        await log.close()


def application(running: Service, listening_at: str | None = None) -> Front | Limited:
    """The application that publishes it, behind the wrapper that remembers its answers and the one that counts work.

    `listening_at` is the address that is listened on, where that is not the settings' own.
    """
    settings = running.settings
    listening_at = listening_at or f"http://{address_named(settings.host, settings.port)}"
    state_ = State(
        {
            "log": running.log,
            "published": running.published,
            "tail": running.tail,
            "sockets": running.sockets,
            "exporting": running.exporting,
            "key_published_at": settings.key_published_at,
            "office": running.office,
            "publisher": settings.office,
            "token": running.token,
            "hmac_key": running.hmac_key,
            "max_body": settings.max_body,
            "body_seconds": settings.body_seconds,
            "base": PublicBase(settings.base_url, listening_at),
            "described": described_app,
        }
    )
    inner = Litestar(
        HANDLERS,
        state=state_,
        request_class=Ask,
        cors_config=CORSConfig(allow_origins=["*"], allow_methods=["GET", "POST"]),  # for what is asked beforehand
        exception_handlers={Exception: pages.answer},
        before_request=one_address,
        openapi_config=None,  # /openapi.json has a handler of its own, and Litestar would serve pages beside it
        request_max_body_size=None,  # api/http/body.py reads, with a limit of its own
    )
    front = Front(inner, running.reader, running.meter, pages.failed, settings.body_seconds)
    if not settings.work_per_minute:
        return front
    return Limited(front, settings.work_per_minute / 1_000, Peers(networks_of(settings.trusted_proxies)))


def described_app() -> Litestar:
    """The application, not running, to be described: what is served does not describe itself."""
    config = OpenAPIConfig(
        title="planrecord",
        version="1",
        summary="A public plan as an append-only record: every state, at any past date.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/litestar-schema",
        render_plugins=[],
        use_handler_docstrings=True,
    )
    return Litestar(HANDLERS, openapi_config=config, request_class=Ask)

"""Which log it is, and the root of its tree: in every answer, at every position, of every log that there was before."""

import hmac
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.auditing.leaves import tree_hash
from api.description.examples import WRITTEN
from api.main import Service, service
from api.services.reader import Reader
from events.database import Connection
from projections.as_of import AsOf, Moment
from projections.memory import Memory
from projections.verifying import verify
from projections.views.subjects import TABLES
from projections.views.tasks import TASKS
from projections.wanted import wanted
from tests.conftest import PLAN, TASK, Site, database_of, problem_of, serving, settings_for
from tests.integration.old_log import make_old_log
from tests.integration.test_graphql_statements import Listening

ANSWERED: dict[str, Any] = json.loads(WRITTEN.read_bytes())
READS = [
    one["request"]
    for name, one in ANSWERED.items()
    if name.startswith("GET /v1/") and "application/json" in one["answers"].get("200", ())
    if not name.endswith(("/proof", "/leaf", "/evidence"))  # these are no answers read from the record, but proofs
]
DRIVER = ("typeinfo_tree", "set_config('jit'")  # what asyncpg asks once of every connection that meets an array
REWORD = {"type": "task.reword", "task": TASK, "text": "另一种说法", "reason": "试"}


async def leaves(running: Service) -> list[bytes]:
    """Every leaf of the log, from the database."""
    async with running.pool.acquire() as connection:
        return [row["entry"] for row in await connection.fetch("SELECT entry FROM events ORDER BY position")]


async def kept(running: Service, column: str) -> Any:
    """What the log's head keeps."""
    async with running.pool.acquire() as connection:
        return await connection.fetchval(f"SELECT {column} FROM log_head")  # noqa: S608 - our own words


async def test_the_root_at_every_position_is_that_of_the_leaves_before(shared: Site) -> None:
    entries = await leaves(shared.running)
    assert len(entries) == 352
    for size in range(1, len(entries) + 1):
        meta = (await shared.get("/v1/districts", position=size, limit=1))["meta"]
        assert (meta["position"], meta["root"]) == (size, tree_hash(entries[:size]).hex())
        assert await shared.running.reader.root(size) == meta["root"], "nor does it change once it is remembered"


async def test_the_head_has_the_root_of_all_leaves_as_they_become_more(site: Site) -> None:
    before = (await site.get(PLAN))["meta"]
    await site.clock("2023-05-01T09:00:00+08:00")
    await site.record(
        REWORD,
        REWORD | {"text": "第三种说法"},
        {"type": "unit.add_alias", "unit": "shi-ke-wei", "alias": "科", "reason": "试"},
    )
    meta = (await site.get(PLAN))["meta"]
    assert (meta["position"], meta["root"]) == (355, tree_hash(await leaves(site.running)).hex())
    assert meta["log"] == before["log"]
    assert (await site.get(PLAN, position=before["position"]))["meta"]["root"] == before["root"]


@pytest.mark.parametrize("address", READS)
async def test_every_answer_names_the_log_and_its_root(told: Site, address: str) -> None:
    answer = await told.get(address)
    meta = answer["meta"] if "meta" in answer else answer["notes"][0]["meta"]  # CSVW knows no field of that name
    head = told.running.reader.head
    assert meta["log"] == head.log == await kept(told.running, "log")
    ends = [meta["from"], meta["to"]] if "from" in meta else [meta]
    for end in ends:
        assert end["root"] == await told.running.reader.root(end["position"])
    assert ends[-1]["root"] == head.root


async def test_graphql_names_them_too_at_each_moment(told: Site) -> None:
    data = await told.ask(
        """{ now: plan(id: "shanghai-credit-2023") { meta { ...Log } }
             then: plan(id: "shanghai-credit-2023", asOf: {position: 400}) { meta { ...Log } parts { meta { ...Log } } }
             list: tasks(plan: "shanghai-credit-2023", first: 1) { meta { ...Log } } }
        fragment Log on Meta { position log root }"""
    )
    for answer in data.values():
        meta = answer["meta"]
        assert meta["log"] == told.running.reader.head.log
        assert meta["root"] == await told.running.reader.root(meta["position"])
    assert data["then"]["parts"][0]["meta"] == data["then"]["meta"] != data["now"]["meta"] == data["list"]["meta"]


async def test_what_would_be_recorded_has_no_root(shared: Site) -> None:
    answer = (await shared.send(REWORD, dry_run=True)).json()
    assert not {"log", "root", "meta"} & answer.keys()


class Counted:
    """A reader whose statements are counted, with a memory of its own."""

    def __init__(self, reader: Reader, statements: list[str]) -> None:
        self.reader, self.statements = reader, statements

    async def cost(self, asked: AsOf) -> tuple[Moment, int]:
        """The moment of a read, and how many statements it took."""
        self.statements.clear()
        moment, _ = await self.reader.rows(asked, [wanted(TASKS)])
        return moment, len(self.statements)


@pytest.fixture
async def counted(told: Site) -> AsyncGenerator[Counted]:
    there = told.running.reader
    statements: list[str] = []
    lanes = Listening(told.running.dsn, statements)
    reader = Reader(lanes, lanes, there.head, there.license, Memory(50_000_000))
    await reader.rows(AsOf(), [wanted(TASKS)])  # its rows are known from now on
    try:
        yield Counted(reader, statements)
    finally:
        await lanes.close()


async def test_a_root_costs_no_statement_of_its_own_where_rows_are_read(counted: Counted) -> None:
    head, cost = await counted.cost(AsOf())
    assert cost == 1
    assert (await counted.cost(AsOf(position=head.position)))[1] == 1
    first, cost = await counted.cost(AsOf(position=head.position - 1))
    assert cost == 1
    assert first.root not in {"", head.root}
    assert await counted.cost(AsOf(position=head.position - 1)) == (first, 1)
    assert counted.reader.memory.size > 64


async def test_no_read_depends_on_the_room_to_remember_a_root(counted: Counted) -> None:
    counted.reader.memory = Memory(0)
    first, cost = await counted.cost(AsOf(position=500))
    assert await counted.cost(AsOf(position=500)) == (first, cost) == (first, 3)  # digests, rows, root


async def test_a_log_is_the_same_for_life_and_no_other_is_like_it(server: str, folder: Path) -> None:
    async with database_of(server, "template1") as one, database_of(server, "template1") as two:
        async with service(settings_for(one, folder)) as running:
            first, key = running.reader.head.log, running.hmac_key
        async with service(settings_for(one, folder)) as running:
            assert (running.reader.head.log, running.hmac_key) == (first, key)
        async with service(settings_for(two, folder)) as running:
            assert running.reader.head.log != first
            assert running.hmac_key != key
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert len(key) == 32


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_head SET log = '0123456789abcdef'",
        "UPDATE log_head SET log = 'x'",
        "UPDATE log_head SET log = NULL",
        "UPDATE log_head SET hmac_key = sha256('')",
        "UPDATE log_head SET size = size - 1",
        "UPDATE log_head SET size = size + 1",
        "UPDATE tree_nodes SET hash = sha256('')",
        "DELETE FROM tree_nodes",
        "TRUNCATE tree_nodes",
    ],
)
async def test_the_database_itself_refuses_to_make_it_another_log(imported: Service, statement: str) -> None:
    async with imported.pool.acquire() as connection:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)):
            await connection.execute(statement)


async def test_two_logs_that_held_the_same_facts_before_have_one_root_and_two_identities(
    imported: Service, server: str, folder: Path
) -> None:
    found: list[tuple[str, str, bytes]] = []
    async with imported.pool.acquire() as source:
        for _ in range(2):
            async with database_of(server, "template1") as dsn:
                await make_old_log(dsn, source)
                async with service(settings_for(dsn, folder)) as running:
                    head = running.reader.head
                    found.append((head.root, head.log, running.hmac_key))
    roots, logs, keys = zip(*found, strict=True)
    assert set(roots) == {imported.reader.head.root}
    assert len({*logs, imported.reader.head.log}) == len({*keys, imported.hmac_key}) == 3


@pytest.fixture
async def old(imported: Service, server: str, folder: Path) -> AsyncGenerator[Site]:
    """The imported log, written before its tree was kept, and opened by this release."""
    async with database_of(server, "template1") as dsn:
        async with imported.pool.acquire() as source:
            await make_old_log(dsn, source)
        async with service(settings_for(dsn, folder)) as running, serving(running) as site:
            yield site


async def test_a_log_written_before_gets_its_nodes_and_keeps_its_root(old: Site, imported: Service) -> None:
    await agrees(old.running, 352)
    assert await nodes(old.running) == await nodes(imported)
    entries = await leaves(old.running)
    for size in (1, 2, 255, 256, 257, 352):
        assert (await old.get("/v1/districts", position=size, limit=1))["meta"]["root"] == tree_hash(
            entries[:size]
        ).hex()
    await old.clock("2023-05-01T09:00:00+08:00")
    await old.record(REWORD)
    await agrees(old.running, 353)
    assert (await old.get(PLAN))["meta"]["root"] == tree_hash(await leaves(old.running)).hex()


async def agrees(running: Service, size: int) -> None:
    """The log, its tree and its tables agree."""
    async with running.pool.acquire() as connection:
        found = await verify(connection, TABLES)
    assert (found.position, found.root) == (size, running.reader.head.root)


async def nodes(running: Service) -> list[tuple[Any, ...]]:
    """The tree as it is kept."""
    async with running.pool.acquire() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT * FROM tree_nodes ORDER BY level, number")]


async def test_an_old_log_whose_head_went_on_without_a_fact_agrees(
    imported: Service, server: str, folder: Path
) -> None:
    async with database_of(server, "template1") as dsn:
        async with imported.pool.acquire() as source:
            await make_old_log(dsn, source)
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE log_head SET recorded_at = recorded_at + interval '1 hour'")
        await connection.close()
        async with service(settings_for(dsn, folder)) as running:
            await agrees(running, 352)


async def test_a_request_that_records_nothing_moves_nothing(site: Site) -> None:
    await site.clock("2023-05-01T09:00:00+08:00")
    await site.record(REWORD)
    before = await kept(site.running, "(size, recorded_at, frontier)")
    await site.clock("2023-05-02T09:00:00+08:00")
    nothing = await site.record(REWORD, **{"Idempotency-Key": "nothing"})
    assert (nothing["facts"], nothing["replayed"]) == ([], False)
    assert await kept(site.running, "(size, recorded_at, frontier)") == before
    assert (await site.record(REWORD, **{"Idempotency-Key": "nothing"}))["replayed"]
    await agrees(site.running, 353)


BODY = json.dumps(REWORD).encode()


async def sent(site: Site, body: bytes = BODY) -> Any:
    """The answer to a request that is repeated."""
    headers = {"Authorization": f"Bearer {site.running.token}", "Idempotency-Key": "again"}
    return await site.http.post("/v1/commands", content=body, headers=headers | {"Content-Type": "application/json"})


async def test_a_new_token_breaks_no_retry(server: str, folder: Path, tmp_path: Path) -> None:
    async with database_of(server, "imported") as dsn:
        async with service(settings_for(dsn, folder)) as running, serving(running) as site:
            first = (await sent(site)).json()
            token = running.token
        settings = settings_for(dsn, tmp_path)
        async with service(settings) as running, serving(running) as site:
            assert running.token != token
            again = (await sent(site)).json()
            problem = problem_of(await sent(site, BODY.replace(b"}", b" }")), 422)
    assert again == first | {"replayed": True, "unchanged": None}
    assert first["facts"]
    assert problem["code"] == "idempotency_key_reused"


async def test_a_request_that_was_kept_under_the_token_is_known_again(site: Site) -> None:
    running = site.running
    async with running.pool.acquire() as connection:
        await keep(connection, hmac.digest(running.token.encode(), BODY, "sha256"))
    again = (await sent(site)).json()
    assert again["replayed"]
    assert [fact["position"] for fact in again["facts"]] == [7]
    assert problem_of(await sent(site, BODY.replace(b"}", b" }")), 422)["code"] == "idempotency_key_reused"
    assert await kept(running, "size") == 352


async def keep(connection: Connection, body_hmac: bytes) -> None:
    """A request that recorded position 7."""
    await connection.execute("INSERT INTO requests VALUES ('shanghai-credit-office', 'again', $1, '{7}')", body_hmac)

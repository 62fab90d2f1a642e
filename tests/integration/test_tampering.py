"""What a superuser does to a record behind its back, and what `verify` says of it: in words, and of all of it.

The last eight take what was signed away with them: what follows from itself looks whole, and only who kept a note of it
elsewhere sees it (`test_auditing.py`).
"""
# ruff: noqa: S608 - statements of our own words

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from api.main import Service, service
from domain.commands import AnyCommand
from domain.task import TaskReworded
from domain.undo import FactVoided
from events import codec, merkle
from events.database import Connection
from events.erasable import disclose
from events.recorded import Recorded
from events.tree import fill
from projections.catalog import catalog_of, expected
from projections.documents import digest_of
from projections.runner import prepare
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import REPORT, TASK, database_of, settings_for
from tests.integration.test_audit import SIZE, tampering

Tamper = Callable[[Connection], Awaitable[object]]
Change = Callable[[list[Recorded]], list[Recorded]]
WORDED = msgspec.structs.replace


@pytest.fixture(scope="module")
async def record(server: str, folder: Path) -> AsyncGenerator[Service]:
    """The bundled plan, a report and its correction, sent with a key."""
    corrected = REPORT | {"status": "completed", "replaces": SIZE - 1, "reason": "更正"}
    async with database_of(server, "imported") as dsn, service(settings_for(dsn, folder)) as running:
        for one in (REPORT, corrected):
            await running.office.record([msgspec.convert(one, AnyCommand)])
        yield running


def sql(*statements: str) -> Tamper:
    """Statements, each of which does something."""

    async def tamper(connection: Connection) -> None:
        for one in statements:
            assert not (await connection.execute(one)).endswith(" 0"), one

    return tamper


def rewritten(change: Change) -> Tamper:
    """The log written anew with a change, and all that follows from it: columns, tree, head and tables."""

    async def tamper(connection: Connection) -> None:
        rows = await connection.fetch("SELECT entry FROM events ORDER BY position")
        facts = renumbered(change([codec.decode(row["entry"]) for row in rows]))
        entries = [codec.encode(one) for one in facts]
        await connection.execute("DELETE FROM events; DELETE FROM tree_nodes")
        records = [columns(one, entry) for one, entry in zip(facts, entries, strict=True)]
        await connection.copy_records_to_table("events", records=records)
        await fill(connection)
        frontier, _ = merkle.extend((), 0, entries)
        await connection.execute(
            "UPDATE log_head SET size = $1, recorded_at = $2, frontier = $3",
            len(facts),
            facts[-1].recorded_at,
            list(frontier),
        )
        await connection.execute("DELETE FROM disclosures WHERE position > $1", len(facts))
        await connection.execute("UPDATE log_head SET shape = ''")
        assert await prepare(connection, TABLES)

    return tamper


def columns(one: Recorded, entry: bytes) -> tuple[object, ...]:
    """A fact as its table has it."""
    type_ = codec.envelope(one)["type"]
    return one.position, one.stream, one.version, type_, one.recorded_at, one.undoes, list(one.refers), entry


def renumbered(facts: Sequence[Recorded]) -> list[Recorded]:
    """The same, position after position."""
    return [WORDED(one, position=at) for at, one in enumerate(facts, 1)]


def at(position: int, change: Callable[[Recorded], Recorded]) -> Change:
    """One fact is another."""
    return lambda facts: [change(one) if one.position == position else one for one in facts]


def reworded(one: Recorded) -> Recorded:
    """A wording that was never the plan's."""
    return WORDED(one, fact=WORDED(one.fact, text="从来没有这样写过"))


def added(fact: Callable[[list[Recorded]], Recorded]) -> Change:
    """One fact more."""
    return lambda facts: [*facts, fact(facts)]


def of_task(facts: list[Recorded]) -> list[Recorded]:
    """The facts of the task that the others are about."""
    return [one for one in facts if one.stream == f"task:{TASK}"]


def more(facts: list[Recorded], version: int) -> Recorded:
    """A rewording of that task, at the end of the log."""
    last = facts[-1]
    return WORDED(
        last,
        stream=f"task:{TASK}",
        version=version,
        replaces=None,
        fact=TaskReworded("另写"),
        recorded_at=last.recorded_at,
    )


def foreign_void(facts: list[Recorded]) -> Recorded:
    """A fact of the task's stream that voids the first of the log, which is a district's."""
    return WORDED(more(facts, len(of_task(facts)) + 1), fact=FactVoided(1))


async def text_with_its_digest(connection: Connection) -> None:
    """A text under its own digest, where the leaf has another."""
    forged = disclose("一切顺利", bytes(16))
    done = await connection.execute(
        "UPDATE disclosures SET digest = $1, salt = $2, value = $3 WHERE position = $4",
        forged.digest,
        forged.salt,
        forged.value,
        SIZE,
    )
    assert done == "UPDATE 1"


async def row_with_its_digest(connection: Connection) -> None:
    """A row's JSON with a digest that fits."""
    where = "key = $1 AND known_to = 9223372036854775807"
    doc: bytes = await connection.fetchval(f"SELECT doc FROM projections.tasks WHERE {where}", TASK)
    forged = doc.replace(b'"text":"', '"text":"不'.encode())
    await connection.execute(
        f"UPDATE projections.tasks SET doc = $2, digest = $3 WHERE {where}", TASK, forged, digest_of(forged)
    )


def cut(facts: list[Recorded]) -> list[Recorded]:
    """The log without its last fact."""
    return facts[:-1]


def swapped(facts: list[Recorded]) -> list[Recorded]:
    """Two districts in another order, each recorded when the other was."""
    first, second, *rest = facts
    return [WORDED(second, recorded_at=first.recorded_at), WORDED(first, recorded_at=second.recorded_at), *rest]


def task_at(facts: list[Recorded]) -> int:
    """Where the task was added."""
    return of_task(facts)[0].position


_ENTRY = "(SELECT entry FROM events WHERE position = {})"
_SWAPPED = f"CASE position WHEN 200 THEN {_ENTRY.format(201)} ELSE {_ENTRY.format(200)} END"
_DELAYED = """convert_to(replace(convert_from(entry, 'UTF8'), '"completed"', '"delayed"'), 'UTF8')"""
NAMED: dict[str, tuple[Tamper, str]] = {
    "an entry": (
        sql(f"UPDATE events SET entry = {_DELAYED} WHERE position = {SIZE}"),
        f"tree node {SIZE - 1} of level 0, positions {SIZE} to {SIZE}, does not hold the hash of its leaves",
    ),
    "an entry that is none": (
        sql("UPDATE events SET entry = 'x' WHERE position = 20"),
        "position 20: the leaf is unreadable: ",
    ),
    "a deletion": (
        sql("DELETE FROM events WHERE position = 200"),
        "position 201: it stands where position 200 should",
    ),
    "a deletion of the last, and the head with it": (
        sql(
            f"DELETE FROM events WHERE position = {SIZE}",
            f"UPDATE log_head SET size = {SIZE - 1}, recorded_at = (SELECT max(recorded_at) FROM events)",
        ),
        f"tree node {SIZE - 1} of level 0, positions {SIZE} to {SIZE}, is kept, and the log has no such node",
    ),
    "a swap": (
        sql(f"UPDATE events SET entry = {_SWAPPED} WHERE position IN (200, 201)"),
        "position 200, column position: the table has 200, the leaf says 201",
    ),
    "a date in its column": (
        sql("UPDATE events SET recorded_at = recorded_at - interval '1 day' WHERE position = 9"),
        "position 9, column recorded_at: the table has ",
    ),
    "a row of a table": (
        sql(f"UPDATE projections.tasks SET number = 68 WHERE key = '{TASK}'"),
        f"table tasks, key {TASK}, ",
    ),
    "a row of a table, with its digest": (row_with_its_digest, f"table tasks, key {TASK}, "),
    "a row that went away": (
        sql("DELETE FROM projections.units WHERE key = 'shi-ke-wei'"),
        "table units, key shi-ke-wei, positions ",
    ),
    "the tables' fingerprint": (
        sql("UPDATE log_head SET shape = 'x'"),
        "the head, column shape: it is not that of this release's tables",
    ),
    "a text": (
        sql(f"UPDATE disclosures SET value = '一切顺利' WHERE position = {SIZE}"),
        f"position {SIZE}: the text under ",
    ),
    "a text, with its digest": (text_with_its_digest, f"position {SIZE}: the text under "),
    "a salt": (
        sql(f"UPDATE disclosures SET salt = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE position = {SIZE}"),
        f"position {SIZE}: the text under ",
    ),
    "a text that went away": (
        sql(f"DELETE FROM disclosures WHERE position = {SIZE}"),
        " is withheld, and no fact says that it was erased",
    ),
    "a text that no leaf seals": (
        sql("INSERT INTO disclosures VALUES ('AAAA', 400, 'BBBB', '无')"),
        "position 400: the text under AAAA is not the one that the leaf seals",
    ),
    "the epoch of erasures": (
        sql("UPDATE log_head SET erasure_epoch = 3"),
        "the head says that texts were erased 3 times, and no fact says so",
    ),
    "the head": (sql("UPDATE log_head SET size = size + 1"), f"the head says {SIZE + 1} facts, the log holds {SIZE}"),
    "a trigger": (
        sql("DROP TRIGGER events_append_only ON events"),
        "trigger events_append_only of events is missing: it should be CREATE TRIGGER",
    ),
    "a trigger that does not fire": (
        sql("ALTER TABLE disclosures DISABLE TRIGGER disclosures_append_only"),
        "trigger disclosures_append_only of disclosures is ",
    ),
    "what a trigger does": (
        sql(
            "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        ),
        "function refuse_rewriting is ",
    ),
    "a trigger of his own": (
        sql("CREATE TRIGGER mine BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"),
        "trigger mine of events is ",
    ),
    "a key": (
        sql("ALTER TABLE events DROP CONSTRAINT events_undoes_key"),
        "constraint events_undoes_key of events is missing: it should be UNIQUE (undoes)",
    ),
    "a constraint": (
        sql("ALTER TABLE tree_nodes DROP CONSTRAINT tree_nodes_hash_check"),
        "constraint tree_nodes_hash_check of tree_nodes is missing: it should be CHECK",
    ),
    "an index": (
        sql("DROP INDEX projections.tasks_plan"),
        "index tasks_plan of projections.tasks is missing: it should be CREATE INDEX",
    ),
    "a column": (
        sql("ALTER TABLE projections.tasks DROP COLUMN due"),
        "column due of projections.tasks is missing: it should be date",
    ),
    "a void of what another stream says": (
        rewritten(added(foreign_void)),
        f"position {SIZE + 1} undoes position 1, which is no earlier fact of task:{TASK}",
    ),
    "a gap in a stream": (
        rewritten(added(lambda facts: more(facts, 99))),
        f"position {SIZE + 1}: it is version 99 of task:{TASK}, where ",
    ),
    "a task that is reworded under the notes": (
        rewritten(lambda facts: at(task_at(facts), reworded)(facts)),
        "facts: the log had another root then",
    ),
    "a note": (
        sql("UPDATE notes SET note = overlay(note placing 'x' from 1)"),
        "facts: the checkpoint is one of ",
    ),
    "a note of a size that the log never had": (
        sql("UPDATE notes SET size = size + 1"),
        "facts: the log had another root then",
    ),
    "the key of the notes": (
        sql("UPDATE log_keys SET vkey = overlay(vkey placing 'x' from 1)"),
        "facts: the key's id is not that of its name and its bytes",
    ),
    "a request that names what is not there": (
        sql("INSERT INTO requests VALUES ('office', 'key', '\\x00', '{1,400}')"),
        "the request key of office: it names a position that the log does not have",
    ),
}


UNSEEN: dict[str, Tamper] = {
    "the requests are emptied": sql(
        "INSERT INTO requests VALUES ('office', 'key', '\\x00', '{1}')", "DELETE FROM requests"
    ),
    "the origin is renamed": sql("UPDATE log_head SET origin = 'example.org/other/demo'"),
    "the last fact is cut off": rewritten(cut),
    "a task is reworded": rewritten(lambda facts: at(task_at(facts), reworded)(facts)),
    "a fact holds from an earlier day": rewritten(at(SIZE, lambda one: WORDED(one, effective_on=date(2023, 3, 30)))),
    "a fact was recorded earlier": rewritten(
        at(1, lambda one: WORDED(one, recorded_at=one.recorded_at - timedelta(days=30)))
    ),
    "two facts are swapped": rewritten(swapped),
    "a fact is added": rewritten(added(lambda facts: more(facts, len(of_task(facts)) + 1))),
}


@pytest.mark.parametrize("what", NAMED)
async def test_what_was_done_is_named(record: Service, what: str) -> None:
    tamper, words = NAMED[what]
    async with tampering(record) as connection:
        await tamper(connection)
        told: list[str] = []
        await verify(connection, TABLES, told.append)
    assert [one for one in told if words in one], told[:5]


@pytest.mark.parametrize("what", UNSEEN)
async def test_what_follows_from_itself_needs_a_signature_to_be_seen(record: Service, what: str) -> None:
    async with tampering(record) as connection:
        await UNSEEN[what](connection)
        await connection.execute("DELETE FROM notes; DELETE FROM log_keys")
        told: list[str] = []
        await verify(connection, TABLES, told.append)
    assert told == []


async def test_all_that_differs_is_counted(record: Service) -> None:
    async with tampering(record) as connection:
        await sql(
            "UPDATE projections.tasks SET part = 9 WHERE number <= 40 AND known_to = 9223372036854775807",
            "UPDATE disclosures SET value = '无'",
            "UPDATE log_head SET size = size + 1",
        )(connection)
        told: list[str] = []
        await verify(connection, TABLES, told.append)
    assert (len([one for one in told if ", column part: the table has 9, not " in one]), len(told)) == (40, 43)


async def test_the_catalog_is_that_of_a_record_that_was_just_made(record: Service) -> None:
    async with record.pool.acquire() as connection:
        assert await catalog_of(connection) == expected()


@pytest.mark.parametrize("table", ["events", "disclosures", "requests", "tree_nodes", "log_head"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_nothing_of_the_log_is_deleted(record: Service, table: str, statement: str) -> None:
    async with record.pool.acquire() as connection:
        with pytest.raises(Exception, match=r"the log is append-only: (DELETE|TRUNCATE) of \w+ is refused"):
            await connection.execute(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET entry = entry", "UPDATE disclosures SET value = ''", "UPDATE requests SET key = ''"],
)
async def test_nor_rewritten(record: Service, statement: str) -> None:
    async with record.pool.acquire() as connection:
        with pytest.raises(Exception, match=r"the log is append-only: UPDATE of \w+ is refused"):
            await connection.execute(statement)

"""A log as files, whatever the release of the database: its leaves as they are, and what is kept beside them.

`leaves.ndjson` holds one leaf a line, byte for byte; the others, such as `disclosures.ndjson`, a row as JSON a line.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import asyncpg
import msgspec

from domain.fact import tag
from events import codec, merkle
from events.audit import Progress
from events.database import Connection
from events.recorded import Recorded

LEAVES: Final = "leaves.ndjson"
DISCLOSURES: Final = "disclosures.ndjson"
ASKED: Final = "requests.ndjson"
VKEYS: Final = "keys.ndjson"  # those that verify: a key that signs is in no backup
NOTES: Final = "notes.ndjson"
FILES: Final = LEAVES, DISCLOSURES, ASKED, VKEYS, NOTES
_ROWS: Final = 1_000  # that are held at once


class LogHeadRow(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a log has besides its leaves: what it is called, its key, a demo's clock, how many texts were erased."""

    origin: str
    log: str
    hmac_key: bytes
    demo_now: str | None
    erasure_epoch: int


class _Disclosed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    position: int
    salt: str
    value: str


class _Request(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    office: str
    key: str
    body_hmac: bytes
    positions: list[int]


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    log: str
    vkey: str


class _Note(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    log: str
    size: int
    note: bytes
    signed_at: datetime
    kept: bool


class NotTransferred(Exception):
    """The files are not those of a log."""


async def write_log(connection: Connection, folder: Path, progress: Progress) -> LogHeadRow:
    """Write the files into a folder; inside a transaction that sees one state. OSError."""
    with (folder / LEAVES).open("xb") as file:
        async for row in connection.cursor("SELECT entry FROM events ORDER BY position", prefetch=_ROWS):
            file.write(row["entry"] + b"\n")
            progress(1)
    rows = "SELECT digest, position, salt, value FROM disclosures ORDER BY position, digest"
    await _write(connection, rows, _Disclosed, folder / DISCLOSURES)
    await _write(connection, "SELECT office, key, body_hmac, positions FROM requests", _Request, folder / ASKED)
    await _write(connection, "SELECT log, vkey FROM log_keys ORDER BY log", _Key, folder / VKEYS)
    rows = "SELECT log, size, note, signed_at, kept FROM notes ORDER BY log, size"
    await _write(connection, rows, _Note, folder / NOTES)
    row = await connection.fetchrow(
        "SELECT origin, log, hmac_key, demo_now AT TIME ZONE 'UTC' || 'Z' AS demo_now, erasure_epoch FROM log_head"
    )
    assert row is not None  # noqa: S101 - migrate() has made the one row
    return LogHeadRow(*row)


async def _write(connection: Connection, rows: str, type_: type[msgspec.Struct], to: Path) -> None:
    with to.open("xb") as file:
        async for row in connection.cursor(rows, prefetch=_ROWS):
            file.write(msgspec.json.encode(type_(*row)) + b"\n")


async def read_log(connection: Connection, folder: Path, head: LogHeadRow, progress: Progress) -> None:
    """Make the log of the files in tables that are empty; inside a transaction. NotTransferred, OSError."""
    try:
        await _leaves(connection, folder / LEAVES, head, progress)
        for name, table, type_ in _TABLES:
            if name in {VKEYS, NOTES} and not (folder / name).exists():
                continue  # it was made before there were any
            async for rows in _batches(folder / name, msgspec.json.Decoder(type_).decode):
                records = [msgspec.structs.astuple(one) for one in rows]
                await connection.copy_records_to_table(table, records=records, columns=type_.__struct_fields__)
    except (codec.LeafError, msgspec.DecodeError, asyncpg.IntegrityConstraintViolationError) as error:
        raise NotTransferred(str(error)) from error


_TABLES: Final[tuple[tuple[str, str, type[msgspec.Struct]], ...]] = (
    (DISCLOSURES, "disclosures", _Disclosed),
    (ASKED, "requests", _Request),
    (VKEYS, "log_keys", _Key),
    (NOTES, "notes", _Note),
)


async def _leaves(connection: Connection, file: Path, head: LogHeadRow, progress: Progress) -> None:
    frontier: merkle.Frontier = ()
    size, last = 0, None
    async for rows in _batches(file, lambda line: (codec.decode(line), line)):
        frontier, nodes = merkle.extend(frontier, size, [entry for _, entry in rows])
        await connection.copy_records_to_table("events", records=[_event(*row) for row in rows], columns=_EVENT)
        await connection.copy_records_to_table("tree_nodes", records=nodes, columns=merkle.TreeNode._fields)
        size, last = size + len(rows), rows[-1][0].recorded_at
        progress(len(rows))
    await connection.execute(
        """INSERT INTO log_head (origin, log, hmac_key, demo_now, erasure_epoch, size, recorded_at, frontier)
        VALUES ($1, $2, $3, $4::text::timestamptz, $5, $6, $7, $8)""",
        *msgspec.structs.astuple(head),
        size,
        last,
        frontier,
    )


_EVENT: Final = ("position", "stream", "version", "type", "recorded_at", "undoes", "refers", "entry")


def _event(one: Recorded, entry: bytes) -> tuple[Any, ...]:
    named = one.position, one.stream, one.version, tag(one.fact), one.recorded_at, one.undoes
    return *named, list(one.refers), entry


async def _batches(file: Path, read: Callable[[bytes], Any]) -> AsyncIterator[Sequence[Any]]:
    with file.open("rb") as lines:
        for batch in _lines(lines):
            yield [read(line) for line in batch]


def _lines(file: BinaryIO) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in file:
        batch.append(line.removesuffix(b"\n"))
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch

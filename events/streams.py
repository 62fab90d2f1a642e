"""The log as it is read by stream: what a command is decided on."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from events import codec
from events.database import Connection, statement
from events.recorded import Recorded
from events.steps import in_steps


async def read_streams(connection: Connection, streams: Iterable[str]) -> dict[str, list[Recorded]]:
    """All facts of each stream, in order; an empty list for a stream that has none."""
    facts: dict[str, list[Recorded]] = {stream: [] for stream in streams}
    rows = await connection.fetch(
        "SELECT entry FROM events WHERE stream = ANY($1::text[]) ORDER BY position", list(facts)
    )
    async for row in in_steps(rows):
        one = codec.decode_trusted(row["entry"])
        facts[one.stream].append(one)
    return facts


class Keeping(Protocol):
    """A memory that may forget at any time."""

    def get(self, key: Hashable) -> Any:
        """What was put under a key, or None."""
        ...

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep a value that takes so many bytes."""
        ...


class Streams:
    """Streams as they were read before. Facts never change: of a stream that is known only what came since is read."""

    def __init__(self, memory: Keeping) -> None:
        self._memory = memory

    async def now(
        self, connection: Connection, streams: Iterable[str]
    ) -> tuple[int, datetime, dict[str, list[Recorded]]]:
        """The size of the log, the present moment (the database's clock, or the demo's), and streams as in `read`.

        Of very many streams the last may be read somewhat later.
        """
        first, *more = _at_once(streams) or [[]]
        known = self._known(first)
        row = await connection.fetchrow(_NOW, first, [len(facts) for facts, _ in known.values()])
        assert row is not None  # noqa: S101 - migrate() has made the one row
        facts = await self._with(known, row["entries"])
        for some in more:
            facts |= await self.read(connection, some)
        return row["size"], row["now"], facts

    async def read(self, connection: Connection, streams: Iterable[str]) -> dict[str, list[Recorded]]:
        """All facts of each stream, in order; an empty list for a stream that has none. They are shared."""
        found: dict[str, list[Recorded]] = {}
        for some in _at_once(streams):
            known = self._known(some)
            rows = await connection.fetch(_SINCE, some, [len(facts) for facts, _ in known.values()])
            found |= await self._with(known, [row["entry"] for row in rows])
        return found

    def _known(self, streams: Iterable[str]) -> dict[str, tuple[list[Recorded], int]]:
        return {stream: self._memory.get(("stream", stream)) or ([], 0) for stream in streams}

    async def _with(
        self, known: dict[str, tuple[list[Recorded], int]], entries: Iterable[bytes]
    ) -> dict[str, list[Recorded]]:
        """What was known, and what came since, which is known from now on."""
        new: dict[str, list[Recorded]] = {}
        async for one, weight in in_steps((codec.decode_trusted(entry), len(entry)) for entry in entries):
            new.setdefault(one.stream, []).append(one)
            known[one.stream] = known[one.stream][0], known[one.stream][1] + _FACT + int(_DECODED * weight)
        for stream, facts in new.items():
            known[stream] = [*known[stream][0], *facts], known[stream][1]
            self._memory.put(("stream", stream), known[stream], known[stream][1])
        return {stream: facts for stream, (facts, _) in known.items()}


def _at_once(streams: Iterable[str]) -> list[list[str]]:
    """Each once, in parts of which a statement takes one: to encode more would take longer than a step may."""
    names = list(dict.fromkeys(streams))
    return [names[begin : begin + _AT_ONCE] for begin in range(0, len(names), _AT_ONCE)]


_AT_ONCE: Final = 1_000
_SINCE: Final = """SELECT entry FROM unnest($1::text[], $2::int[]) AS known(stream, version)
    JOIN events USING (stream) WHERE events.version > known.version ORDER BY position"""
_NOW: Final = f"SELECT size, coalesce(demo_now, clock_timestamp()) AS now, ARRAY({_SINCE}) AS entries FROM log_head"  # noqa: S608 - ours
_FACT: Final = 400  # bytes that a fact takes beside what it says,
_DECODED: Final = 1.25  # which takes so many for each byte of its leaf: tracemalloc says 820 for a leaf of 354

Kept = tuple[bytes, Sequence[int]]
"""The HMAC of a request's body, and where its facts stand."""


async def find_requests(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Kept]:
    """What earlier requests with these keys, each of an office, have recorded."""
    offices, own = [office for office, _ in keys], [key for _, key in keys]
    rows = await connection.fetch(statement("conditions"), [], [], offices, own, [], [])
    found = {row["name"]: (row["body_hmac"], row["positions"]) for row in rows}
    return {(office, key): found[name] for office, key in keys if (name := f"{office} {key}") in found}


async def naming(connection: Connection, streams: Iterable[str]) -> dict[str, frozenset[int]]:
    """For each stream where live facts of others name its subject: of very many not all positions."""
    found: dict[str, set[int]] = {stream: set() for stream in streams}
    for row in await connection.fetch(statement("conditions"), [], list(found), [], [], [], []):
        found[row["name"]].add(row["number"])
    return {stream: frozenset(positions) for stream, positions in found.items()}


async def streams_naming(connection: Connection, streams: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each stream those of other subjects whose facts name its own, whether they are live or not."""
    found: dict[str, set[str]] = {stream: set() for stream in streams}
    rows = await connection.fetch(
        """SELECT DISTINCT named, e.stream FROM unnest($1::text[]) AS named
        JOIN events e ON e.refers @> ARRAY[named] AND e.stream <> named""",
        list(found),
    )
    for row in rows:
        found[row["named"]].add(row["stream"])
    return {stream: frozenset(own) for stream, own in found.items()}


async def head_now(connection: Connection) -> tuple[int, datetime]:
    """The size of the log and the present moment."""
    row = await connection.fetchrow(_NOW, [], [])
    assert row is not None  # noqa: S101 - migrate() has made the one row
    return row["size"], row["now"]

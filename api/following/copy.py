"""The file of a follower: facts, the tables that they add up to, and how far it has come, in one SQLite database.

Whoever has it open for following has begun a transaction: nothing is kept but by `commit`, all of a batch or nothing,
and nobody else can follow into it. Others may read meanwhile (WAL).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from api.auditing.verdicts import CannotLook
from events.merkle import EMPTY


class HoldsNothing(CannotLook):
    """A database that holds nothing at all."""


COPY_FORM: Final = 1  # of the tables
APPLICATION: Final = 0x706C616E  # "plan": what says that a SQLite file is one of these
LOCK_SECONDS: Final = 2.0  # seconds for somebody else's transaction to end
_TABLES: Final = """
    CREATE TABLE follow (
        log TEXT NOT NULL, origin TEXT NOT NULL, url TEXT NOT NULL, filters TEXT NOT NULL, rules INTEGER NOT NULL,
        position INTEGER NOT NULL, root TEXT NOT NULL, frontier TEXT NOT NULL, asOf TEXT, effectiveOn TEXT,
        key TEXT, note TEXT);
    CREATE TABLE contradictions (number INTEGER PRIMARY KEY, sentence TEXT NOT NULL, notes TEXT NOT NULL);
    CREATE TABLE events (
        position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
        actor TEXT NOT NULL, recordedAt TEXT NOT NULL, effectiveOn TEXT NOT NULL, command TEXT NOT NULL,
        request TEXT NOT NULL, reason TEXT, authority TEXT, replaces INTEGER, undoes INTEGER, undoneBy INTEGER,
        beside INTEGER NOT NULL, leafHash TEXT NOT NULL, leaf TEXT NOT NULL, item TEXT NOT NULL);
    CREATE INDEX events_by_stream ON events (stream, position);
    CREATE INDEX events_by_day ON events (effectiveOn);
    CREATE TABLE plans (
        id TEXT PRIMARY KEY, title TEXT, issuer TEXT, documentNumber TEXT, issuedOn TEXT, version INTEGER,
        item TEXT NOT NULL);
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY, plan TEXT, number INTEGER, part INTEGER, measure INTEGER, text TEXT, openEnded INTEGER,
        reportedStatus TEXT, scheduleStatus TEXT, evidenceStatus TEXT, due TEXT, completedOn TEXT, withdrawn INTEGER,
        version INTEGER, silent TEXT, item TEXT NOT NULL);
    CREATE INDEX tasks_by_plan ON tasks (plan, number);
    CREATE INDEX tasks_by_due ON tasks (due);
    CREATE TABLE units (
        id TEXT PRIMARY KEY, kind TEXT, name TEXT, district TEXT, version INTEGER, item TEXT NOT NULL);
    CREATE TABLE districts (code TEXT PRIMARY KEY, name TEXT, version INTEGER, item TEXT NOT NULL);
    CREATE TABLE folded_from (
        source TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (source, subject)) WITHOUT ROWID;
    CREATE INDEX folded_from_subject ON folded_from (subject);
    CREATE TABLE named_in (name TEXT NOT NULL, stream TEXT NOT NULL, PRIMARY KEY (name, stream)) WITHOUT ROWID;
"""


class FollowState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whose log is followed, from where, which part, and how far: `root` is that of its first `position` facts.

    `frontier` has the roots of its full subtrees, of a whole log alone; `note` is the last one that was verified, by
    `key`. The tables show the day `effective_on`.
    """

    log: str
    origin: str
    url: str
    filters: dict[str, str]
    rules: int
    position: int = 0
    root: str = EMPTY.hex()
    frontier: tuple[str, ...] = ()
    as_of: str | None = None
    effective_on: str | None = None
    key: str | None = None
    note: str | None = None


_STATE: Final = tuple(FollowState.__struct_encode_fields__)
_INNER: Final = {"filters", "frontier"}  # JSON in their columns
Cells = Sequence[Any]


class FollowedCopy:
    """The file, held for following. CannotLook where it is somebody else's, of another kind, or in use."""

    def __init__(self, path: Path, new: FollowState | None = None) -> None:
        self.path = path
        try:
            self._database = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
            self._open(new)
        except sqlite3.Error as error:
            with suppress(AttributeError):
                self._database.close()
            raise CannotLook(_why(path, error)) from error
        except CannotLook:
            self._database.close()
            raise

    def _open(self, new: FollowState | None) -> None:
        (application,), (form,) = (self.rows(f"PRAGMA {name}")[0] for name in ("application_id", "user_version"))
        (tables,) = self.rows("SELECT count(*) FROM sqlite_master")[0]
        if new is not None and not tables:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {COPY_FORM}; {_TABLES}"
            )
            self.save(new, "INSERT INTO follow ({names}) VALUES ({places})")
            self._database.execute("COMMIT")
        elif not tables:
            raise HoldsNothing(f"{self.path} holds nothing yet")
        elif application != APPLICATION:
            raise CannotLook(f"{self.path} holds something else, no log that was followed: name another file")
        elif form != COPY_FORM:
            raise CannotLook(f"{self.path} was written by another release of planrecord: follow into a new file")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("BEGIN IMMEDIATE")

    @property
    def state(self) -> FollowState:
        """How far it has come."""
        (row,) = self.rows(f"SELECT {', '.join(_STATE)} FROM follow")  # noqa: S608 - our own names
        return msgspec.convert(
            {name: msgspec.json.decode(one) if name in _INNER else one for name, one in zip(_STATE, row, strict=True)},
            FollowState,
        )

    def save(self, state: FollowState, statement: str = "UPDATE follow SET ({names}) = ({places})") -> None:
        """Take this for how far it has come."""
        said = msgspec.to_builtins(state)
        row = [msgspec.json.encode(said[name]).decode() if name in _INNER else said[name] for name in _STATE]
        places = ", ".join("?" * len(_STATE))
        self._database.execute(statement.format(names=", ".join(_STATE), places=places), row)

    def commit(self) -> None:
        """Keep what was done since the last time, all of it or nothing."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN IMMEDIATE")

    def forget(self) -> None:
        """Undo what was done since the last commit, as SQLite itself may have done where there was no room."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._database.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Let others follow; what was not committed is forgotten."""
        self._database.close()

    def rows(self, statement: str, *given: Any) -> list[tuple[Any, ...]]:
        """What a statement brings."""
        return self._database.execute(statement, given).fetchall()

    def each(self, statement: str, *given: Any) -> Iterator[Any]:
        """The first column of what it brings."""
        return (row[0] for row in self._database.execute(statement, given))

    def run(self, statement: str, many: Iterable[Cells]) -> None:
        """Carry a statement out for each."""
        self._database.executemany(statement, many)

    def put(self, table: str, row: dict[str, Any]) -> None:
        """Put a row in the place of the one with its key."""
        names, places = ", ".join(row), ", ".join("?" * len(row))
        self._database.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})", [*row.values()])  # noqa: S608 - our own names

    def convict(self, sentence: str, notes: Sequence[bytes]) -> None:
        """Keep what was found, once, with the notes that prove it, beside all that was kept before."""
        self.forget()
        found = sentence, "\n".join(one.decode(errors="replace") for one in notes)
        if not self.rows("SELECT 1 FROM contradictions WHERE (sentence, notes) = (?, ?)", *found):
            self._database.execute("INSERT INTO contradictions (sentence, notes) VALUES (?, ?)", found)
            self.commit()


def _why(path: Path, error: sqlite3.Error) -> str:
    """What a user can do about it."""
    if "locked" in str(error):
        return f"{path} is in use: another follower, or somebody who writes into it, has it"
    if "not a database" in str(error):
        return f"{path} is no SQLite file: name another one, which may not be there yet"
    return f"{path} cannot be used: {error}"

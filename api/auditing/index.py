"""What an auditor remembers of the facts that were verified, so that none of them is read twice."""

import sqlite3
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from api.auditing.verdicts import CannotLook

FORM: Final = 1  # of the tables; an index of another form is made anew
PENDING: Final = 500_000  # streams that are gathered before they are written: about 150 MB
_TABLES: Final = """
    CREATE TABLE tail (size INTEGER NOT NULL, recorded TEXT NOT NULL, leaves BLOB NOT NULL);
    INSERT INTO tail VALUES (0, '', x'');
    CREATE TABLE bundles (number INTEGER PRIMARY KEY, top BLOB NOT NULL, stamp TEXT NOT NULL);
    CREATE TABLE streams (name TEXT PRIMARY KEY, positions BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE undone (target INTEGER PRIMARY KEY, undoing INTEGER NOT NULL);
"""


class Tail(NamedTuple):
    """How far was verified: the size, when its last fact was recorded, and the leaf hashes behind the full bundles."""

    size: int
    recorded: str
    leaves: bytes


class Index:
    """The verified log of one identity. Nothing is kept but by `commit`; whoever closes it before forgets the rest."""

    def __init__(self, path: Path) -> None:
        self._database = self._opened(path)
        self._pending: dict[str, array[int]] = {}
        self._written = self._database.execute("SELECT 1 FROM streams LIMIT 1").fetchone() is not None

    def _opened(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, isolation_level=None)
        try:
            (form,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError as error:
            raise CannotLook(f"{path} cannot be used: {error}") from error
        except sqlite3.DatabaseError:
            form = -1
        if form != FORM:
            database.close()
            path.unlink(missing_ok=True)
            database = sqlite3.connect(path, isolation_level=None)
            database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORM}; COMMIT")
        database.execute("PRAGMA cache_size = -32000")
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise CannotLook(f"another audit of this log is under way: {path} is in use") from error
        return database

    def close(self) -> None:
        """Forget what was not committed."""
        self._database.close()

    def commit(self, tail: Tail) -> None:
        """Keep what was added, as verified up to this."""
        self._flush()
        self._database.execute("UPDATE tail SET size = ?, recorded = ?, leaves = ?", tail)
        self._database.execute("COMMIT")
        self._database.execute("BEGIN IMMEDIATE")

    @property
    def tail(self) -> Tail:
        """How far was verified before."""
        return Tail(*self._database.execute("SELECT size, recorded, leaves FROM tail").fetchone())

    def tops(self) -> tuple[list[bytes], list[str]]:
        """What the full bundles hash to, and the stamps of their files, in order."""
        rows = self._database.execute("SELECT top, stamp FROM bundles ORDER BY number").fetchall()
        return [top for top, _ in rows], [stamp for _, stamp in rows]

    def bundle(self, number: int, top: bytes, stamp: str) -> None:
        """A full bundle was verified."""
        self._database.execute("INSERT OR REPLACE INTO bundles VALUES (?, ?, ?)", (number, top, stamp))

    def add(self, stream: str, position: int) -> int:
        """One more fact of a stream: how many it has with it."""
        found = self._pending.get(stream)
        if found is None:
            if len(self._pending) >= PENDING:
                self._flush()
            found = self._pending[stream] = array("Q", self.positions(stream)) if self._written else array("Q")
        found.append(position)
        return len(found)

    def undo(self, target: int, undoing: int) -> int | None:
        """One fact undoes another: the position that had undone it before, if any."""
        row = self._database.execute("SELECT undoing FROM undone WHERE target = ?", (target,)).fetchone()
        if row is None:
            self._database.execute("INSERT INTO undone VALUES (?, ?)", (target, undoing))
        return row[0] if row else None

    def undoing(self, target: int, position: int) -> int | None:
        """The position that undoes another, at most `position`."""
        row = self._database.execute("SELECT undoing FROM undone WHERE target = ?", (target,)).fetchone()
        return row[0] if row and row[0] <= position else None

    def positions(self, stream: str) -> list[int]:
        """The positions of a stream's facts, in order."""
        if stream in self._pending:
            return list(self._pending[stream])
        row = self._database.execute("SELECT positions FROM streams WHERE name = ?", (stream,)).fetchone()
        return list(array("Q", row[0])) if row else []

    def names(self, position: int) -> Iterator[str]:
        """The names of the streams that have facts up to a position, sorted."""
        rows = self._database.execute("SELECT name, substr(positions, 1, 8) FROM streams ORDER BY name")
        return (name for name, first in rows if array("Q", first)[0] <= position)

    def _flush(self) -> None:
        rows = ((name, self._pending[name].tobytes()) for name in sorted(self._pending))
        self._database.executemany("INSERT OR REPLACE INTO streams VALUES (?, ?)", rows)
        self._pending.clear()
        self._written = True

"""Datasette, from an environment of its own, on the same 67 tasks in SQLite."""

import json
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.environments import ensure
from tests.benchmarks.load import Answer, Question
from tests.benchmarks.servers import Server, at_a_port

NESTED = ("assignments", "answered", "targets", "platforms", "latestReports", "source")
ROWS = Question("/tasks/tasks.json?_shape=array&_size=100" + "".join(f"&_json={name}" for name in NESTED))


def export(answer: Answer, file: Path) -> None:
    """The tasks of an answer as rows, what is nested in them as JSON."""
    items = json.loads(answer.body)["items"]
    names = list(items[0])
    with sqlite3.connect(file) as database:
        database.execute(f"CREATE TABLE tasks ({', '.join(names)}, PRIMARY KEY (id))")
        rows = [
            [json.dumps(one[name], ensure_ascii=False) if name in NESTED else one[name] for name in names]
            for one in items
        ]
        places = ", ".join("?" for _ in names)
        database.executemany(f"INSERT INTO tasks VALUES ({places})", rows)  # noqa: S608 - question marks
    database.close()


@asynccontextmanager
async def datasette(answer: Answer, folder: Path, core: int) -> AsyncGenerator[Server]:
    """Datasette while it serves the tasks of an answer, with its default settings."""
    environment = ensure("datasette")
    file = folder / "tasks.db"
    file.unlink(missing_ok=True)
    export(answer, file)
    command = [str(environment / "bin" / "datasette"), "serve", "--immutable", str(file), "--port"]
    async with at_a_port(command, core) as server:
        yield server

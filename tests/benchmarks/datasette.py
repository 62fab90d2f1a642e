"""Datasette, from an environment of its own, on the same 67 tasks in SQLite."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.load import HERE, Answer, Question, Wrong
from tests.benchmarks.servers import Server, at_a_port

ENVIRONMENT = Path("build/datasette")
NESTED = ("assignments", "answered", "targets", "platforms", "latestReports", "source")
ROWS = Question("/tasks/tasks.json?_shape=array&_size=100" + "".join(f"&_json={name}" for name in NESTED))


def ensure() -> None:
    """Have the environment with what requirements.txt pins."""
    wanted, stamp = (HERE / "requirements.txt").read_text(), ENVIRONMENT / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)], check=True)  # noqa: S603
    install = ["sh", ".ci/pip", str(ENVIRONMENT), "install", "-qq", "-r", str(HERE / "requirements.txt")]
    if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode != 0:  # noqa: S603
        raise Wrong("Datasette could not be installed: tests/benchmarks/requirements.txt names what is needed")
    stamp.write_text(wanted)


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
    file = folder / "tasks.db"
    file.unlink(missing_ok=True)
    export(answer, file)
    command = [str(ENVIRONMENT / "bin" / "datasette"), "serve", "--immutable", str(file), "--port"]
    async with at_a_port(command, core) as server:
        yield server

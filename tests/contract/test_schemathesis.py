"""schemathesis asks the running server everything that its descriptions promise, good questions and bad ones.

No answer is our mistake or undocumented or of another shape than described, no bad question is taken for a good one.
`EXAMPLES=500 .venv/bin/pytest tests/contract/test_schemathesis.py` asks longer.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.conftest import Site, copied

EXAMPLES = os.environ.get("EXAMPLES", "8")
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture(scope="module")
async def runs(shared: Site, server: str, folder: Path) -> AsyncGenerator[dict[str, asyncio.Task[None]]]:
    """All runs at once: each spends its time on thinking of questions, in a process of its own."""
    async with copied(server, folder) as written:
        token = f"Authorization:Bearer {written.running.token}"
        checks = "tests.contract.schemathesis_checks"
        asked = {
            "anybody": run(shared, "/openapi.json", "--include-method", "GET"),
            "a stranger": run(shared, "/openapi.json", "--include-method", "POST", "--phases", "examples,fuzzing"),
            "a writer": run(written, "/openapi.json", "--header", token, "--include-method", "POST"),
            "graphql": run(shared, "/graphql", "--checks", "no_mistake_of_ours", SCHEMATHESIS_HOOKS=checks),
        }
        started = {name: asyncio.create_task(one) for name, one in asked.items()}
        yield started
        await asyncio.gather(*started.values(), return_exceptions=True)


async def run(site: Site, path: str, *options: str, **environment: str) -> None:
    """Run schemathesis to its end; what it found is the failure's text."""
    url = f"{site.http.base_url}".rstrip("/") + path
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run", url),
        *("--max-examples", EXAMPLES, "--no-color", *options),
        cwd=CONFIG.parents[2],
        env=os.environ | {"PYTHONPATH": "."} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def test_rest_keeps_what_it_promises_to_anybody(runs: dict[str, asyncio.Task[None]]) -> None:
    await runs["anybody"]


async def test_rest_refuses_whom_it_does_not_know(runs: dict[str, asyncio.Task[None]]) -> None:
    await runs["a stranger"]


async def test_rest_keeps_what_it_promises_to_who_may_write(runs: dict[str, asyncio.Task[None]]) -> None:
    await runs["a writer"]


async def test_graphql_is_never_our_mistake(runs: dict[str, asyncio.Task[None]]) -> None:
    await runs["graphql"]

"""schemathesis asks the running server everything that its descriptions promise, good questions and bad ones.

No answer is our mistake or undocumented or of another shape than described, no bad question is taken for a good one.
`EXAMPLES=500 .venv/bin/pytest tests/contract/test_schemathesis.py` asks longer.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.conftest import Site

EXAMPLES = os.environ.get("EXAMPLES", "8")
CONFIG = Path(__file__).with_name("schemathesis.toml")


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


async def test_rest_keeps_what_it_promises_to_anybody(site: Site) -> None:
    await run(site, "/openapi.json", "--include-method", "GET")


async def test_rest_refuses_whom_it_does_not_know(site: Site) -> None:
    await run(site, "/openapi.json", "--include-method", "POST", "--phases", "examples,fuzzing")


async def test_rest_keeps_what_it_promises_to_who_may_write(site: Site) -> None:
    token = f"Authorization:Bearer {site.running.token}"
    await run(site, "/openapi.json", "--header", token, "--include-method", "POST")


async def test_graphql_is_never_our_mistake(site: Site) -> None:
    checks = "tests.contract.schemathesis_checks"
    await run(site, "/graphql", "--checks", "no_mistake_of_ours", SCHEMATHESIS_HOOKS=checks)

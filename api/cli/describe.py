"""Writes what is generated: openapi/, the examples, and what the database says of the tables that a record has.

`python -m api.cli.describe`. Tests fail when any of it drifts from the code.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from api.cli.year import tell
from api.description.events import event_schemas
from api.description.examples import WRITTEN, Example, examples
from api.description.openapi import described_by, openapi_json, pretty
from api.graphql.schema import STRAWBERRY
from api.hosting.opening import DEMO_ORIGIN
from api.hosting.settings import Settings
from api.main import application, described_app, service
from projections.catalog import CATALOG, catalog_of

OPENAPI: Final = Path(__file__).parents[2] / "openapi"


def generated(shown: Mapping[str, Example] | None = None) -> dict[str, bytes]:
    """Every generated file by its name in openapi/."""
    facts = {f"events/{name}.schema.json": pretty(schema) for name, schema in event_schemas().items()}
    described = openapi_json(described_app(), shown)
    return {"openapi.json": described, "schema.graphql": f"{STRAWBERRY.as_str()}\n".encode(), **facts}


async def examples_asked(settings: Settings) -> dict[str, Example]:
    """The examples, asked for anew of a record of the demo's year, made in an empty database."""
    async with service(settings) as running:
        await tell(running)
        door = httpx.ASGITransport(application(running))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=door, base_url="http://record") as http:
            return await examples(described_by(described_app()), http, running.token)


async def tables(settings: Settings) -> dict[str, str]:
    """What a record says of its tables, by their names."""
    async with service(settings) as running, running.pool.acquire() as connection:
        return dict(sorted((await catalog_of(connection)).items()))


def write() -> None:
    """Make a record for the purpose, ask it, and write every generated file."""
    with tempfile.TemporaryDirectory(prefix="planrecord-openapi-") as folder:
        Path(folder).chmod(0o755)  # the database's user passes through
        settings = Settings(data_dir=Path(folder), origin=DEMO_ORIGIN)
        WRITTEN.write_bytes(pretty(asyncio.run(examples_asked(settings))))
        CATALOG.write_bytes(pretty(asyncio.run(tables(settings))))
    files = generated()
    for name, content in files.items():
        path = OPENAPI / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.stdout.write(f"openapi/: {len(files)} files written\n")


if __name__ == "__main__":
    write()

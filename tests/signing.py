"""A record that is served and signed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from api.hosting.settings import Settings
from api.main import service
from events.checkpoint import open_checkpoint
from events.note import VerifierKey
from tests.conftest import Site, serving


@asynccontextmanager
async def signed_site(settings: Settings) -> AsyncGenerator[Site]:
    """The record, served once its newest fact is signed."""
    async with service(settings) as running, serving(running) as site:
        await signed_once(site)
        yield site


async def signed_once(site: Site) -> None:
    """Wait until its newest fact is signed."""
    async with asyncio.timeout(10):
        while await signed_size(site) != site.running.reader.head.size:
            await asyncio.sleep(0.05)


async def signed_size(site: Site) -> int | None:
    key = VerifierKey.parse((await site.http.get("/log/key", follow_redirects=True)).text.strip())
    note = await site.http.get("/log/checkpoint", follow_redirects=True)
    return open_checkpoint(note.content, key).size if note.status_code == 200 else None

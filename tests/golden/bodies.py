"""The digests of bodies at pinned moments of a record that is the same wherever it is told."""

import asyncio
import json
import re
import secrets
import tempfile
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from api.cli.year import tell
from api.http import release
from api.http.release import FORMATS
from api.main import application, service
from api.postgres import cluster
from tests.conftest import PLAN, database_of, settings_for

BODIES_KEPT: Final = Path(__file__).parent / "bodies.json"
RELEASE: Final = Path(release.__file__)
LOG: Final = "0123456789abcdef"
MOMENTS: Final = ("position=300&effectiveOn=2023-06-30", "position=700&effectiveOn=2023-10-31")
SINGLE: Final = (
    *(f"{PLAN}.stratml", "/v1/plans/shanghai-credit-2023", f"{PLAN}/parts/3", f"{PLAN}/measures/6", f"{PLAN}/tasks/21"),
    *(
        "/v1/units/shi-ke-wei",
        "/v1/units/ge-qu-ren-min-zheng-fu",
        "/v1/districts/310115",
        "/v1/platforms/yi-wang-tong-ban",
    ),
    *("/v1/events/299", f"{PLAN}/tasks/21/timemap", "/v1/units/shi-ke-wei/timemap"),
    *("/", "/plans/shanghai-credit-2023", "/plans/shanghai-credit-2023/tasks/21", "/units", "/units/shi-ke-wei"),
    *("/districts", "/districts/310115", "/changes"),
    *("/catalog.ttl", "/catalog.jsonld", "/datapackage.json"),
)
LISTS: Final = (
    *("/v1/plans", f"{PLAN}/parts", f"{PLAN}/measures", f"{PLAN}/targets", f"{PLAN}/platforms", f"{PLAN}/tasks"),
    *(f"{PLAN}/reports", f"{PLAN}/tasks/21/reports", "/v1/units", "/v1/districts", "/v1/platforms", "/v1/events"),
    *(f"{PLAN}/history", f"{PLAN}/tasks/21/history", "/v1/units/shi-ke-wei/history"),
)
DIFFS: Final = ("/v1/diff", f"{PLAN}/diff", f"{PLAN}/tasks/21/diff", "/v1/units/shi-ke-wei/diff")
ARCHIVES: Final = (
    "/feeds/events.atom?archive=2",
    "/feeds/events.json?archive=2",
    "/feeds/events.atom?archive=6&lang=en",
)
ENDS: Final = "from=300&fromEffectiveOn=2023-06-30&to=700&toEffectiveOn=2023-10-31"


def addresses() -> list[str]:
    """Each kind of resource at two moments, lists in each form, and archives of feeds."""
    single = [f"{path}?{moment}" for path in SINGLE for moment in MOMENTS]
    lists = [f"{path}{suffix}?{moment}" for path in LISTS for suffix in ("", ".csv", ".ndjson") for moment in MOMENTS]
    return [*single, *lists, *ARCHIVES, *(f"{path}?{ENDS}" for path in DIFFS)]


async def bodies(server: str, folder: Path) -> dict[str, str]:
    """Each address with the digest of its body, in a database of its own."""
    async with database_of(server, "fresh") as dsn:
        return await bodies_in(dsn, folder)


async def bodies_in(dsn: str, folder: Path) -> dict[str, str]:
    """The same in a database that holds nothing yet, with randomness that is the same each time."""
    settings, random = settings_for(dsn, folder), Random(20230328)  # noqa: S311
    async with service(settings) as running, running.pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")  # its identity is for life
        await connection.execute("UPDATE log_head SET log = $1", LOG)
    async with service(settings) as running:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(secrets, "token_bytes", lambda size=16: random.randbytes(size))
            await tell(running)
        door = httpx.ASGITransport(application(running))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=door, base_url="http://record", timeout=60) as http:
            return {address: await _digest(http, address) for address in addresses()}


async def _digest(http: httpx.AsyncClient, address: str) -> str:
    answer = await http.get(address, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200, f"{address}: {answer.text[:300]}"
    return blake2b(answer.content, digest_size=12).hexdigest()


async def write() -> None:
    """Write bodies.json anew, and raise `FORMATS` where a body has changed that it was not raised for yet."""
    with tempfile.TemporaryDirectory(prefix="planrecord-bodies-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with cluster(folder / "server") as running:
            found = await bodies_in(running.dsn, folder)
    kept = json.loads(BODIES_KEPT.read_text("utf-8"))
    changed = kept["formats"] == FORMATS and any(found.get(name) != body for name, body in kept["bodies"].items())
    formats = FORMATS + changed
    RELEASE.write_text(re.sub(r"(?m)^(FORMATS: Final = )\d+$", rf"\g<1>{formats}", RELEASE.read_text("utf-8")), "utf-8")
    BODIES_KEPT.write_text(json.dumps({"formats": formats, "bodies": found}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(write())

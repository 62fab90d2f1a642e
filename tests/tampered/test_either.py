"""Every tampering that is known is found: by the auditor if it changes what is published, else by `verify`.

`make tampered` prints which of them found it; the six that are consistent in themselves are tested in
tests/integration/test_auditing.py too, as are the controls.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from api.hosting.heads import FactsMissing
from api.hosting.opening import OtherRecord
from api.main import service
from events.database import undisturbed
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.conftest import serving
from tests.integration.test_auditing import Record, audit, copy, record, rewrite
from tests.integration.test_tampering import NAMED, UNSEEN, Tamper

__all__ = ["copy", "record"]

TAMPERS: dict[str, Tamper] = {**{what: tamper for what, (tamper, _) in NAMED.items()}, **UNSEEN}
SIGNED = 1.0  # seconds in which the publisher has signed, or refused to
# What neither can see: no fact says which requests there were; and a fact more at the end is what any append is.
UNSEEN_BY_BOTH = {"the requests are emptied", "a fact is added"}
FOUND: list[tuple[str, str, str]] = []


@pytest.fixture(scope="module", autouse=True)
async def told() -> AsyncGenerator[None]:
    """The table, at the end."""
    yield
    width = max(len(what) for what, _, _ in FOUND)
    lines = [f"| {what:{width}} | {start_or_audit:8} | {verified:6} |" for what, start_or_audit, verified in FOUND]
    Path("build/tampered.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("what", TAMPERS)
async def test_what_was_done_is_found_by_one_of_them(copy: Record, what: str) -> None:
    await rewrite(copy, TAMPERS[what])
    differences: list[str] = []
    async with undisturbed(str(copy.settings.database_url)) as connection:
        await verify(connection, TABLES, differences.append)
    FOUND.append((what, outside := await seen_from_outside(copy), "yes" if differences else "no"))
    assert outside != "no" or differences or what in UNSEEN_BY_BOTH


async def seen_from_outside(copy: Record) -> str:
    """Whether an auditor who was there before sees it, or the server itself does not start on it."""
    try:
        async with service(copy.settings) as running, serving(running) as site:
            await asyncio.sleep(SIGNED)
            found = await audit(site, copy.state, "--compare", "1500", "--seed", "1", "--texts")
    except (FactsMissing, OtherRecord):
        return "no start"
    return ("no", "yes", "unusable")[found.code]

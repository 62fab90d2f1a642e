"""A large record is loaded by the real append path: whole, always the same, and from where it was left off."""

from itertools import accumulate
from pathlib import Path
from typing import Any

import asyncpg

from api.hosting.settings import Settings
from api.main import service
from projections.verifying import verify
from projections.views.subjects import TABLES
from tests.benchmarks.invented import requests
from tests.benchmarks.large import load
from tests.conftest import database_of

SIZE = 1_500


async def _loaded(dsn: str, folder: Path, *sizes: int) -> Any:
    async with service(Settings(database_url=dsn, data_dir=folder)):
        told: list[int] = []
        for size in sizes:
            await load(dsn, size, told.append)
        connection = await asyncpg.connect(dsn)
        try:
            return await verify(connection, TABLES), told
        finally:
            await connection.close()


async def test_a_record_that_was_loaded_in_two_goes_is_that_which_was_loaded_in_one(
    server: str, tmp_path: Path
) -> None:
    whole = [size for size in accumulate(len(one.new) for one in requests(SIZE)) if size < SIZE]
    half = whole[len(whole) // 2]
    async with database_of(server, "fresh") as dsn:
        found, told = await _loaded(dsn, tmp_path / "one", SIZE)
    assert (found.position, sum(told)) == (SIZE, SIZE)
    async with database_of(server, "fresh") as dsn:
        again, told = await _loaded(dsn, tmp_path / "two", half, SIZE)
    assert (again.position, again.root) == (SIZE, found.root)
    assert told[0] == 0
    assert half in told  # what was there is not appended again

"""What somebody records to be opened in a spreadsheet stays text there, and comes back as it was."""

import csv
import io
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api.http.formats import value_of
from tests.conftest import PLAN, TASK, Site, copied

LOADED = [
    "=HYPERLINK(A1)",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "'=1",
    '=cmd|"/c calc"!A1',
    "\t=1",
    "\r=1",
    "\n=1",
    "甲,乙\r\n=丙",
    " =1",
]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.fixture(scope="module")
async def loaded(server: str, folder: Path) -> AsyncGenerator[Site]:
    """One record that is given every loaded text, one after the other."""
    async with copied(server, folder) as site:
        yield site


async def table(site: Site, path: str) -> list[dict[str, str]]:
    answer = await site.http.get(path)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@pytest.mark.parametrize("text", LOADED)
async def test_a_loaded_text_is_marked_in_a_table_and_comes_back_as_it_was(loaded: Site, text: str) -> None:
    receipt = await loaded.record({"type": "task.reword", "task": TASK, "text": text, "reason": text.strip() or "试"})
    for path in (f"{PLAN}/tasks.csv?number=21", f"{PLAN}/tasks.csv?number=21&limit=1"):
        (row,) = await table(loaded, path)
        assert not row["text"].startswith(FORMULA)
        assert value_of(row["text"]) == text
    (event,) = await table(loaded, f"/v1/events.csv?after={receipt['position'] - 1}")
    assert not event["cause.reason"].startswith(FORMULA)
    assert value_of(event["cause.reason"]) == text.strip()


async def test_names_aliases_and_narratives_are_marked_too(site: Site) -> None:
    unit = "shi-wei-sheng-jian-kang-wei"
    report: dict[str, Any] = {"type": "progress.report", "task": TASK, "unit": unit, "period": "2022"}
    await site.record(
        {"type": "unit.rename", "unit": unit, "name": "=1+1", "reason": "试"},
        {"type": "unit.add_alias", "unit": unit, "alias": "@SUM(A1)", "reason": "试"},
        report | {"period": "2023-Q1", "status": "completed", "narrative": "-1+1", "reason": "试"},
    )
    (row,) = [row for row in await table(site, "/v1/units.csv") if row["id"] == unit]
    assert row["name"] == "'=1+1"
    assert row["aliases"] == '["@SUM(A1)"]'
    (said,) = await table(site, f"{PLAN}/tasks/21/reports.csv")
    assert (said["unit.name"], said["narrative.text"]) == ("'=1+1", "'-1+1")
    rows = await table(site, "/v1/diff.csv?from=352&kind=unit")
    assert [row["id"] for row in rows] == [unit]
    assert all(not cell.startswith(FORMULA) for row in rows for cell in row.values())


async def test_a_table_is_utf8_with_crlf_and_a_header_even_where_it_is_empty(shared: Site) -> None:
    answer = await shared.http.get(f"{PLAN}/tasks.csv?number=999")
    assert answer.headers["Content-Type"] == "text/csv; header=present; charset=utf-8"
    assert answer.content.endswith(b"\r\n")
    assert answer.content.count(b"\r\n") == 1
    assert answer.text.startswith("id,plan,number,part,measure,text,assignments,openEnded,reportedStatus,")

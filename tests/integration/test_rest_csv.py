"""A table says exactly what the record does; one for a spreadsheet keeps what is recorded text there."""

import csv
import io
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api.http.formats import BOM, marked, value_of
from domain.words import escaped
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
    assert answer.content.startswith(BOM) == ("excel=true" in path)
    return list(csv.DictReader(io.StringIO(answer.content.removeprefix(BOM).decode(), newline="")))


def harmless(text: str) -> bool:
    """Whether a spreadsheet takes it for what it is: a number may begin with a sign."""
    return text == "-2" or not text.startswith(FORMULA)


def taken(_: object) -> None:
    """Any text is, as it was when what stands in older records was recorded."""


@pytest.mark.parametrize("text", LOADED)
async def test_a_loaded_text_is_exact_in_a_table_and_marked_in_a_spreadsheet(
    loaded: Site, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.deciding.check_words", taken)
    receipt = await loaded.record({"type": "task.reword", "task": TASK, "text": text, "reason": text.strip() or "试"})
    for path in (f"{PLAN}/tasks.csv?number=21", f"{PLAN}/tasks.csv?number=21&limit=1"):
        (exact,), (row,) = await table(loaded, path), await table(loaded, f"{path}&excel=true")
        assert exact["text"] == text
        assert harmless(row["text"])
        assert value_of(row["text"]) == escaped(text)
    events = f"/v1/events.csv?after={receipt['position'] - 1}"
    (exact,), (event,) = await table(loaded, events), await table(loaded, f"{events}&excel=true")
    assert exact["cause.reason"] == text.strip()
    assert harmless(event["cause.reason"])
    assert value_of(event["cause.reason"]) == escaped(text.strip())


async def test_names_aliases_and_narratives_are_marked_for_a_spreadsheet_too(site: Site) -> None:
    unit = "shi-wei-sheng-jian-kang-wei"
    report: dict[str, Any] = {"type": "progress.report", "task": TASK, "unit": unit, "period": "2022"}
    await site.record(
        {"type": "unit.rename", "unit": unit, "name": "=1+1", "reason": "试"},
        {"type": "unit.add_alias", "unit": unit, "alias": "@SUM(A1)", "reason": "试"},
        report | {"period": "2023-Q1", "status": "completed", "narrative": "-1+1", "reason": "试"},
    )
    (row,) = [row for row in await table(site, "/v1/units.csv?excel=true") if row["id"] == unit]
    assert row["name"] == "'=1+1"
    assert row["aliases"] == '["@SUM(A1)"]'
    (said,) = await table(site, f"{PLAN}/tasks/21/reports.csv?excel=true")
    assert (said["unit.name"], said["narrative.text"]) == ("'=1+1", "'-1+1")
    rows = await table(site, "/v1/diff.csv?from=352&kind=unit&excel=true")
    assert [row["id"] for row in rows] == [unit]
    assert all(harmless(cell) for row in rows for cell in row.values())


async def test_a_table_for_a_spreadsheet_has_a_name(shared: Site) -> None:
    answer = await shared.http.get(f"{PLAN}/tasks.csv?excel=true&position=350")
    name = "plans-shanghai-credit-2023-tasks-350.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "Content-Disposition" not in (await shared.http.get(f"{PLAN}/tasks.csv")).headers
    for path in (f"{PLAN}/tasks", f"{PLAN}/tasks.json", "/v1/events.ndjson", "/v1/diff.json?from=350"):
        problem = await shared.problem(400, f"{path}{'&' if '?' in path else '?'}excel=true")
        assert problem["errors"][0]["pointer"] == "excel"


def test_numbers_stay_numbers_in_a_spreadsheet() -> None:
    assert [marked(text) for text in ("-3", "-0.5", "+1", "12")] == ["-3", "-0.5", "+1", "12"]
    assert [marked(text) for text in ("-3+4", "-a", "+1 1", "--1")] == ["'-3+4", "'-a", "'+1 1", "'--1"]


@pytest.mark.parametrize("path", ["/v1/events", f"{PLAN}/tasks", f"{PLAN}/reports", "/v1/units", f"{PLAN}/history"])
async def test_every_cell_of_a_table_is_what_the_record_says(told: Site, path: str) -> None:
    items = (await told.get(f"{path}.json"))["items"]
    rows = await table(told, f"{path}.csv")
    assert len(rows) == len(items) > 0
    for row, item in zip(rows, items, strict=True):
        for column, text in row.items():
            value = item
            for name in column.split("."):
                value = None if value is None else value[name]
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            assert text == ("" if value is None else said), column


async def test_a_table_is_utf8_with_crlf_and_a_header_even_where_it_is_empty(shared: Site) -> None:
    answer = await shared.http.get(f"{PLAN}/tasks.csv?number=999")
    assert answer.headers["Content-Type"] == "text/csv; header=present; charset=utf-8"
    assert answer.content.endswith(b"\r\n")
    assert answer.content.count(b"\r\n") == 1
    assert answer.text.startswith("id,plan,number,part,measure,text,assignments,openEnded,reportedStatus,")

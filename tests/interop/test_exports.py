"""What is taken home, read by those who analyse it: pyarrow, pandas, DuckDB, openpyxl, and a spreadsheet's own CSV."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Site
from tests.exported import SUBJECTS, Row, columns_of, file_of, items_of, row_of
from tests.integration.test_readme import HERE, README
from tests.interop.test_catalogue import python
from tests.interop.test_graphql_http import INSTALLED

ARROW = {
    None: "string",
    "integer": "int64",
    "decimal": "decimal128(27, 9)",
    "date": "date32[day]",
    "dateTimeStamp": "timestamp[us, tz=UTC]",
    "boolean": "bool",
    "json": "string",
}


async def saved(site: Site, into: Path, subject: str, form: str, **query: Any) -> Path:
    file = into / f"{subject}.{form}"
    file.write_bytes((await file_of(site.http, subject, form, **query)).content)
    return file


async def expected(site: Site, subject: str) -> tuple[list[Any], list[dict[str, Any]]]:
    columns = await columns_of(site.http, subject)
    return columns, [row_of(one, columns) for one in await items_of(site.http, subject)]


def same(rows: Sequence[Row], wanted: Sequence[Row], columns: Sequence[Row]) -> None:
    """Cell by cell, as texts where a client has its own way to print a value."""
    assert len(rows) == len(wanted)
    for row, right in zip(rows, wanted, strict=True):
        for column in columns:
            name = column["name"]
            assert _printed(row[name], column) == _printed(right[name], column), (name, right)


def _printed(value: Any, column: Row) -> Any:
    if "separator" in column:
        return ("" if value is None else value) if isinstance(value, str | None) else column["separator"].join(value)
    if value is None:
        return None
    match column.get("datatype"):
        case "decimal":
            return Decimal(str(value)).normalize()
        case "json":
            return json.loads(value) if isinstance(value, str) else value
        case "boolean":
            return str(value).lower()
        case "dateTimeStamp":
            return str(value).replace("T", " ").replace("Z", "+00:00").replace(".000000", "")
        case _:
            return str(value).removesuffix(" 00:00:00")


@pytest.mark.parametrize("client", ["pyarrow", "pandas", "duckdb"])
async def test_parquet_has_dates_texts_integers_with_nulls_and_decimals(
    told: Site, tmp_path: Path, client: str
) -> None:
    read = 0
    for subject in SUBJECTS:
        columns, wanted = await expected(told, subject)
        types, about, *rows = await python("exports.py", client, str(await saved(told, tmp_path, subject, "parquet")))
        if client == "pyarrow":
            right = {one["name"]: ARROW[one.get("datatype")] for one in columns if "separator" not in one}
            assert {name: type_ for name, type_ in types.items() if name in right} == right
            lists = [types[one["name"]] for one in columns if "separator" in one]
            assert all(one.startswith("list<") and "string" in one for one in lists)
            head = told.running.reader.head
            assert (about["log"], about["root"], about["position"]) == (head.log, head.root, str(head.size))
            assert about["licence"].startswith("https://")
        same(rows, wanted, columns)
        read += len(rows)
    assert read > 1_400


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_csv_by_duckdb_that_is_told_nothing_and_by_pandas_with_the_sidecars_types(
    told: Site, tmp_path: Path, subject: str
) -> None:
    columns, wanted = await expected(told, subject)
    file = await saved(told, tmp_path, subject, "csv")
    sidecar = tmp_path / "sidecar.json"
    sidecar.write_bytes((await told.http.get(f"/v1/export/{subject}.csv-metadata.json")).content)
    types, _, *rows = await python("exports.py", "pandas-csv", str(file), str(sidecar))
    assert set(types.values()) <= {"string", "Int64", "boolean", "str"}
    same(rows, wanted, columns)
    _, _, *rows = await python("exports.py", "duckdb", str(file))
    same(rows, wanted, columns)


async def test_a_spreadsheet_finds_its_byte_order_mark_and_chinese_headings(told: Site) -> None:
    found = (await file_of(told.http, "assignments", "csv", excel="true", headers="zh")).content
    assert found.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""))
    assert header[:3] == ["任务编码", "工作要点", "任务序号"]
    assert len(rows) == len(await items_of(told.http, "assignments"))


async def test_the_readmes_lines_for_pandas(told: Site) -> None:
    (lines,) = re.findall(r"```python\n(url = .*?)\n```", README, re.DOTALL)
    lines = lines.replace(HERE, str(told.http.base_url).rstrip("/"))
    shown = "print(len(tasks), tasks['number'].dtype, tasks['id'].iloc[20], tasks['part'].sum())"
    process = await asyncio.create_subprocess_exec(
        INSTALLED / "python/bin/python",
        "-c",
        f"import pandas, requests\n{lines}\n{shown}",
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    parts = sum(one["part"] for one in await items_of(told.http, "tasks"))
    assert said.decode().split() == ["67", "Int64", "shanghai-credit-2023/21", str(parts)]

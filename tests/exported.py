"""Exports as those who take them home read them: each form by a library of its own, with what its sidecar says."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import openpyxl

FORMS = ("csv", "ndjson", "json", "parquet", "xlsx")
SUBJECTS = ("tasks", "assignments", "units", "memberships", "districts", "platforms", "targets", "reports", "events")
# Of what a list holds a cell has the ids.
IDS = {"assignments": "assignee", "targets": "target", "latestReports": "event", "reported": "event", "tasks": "task"}
KEYS = {
    "tasks": ("id",),
    "assignments": ("task", "assignee.id"),
    "units": ("id",),
    "memberships": ("group.id", "member.id"),
    "districts": ("code",),
    "platforms": ("id",),
    "targets": ("task", "target"),
    "reports": ("id",),
    "events": ("position",),
}
Row = Mapping[str, Any]


async def file_of(http: httpx.AsyncClient, subject: str, form: str, **query: Any) -> httpx.Response:
    """An export; whoever is told that it is being made asks again."""
    found = await http.get(f"/v1/export/{subject}.{form}", params=query)
    while found.status_code == 202:
        found = await http.get(found.headers["Location"])
    assert found.status_code == 200, found.text
    return found


async def items_of(http: httpx.AsyncClient, subject: str, **query: Any) -> list[Any]:
    """The same as the lists of the API have it, in their order."""

    async def listed(path: str, **more: Any) -> list[Any]:
        found = await http.get(f"{path}.json", params=query | more)
        assert found.status_code == 200, found.text
        return [{name: value for name, value in one.items() if name != "undoneBy"} for one in found.json()["items"]]

    match subject:
        case "units" | "districts" | "platforms" | "events":
            return await listed(f"/v1/{subject}")
        case "memberships":
            units = await listed("/v1/units")
            return [
                {"group": {name: one[name] for name in ("id", "name", "closed")}, "member": member}
                for one in units
                for member in one["members"]
            ]
        case "assignments":
            return [
                _assigned(task, one) for task in await items_of(http, "tasks", **query) for one in task["assignments"]
            ]
        case _:
            plans = await listed("/v1/plans")
            return [one for plan in plans for one in await listed(f"/v1/plans/{plan['id']}/{subject}")]


def _assigned(task: Row, one: Row) -> dict[str, Any]:
    of_task = {name: task[name] for name in ("plan", "number", "part", "measure", "text", "withdrawn")}
    return {"task": task["id"], **of_task, **one}


async def columns_of(http: httpx.AsyncClient, subject: str, **query: Any) -> list[Any]:
    """The columns of the CSV, as its sidecar describes them."""
    found = await http.get(f"/v1/export/{subject}.csv-metadata.json", params=query)
    assert found.status_code == 200, found.text
    return found.json()["tableSchema"]["columns"]


def row_of(item: Row, columns: Iterable[Row]) -> dict[str, Any]:
    """An item as its columns have it, each value as Python has it."""
    return {one["name"]: _told(_at(item, one["name"]), one) for one in columns}


def _at(item: Any, path: str) -> Any:
    for name in path.split("."):
        if item is None:
            return None
        item = item.get(name)
    return item


def _told(value: Any, column: Row) -> Any:
    if "separator" in column:
        return [_id(one, column["name"]) for one in value or ()]
    match column.get("datatype"):
        case "decimal":
            return None if value is None else Decimal(value)
        case "date":
            return None if value is None else date.fromisoformat(value)
        case "dateTimeStamp":
            return datetime.fromisoformat(value)
        case _:
            return value


def _id(one: Any, column: str) -> str:
    if isinstance(one, str | int):
        return str(one)
    found = one[IDS.get(column, "id")]
    return str(found) if isinstance(found, str | int) else found["id"]


def rows_in(form: str, content: bytes, columns: Sequence[Row], into: Path) -> list[dict[str, Any]]:
    """The rows of a table, each value as Python has it."""
    match form:
        case "csv":
            header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
            assert header == [one["titles"]["und"] for one in columns]
            return [{one["name"]: _cell(text, one) for one, text in zip(columns, row, strict=True)} for row in rows]
        case "parquet":
            return _parquet(content, columns, into)
        case _:
            return _xlsx(content, columns)


def _cell(text: str, column: Row) -> Any:
    if "separator" in column:
        return text.split(column["separator"]) if text else []
    if not text:
        return None
    match column.get("datatype"):
        case "integer":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "json":
            return json.loads(text)
        case _:
            return _told(text, column)


def _parquet(content: bytes, columns: Sequence[Row], into: Path) -> list[dict[str, Any]]:
    file = into / "export.parquet"
    file.write_bytes(content)
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        found = database.execute("SELECT * FROM read_parquet(?)", [str(file)])
        names = [one[0] for one in found.description or ()]
        rows = found.fetchall()
    assert names == [one["name"] for one in columns]
    told = [dict(zip(names, row, strict=True)) for row in rows]
    for one in columns:
        if one.get("datatype") == "json":
            for row in told:
                row[one["name"]] = row[one["name"]] and json.loads(row[one["name"]])
    return told


def _xlsx(content: bytes, columns: Sequence[Row]) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert list(header) == [one["titles"]["und"] for one in columns]
    return [{one["name"]: _sheet_cell(value, one) for one, value in zip(columns, row, strict=True)} for row in rows]


def _sheet_cell(value: Any, column: Row) -> Any:
    if "separator" in column:
        return str(value).split(column["separator"]) if value is not None else []
    if value is None:
        return None
    match column.get("datatype"):
        case "decimal":
            return Decimal(str(value))
        case "date":
            return value.date() if isinstance(value, datetime) else date.fromisoformat(value)
        case "json" | "dateTimeStamp":
            return _cell(value, column)
        case _:
            return value


def items_in(form: str, content: bytes) -> list[Any]:
    """The items of a document, or of lines."""
    return json.loads(content)["items"] if form == "json" else [json.loads(line) for line in content.splitlines()]

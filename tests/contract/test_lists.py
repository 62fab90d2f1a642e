"""Every list that the descriptions name: three forms with the same rows, pages that make the whole, honest cursors."""

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from api.description.openapi import described_by
from api.main import described_app
from tests.conftest import Site, problem_of

ASKED: dict[str, dict[str, str]] = {  # what is asked beside what the descriptions give as an example
    "/v1/events": {"after": "640"},
    "/v1/diff": {"from": "500", "to": "530"},
    "/v1/plans/{plan}/reports": {"period": "2023-Q2"},
}


@cache
def described() -> Any:
    return json.loads(json.dumps(described_by(described_app())))


@cache
def lists() -> dict[str, Any]:
    """Every operation whose good answer is a list, by its address."""
    return {path: item["get"] for path, item in described()["paths"].items() if "get" in item and is_list(item["get"])}


def is_list(operation: Any) -> bool:
    schema = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    found = described()["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    paged = any(one["name"] == "limit" for one in operation.get("parameters", ()))
    return paged and {"items", "next", "meta"} <= found.get("properties", {}).keys()


def address(path: str) -> str:
    """The address with what its descriptions give as examples."""
    for one in lists()[path]["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["schema"]["examples"][0]))
    return path


def query(path: str, **more: Any) -> dict[str, str]:
    required = {one["name"]: one["schema"]["examples"][0] for one in lists()[path]["parameters"] if one.get("required")}
    known = {one["name"] for one in lists()[path]["parameters"] if one["in"] == "query"}
    given = {name: value for name, value in required.items() if name in known} | ASKED.get(path, {})
    return given | {name: str(value) for name, value in more.items()}


async def asked(site: Site, path: str, suffix: str = "", accept: str = "*/*", **more: Any) -> httpx.Response:
    found = await site.http.get(address(path) + suffix, params=query(path, **more), headers={"Accept": accept})
    assert found.status_code == 200, found.text
    return found


def test_there_are_lists_to_look_at() -> None:
    assert len(lists()) >= 15
    assert {"/v1/plans/{plan}/tasks", "/v1/plans/{plan}/reports", "/v1/events", "/v1/diff"} <= lists().keys()


@pytest.mark.parametrize("path", lists())
async def test_three_forms_hold_the_same_rows(told: Site, path: str) -> None:
    items = (await asked(told, path, limit=200)).json()["items"]
    assert items
    for suffix, accept in ((".ndjson", "*/*"), ("", "application/x-ndjson")):
        answer = await asked(told, path, suffix, accept, limit=200)
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        assert [json.loads(line) for line in answer.text.splitlines()] == items
    for suffix, accept in ((".csv", "*/*"), ("", "text/csv")):
        answer = await asked(told, path, suffix, accept, limit=200)
        assert answer.headers["Content-Type"] == "text/csv; header=present; charset=utf-8"
        check_table(answer.content, items)
    assert (await asked(told, path, ".json", "text/csv", limit=200)).json()["items"] == items


def check_table(body: bytes, items: list[Any]) -> None:
    """The table says each thing of each item, under its path, and nothing else."""
    assert body.count(b"\r\n") > len(items)
    header, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        assert len(row) == len(header)
        cells = dict(zip(header, row, strict=True))
        left = dict(flat(item, set(header)))
        assert left.keys() <= cells.keys()
        for name, text in cells.items():
            assert_same(text, left.get(name))


def flat(value: Any, columns: set[str], above: str = "") -> Iterator[tuple[str, Any]]:
    """A document's values by the paths of the columns they stand in; an object in a column of its own is not opened."""
    if isinstance(value, dict) and above not in columns:
        fields: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        for name, one in fields.items():
            yield from flat(one, columns, f"{above}.{name}" if above else name)
    elif value is not None or above in columns:
        yield above, value


def assert_same(text: str, value: Any) -> None:
    """A cell says what the value says."""
    match value:
        case None:
            assert text == ""
        case str():
            assert text == value
        case bool() | list() | dict():
            assert json.loads(text) == value
        case _:
            assert text == str(value)


@pytest.mark.parametrize("path", lists())
async def test_a_list_links_to_its_licence_to_itself_and_to_what_follows(told: Site, path: str) -> None:
    answer = await asked(told, path, limit=1)
    body = answer.json()
    links = {one["rel"]: url for url, one in ((str(one["url"]), one) for one in answer.links.values())}
    assert links["canonical"] == body["meta"]["self"]
    assert links["license"] == body["meta"]["license"]
    assert links.get("next") == body["next"]
    assert (await told.http.get(links["canonical"])).json()["items"] == body["items"]


@pytest.mark.parametrize("path", lists())
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_make_the_whole(told: Site, path: str, limit: int) -> None:
    whole = (await asked(told, path, limit=200)).json()
    expected = whole["items"] + await rest_of(told, whole["next"])
    page = (await asked(told, path, limit=limit)).json()
    found = page["items"]
    assert len(found) <= limit
    while page["next"]:
        page = (await told.http.get(page["next"])).json()
        assert 0 < len(page["items"]) <= limit
        assert page["meta"]["origin"] == whole["meta"]["origin"]
        found += page["items"]
    assert found == expected


async def rest_of(site: Site, following: str | None) -> list[Any]:
    items: list[Any] = []
    while following:
        page = (await site.http.get(following)).json()
        items += page["items"]
        following = page["next"]
    return items


@pytest.mark.parametrize("path", lists())
@pytest.mark.parametrize("form", [".csv", ".ndjson"])
async def test_a_page_in_another_form_is_followed_by_one_in_the_same_form(told: Site, path: str, form: str) -> None:
    answer = await asked(told, path, form, limit=1)
    if "next" in answer.links:
        following = await told.http.get(str(answer.links["next"]["url"]))
        assert following.headers["Content-Type"] == answer.headers["Content-Type"]
        assert following.content != answer.content


@pytest.mark.parametrize("path", lists())
@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1.5", "", "01", "99999999999999999999"])
async def test_a_limit_is_from_1_to_200(told: Site, path: str, limit: str) -> None:
    problem = problem_of(await told.http.get(address(path), params=query(path, limit=limit)), 400)
    assert problem["code"] == "bad_parameter"


@pytest.mark.parametrize("path", lists())
async def test_an_unknown_parameter_is_refused_with_the_known_ones_listed(told: Site, path: str) -> None:
    problem = problem_of(await told.http.get(address(path), params=query(path, colour="red")), 400)
    assert problem["code"] == "unknown_parameter"
    for one in lists()[path]["parameters"]:
        if one["in"] == "query":
            assert one["name"] in problem["detail"]

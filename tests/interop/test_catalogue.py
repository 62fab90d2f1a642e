"""The catalogue as portals judge it: DCAT-AP's own shapes, frictionless, and whoever fetches all that it names."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from rdflib import DCAT, DCTERMS, Graph

from domain.bundled import BUNDLED_PLAN
from projections.exports import EXPORTS, Column, ColumnType
from tests.catalogues import FORMS, addresses, all_of, graph_at, parsed, value
from tests.conftest import Site
from tests.interop.conftest import schema
from tests.interop.test_graphql_http import HERE, INSTALLED

SHAPES: Final = "dcat-ap-3.0.1-shacl.ttl"
# The shapes as they are published refer to two of a data service that they do not have.
WITHOUT: Final = {"dc08f4dca4377fade57f89454e3fa06a8389d314", "eb3ac4e4fdde2e2588a9502c5956060a18c5c99f"}
MOMENTS: Final[tuple[dict[str, str], ...]] = ({}, {"asOf": "2023-06-30"}, {"effectiveOn": "2023-01-01"})
MADE_WITHIN: Final = 60.0  # seconds, of an export that is not there at once


async def python(script: str, *arguments: str) -> list[Any]:
    """What a program prints that runs where others' clients are, a value for each line."""
    process = await asyncio.create_subprocess_exec(
        INSTALLED / "python/bin/python", HERE / "clients" / script, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return [json.loads(line) for line in said.decode().splitlines()]


async def judged(*graphs: Path) -> list[Any]:
    """What DCAT-AP's shapes find wrong with each graph, and what it has."""
    shapes = schema(SHAPES)
    assert shapes is not None
    without, *found = await python("shapes.py", str(shapes), *map(str, graphs))
    assert {one.rpartition("/")[2] for one in without} == WITHOUT
    return found


@pytest.mark.standard(SHAPES)
async def test_the_catalogue_has_the_shapes_of_dcat_ap_at_any_moment(told: Site, tmp_path: Path) -> None:
    graphs: list[Path] = []
    for path in FORMS:
        for number, query in enumerate(MOMENTS):
            graphs.append(tmp_path / f"{number}{path[1:]}")
            graphs[-1].write_bytes((await told.http.get(path, params=query)).content)
    for graph, found in zip(graphs, await judged(*graphs), strict=True):
        assert found["faults"] == [], graph.name
        plans = 0 if graph.name.startswith("2") else 1  # the plan is of March
        counts = found["counts"]
        assert (counts["Catalog"], counts["Dataset"], counts["DataService"]) == (1, plans + 2, 4)
        assert counts["Distribution"] == 25 + plans * 30


@pytest.mark.standard(SHAPES)
async def test_the_shapes_find_what_is_wrong(told: Site, tmp_path: Path) -> None:
    good = await graph_at(told)
    publisher = next(good.objects(None, DCTERMS.publisher))
    spoilt: dict[str, tuple[Any, Any, Any]] = {
        "no address": (None, DCAT.accessURL, None),
        "no title": (None, DCTERMS.title, None),
        "a publisher that is nobody": (publisher, None, None),
    }
    graphs: list[Path] = []
    for number, triple in enumerate(spoilt.values()):
        graph = Graph() + good
        graph.remove(triple)
        graphs.append(tmp_path / f"{number}.ttl")
        graph.serialize(graphs[-1], format="turtle")
    for name, found in zip(spoilt, await judged(*graphs), strict=True):
        assert found["faults"], name


async def test_frictionless_takes_each_descriptor(told: Site, tmp_path: Path) -> None:
    files: list[Path] = []
    for number, query in enumerate(({}, {"plan": BUNDLED_PLAN}, {"asOf": "2023-06-30"})):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes((await told.http.get("/datapackage.json", params=query)).content)
    whole, plan, then = await python("descriptor.py", *map(str, files))
    assert [one["faults"] for one in (whole, plan, then)] == [[], [], []]
    assert whole["tables"].keys() == EXPORTS.keys()
    assert plan["tables"] == {name: types for name, types in whole["tables"].items() if name in plan["tables"]}
    assert then["tables"] == whole["tables"]
    for name, types in whole["tables"].items():
        assert len(types) == len(EXPORTS[name].columns)


async def fetched(http: httpx.AsyncClient, address: str) -> httpx.Response:
    """A file, once it is made."""
    async with asyncio.timeout(MADE_WITHIN):
        answer = await http.get(address)
        while answer.status_code == 202:
            await asyncio.sleep(0.2)
            answer = await http.get(httpx.URL(address).join(answer.headers["Location"]))
    assert answer.status_code == 200, f"{address}: {answer.text[:300]}"
    return answer


@pytest.mark.parametrize("query", MOMENTS, ids=str)
async def test_each_file_of_the_catalogue_is_there_as_its_digest_says(told: Site, query: dict[str, str]) -> None:
    async with httpx.AsyncClient(timeout=MADE_WITHIN, headers={"Accept-Encoding": "identity"}) as http:
        graph = parsed((await http.get(told.http.base_url.join("/catalog.ttl"), params=query)).content, "turtle")
        distributions = all_of(graph, DCAT.Distribution)
        assert len(distributions) >= 25
        for one in distributions:
            answer = await fetched(http, value(graph, one, DCAT.accessURL))
            digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
            assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:", answer.url
            media = list(graph.objects(one, DCAT.mediaType))
            kind = answer.headers["Content-Type"].partition(";")[0]
            assert not media or str(media[0]).endswith(f"/media-types/{kind}"), answer.url


@pytest.mark.parametrize("query", MOMENTS, ids=str)
async def test_each_address_of_the_catalogue_answers(told: Site, query: dict[str, str]) -> None:
    base = str(told.http.base_url).rstrip("/")
    for address in addresses(await graph_at(told, **query), base):
        async with told.http.stream("GET", address) as answer:
            assert answer.status_code in {200, 202}, address


@pytest.mark.parametrize("query", [{}, {"plan": BUNDLED_PLAN}, {"asOf": "2023-06-30"}], ids=str)
async def test_frictionless_reads_from_the_package_what_the_exports_say(told: Site, query: dict[str, str]) -> None:
    address = told.http.base_url.join("/datapackage.json").copy_merge_params(query)
    faults, *tables = await python("tables.py", str(address))
    assert faults == []
    paths = {one["name"]: one["path"] for one in (await told.get("/datapackage.json", **query))["resources"]}
    assert [one["name"] for one in tables] == [*paths]
    for one in tables:
        items = (await fetched(told.http, paths[one["name"]].replace(".csv?", ".ndjson?"))).text
        columns = EXPORTS[one["name"]].columns
        rows = [[row[column.name] for column in columns] for row in one["rows"]]
        assert rows == [[cell(json.loads(line), column) for column in columns] for line in items.split("\n") if line]
        assert rows or one["name"] == "reports"


def cell(item: dict[str, Any], column: Column) -> Any:
    """What a table has of an item of NDJSON: nothing for an empty list, a decimal's digits as text."""
    found = at(item, column.name)
    match column.type:
        case ColumnType.LIST:
            return [str(at(each, column.of) if column.of else each) for each in found] if found else None
        case ColumnType.DECIMAL:
            return None if found is None else str(found)
        case ColumnType.INSTANT:
            return found.replace("Z", "+00:00").replace(".000000+", "+")
        case _:
            return found


def at(item: Any, path: str) -> Any:
    """What stands at a path of names; nothing below nothing."""
    for name in path.split("."):
        item = None if item is None else item.get(name)
    return item

"""What is committed in openapi/ is what the code says; every address is described."""

import json

from api.openapi import FOLDER, generated
from domain.commands import FACTS
from tests.conftest import Site


def test_the_committed_descriptions_have_not_drifted() -> None:
    fresh = generated()
    kept = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    del kept["CHANGELOG.md"]
    assert kept.keys() == fresh.keys()
    drifted = [name for name, content in fresh.items() if kept[name] != content]
    assert not drifted, "run `make openapi` and say in openapi/CHANGELOG.md what changed"


def test_every_fact_has_its_schema() -> None:
    assert {path.name.removesuffix(".schema.json") for path in (FOLDER / "events").iterdir()} == FACTS.keys()


def test_every_read_takes_both_clocks() -> None:
    described = json.loads((FOLDER / "openapi.json").read_bytes())
    reads = {
        path: item["get"] for path, item in described["paths"].items() if path.startswith("/v1/") and "get" in item
    }
    assert len(reads) >= 14
    for path, operation in reads.items():
        names = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert names >= {"asOf", "position", "effectiveOn"}, path


async def test_the_server_publishes_its_own_descriptions(site: Site) -> None:
    described = await site.get("/openapi.json")
    assert described == json.loads((FOLDER / "openapi.json").read_bytes())
    schema = await site.http.get("/schema.graphql")
    assert schema.content == (FOLDER / "schema.graphql").read_bytes()

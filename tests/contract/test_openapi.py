"""What is committed in openapi/ is what the code says; every address is described."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from api.cli.describe import OPENAPI, examples_asked, generated
from api.description.examples import BINARY, WRITTEN
from api.hosting.opening import DEMO_ORIGIN
from domain.commands import FACTS
from tests.conftest import Site, database_of, settings_for

DESCRIBED: dict[str, Any] = json.loads((OPENAPI / "openapi.json").read_bytes())
AT = {"asOf", "position", "effectiveOn"}
BETWEEN = {"from", "fromEffectiveOn", "to", "toEffectiveOn"}
OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": one for path, item in DESCRIBED["paths"].items() for method, one in item.items()
}


def test_the_committed_descriptions_have_not_drifted() -> None:
    fresh = generated()
    kept = {path.relative_to(OPENAPI).as_posix(): path.read_bytes() for path in OPENAPI.rglob("*") if path.is_file()}
    written = ("CHANGELOG.md", "FOLD.md", "examples/", "vectors/", "released/")
    kept = {name: content for name, content in kept.items() if not name.startswith(written)}
    assert kept.keys() == fresh.keys()
    drifted = [name for name, content in fresh.items() if kept[name] != content]
    assert not drifted, "run `make openapi` and say in openapi/CHANGELOG.md what changed"


def test_every_fact_has_its_schema() -> None:
    assert {path.name.removesuffix(".schema.json") for path in (OPENAPI / "events").iterdir()} == FACTS.keys()


def test_every_read_takes_both_clocks() -> None:
    described = json.loads((OPENAPI / "openapi.json").read_bytes())
    reads = {
        path: item["get"]
        for path, item in described["paths"].items()
        if path.startswith("/v1/")
        and "get" in item
        and not {"log", "stream"} & {*item["get"]["tags"]}  # those are read at no moment
    }
    assert len(reads) >= 14
    for path, operation in reads.items():
        names = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert names >= (BETWEEN if path.endswith("/diff") else AT), path


async def test_the_server_publishes_its_own_descriptions(shared: Site) -> None:
    described = await shared.get("/openapi.json")
    assert described == json.loads((OPENAPI / "openapi.json").read_bytes())
    schema = await shared.http.get("/schema.graphql")
    assert schema.content == (OPENAPI / "schema.graphql").read_bytes()


async def test_the_examples_are_what_the_server_answers(server: str, folder: Path) -> None:
    async with database_of(server, "template1") as dsn:
        found = await examples_asked(msgspec.structs.replace(settings_for(dsn, folder), origin=DEMO_ORIGIN))
    kept = json.loads(WRITTEN.read_bytes())
    assert found.keys() == kept.keys(), "run `make openapi`"
    assert [name for name, one in found.items() if kept[name] != one] == [], "run `make openapi`"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_real_answers_of_the_shape_it_describes(name: str) -> None:
    answers = OPERATIONS[name]["responses"]
    for status, answer in answers.items():
        for kind, content in answer.get("content", {}).items():
            for example in content.get("examples", {}).values():
                assert example["summary"].startswith("/")
                if kind.endswith("json"):
                    validator(content["schema"]).validate(example["value"])  # pyright: ignore[reportUnknownMemberType]
                assert int(status) < 400 or example["value"]["status"] == int(status)
    shown = {kind: content for kind, content in answers["200"]["content"].items() if kind not in BINARY}
    assert all(content["examples"] for content in shown.values())


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("POST ")])
def test_every_body_has_examples_of_the_shape_it_describes(name: str) -> None:
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        validator(content["schema"]).validate(example["value"])  # pyright: ignore[reportUnknownMemberType]


def test_every_parameter_says_what_it_is() -> None:
    for name, operation in OPERATIONS.items():
        for one in operation.get("parameters", ()):
            assert one["description"], f"{name}: {one['name']}"
            assert one["in"] != "path" or one["schema"]["examples"], f"{name}: {one['name']} needs an example"


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of one shape, which may refer to the components."""
    return Draft202012Validator(schema | {"components": DESCRIBED["components"]})

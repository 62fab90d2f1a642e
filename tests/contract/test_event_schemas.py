"""The published schemas say of every event what is on the wire."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.cli.describe import OPENAPI
from domain.commands import FACTS
from projections.views.events import BESIDE
from tests.conftest import Site
from tests.integration.test_rest_events import followed

SCHEMAS: dict[str, Any] = {
    type_: json.loads((OPENAPI / "events" / f"{type_}.schema.json").read_bytes()) for type_ in FACTS
}
DESCRIBED: dict[str, Any] = json.loads((OPENAPI / "openapi.json").read_bytes())


def errors(schema: dict[str, Any], item: Any) -> list[str]:
    return [one.message for one in Draft202012Validator(schema).iter_errors(item)]  # pyright: ignore[reportUnknownMemberType]


async def test_every_item_of_the_record_is_valid_under_the_schema_of_its_type(told: Site) -> None:
    items = await followed(told)
    assert len({one["type"] for one in items}) > 15
    assert [found for one in items if (found := errors(SCHEMAS[one["type"]], one))] == []
    single = await told.get("/v1/events/400")
    assert errors(SCHEMAS[single["type"]], single) == []


async def test_every_item_is_one_of_the_types_that_openapi_discriminates(told: Site) -> None:
    event = DESCRIBED["components"]["schemas"]["EventView"]
    assert event["discriminator"]["propertyName"] == "type"
    mapping = event["discriminator"]["mapping"]
    assert mapping.keys() == FACTS.keys()
    assert [{"$ref": one} for one in mapping.values()] == event["oneOf"]
    for item in (await followed(told))[::10]:
        assert errors(event | {"components": DESCRIBED["components"]}, item) == []
    assert all(f"`{name}`" in event["description"] for name in BESIDE)
    assert "canonical JSON" in event["description"]


async def test_a_schema_refuses_what_is_no_such_event(told: Site) -> None:
    item = (await told.get("/v1/events", type="progress.reported.v1", limit=1))["items"][0]
    schema = SCHEMAS["progress.reported.v1"]
    assert errors(schema, item) == []
    for name in item.keys() - {"undoneBy"}:  # which those are not told who are brought what undoes it
        assert errors(schema, {key: value for key, value in item.items() if key != name}), name
    for name in item["data"]:
        data = {key: value for key, value in item["data"].items() if key != name}
        assert errors(schema, item | {"data": data}), name
    assert errors(schema, item | {"data": item["data"] | {"period": "soon"}})
    assert errors(schema, item | {"data": item["data"] | {"other": 1}})
    assert errors(schema, item | {"type": "task.added.v1"})


@pytest.mark.parametrize("type_", sorted(FACTS))
async def test_each_schema_has_a_name_for_life_and_is_served_and_linked(shared: Site, type_: str) -> None:
    assert SCHEMAS[type_]["$id"] == f"urn:planrecord:event:{type_}"
    Draft202012Validator.check_schema(SCHEMAS[type_])
    address = DESCRIBED["components"]["schemas"][f"event.{type_}"]["externalDocs"]["url"]
    assert address == f"/schemas/events/{type_}.schema.json"
    answer = await shared.http.get(address)
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert answer.content == (OPENAPI / "events" / f"{type_}.schema.json").read_bytes()
    again = await shared.http.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["task.added.v9.schema.json", "task.added.v1", "task.added.v1.json"])
async def test_there_is_no_other_schema(shared: Site, name: str) -> None:
    problem = await shared.problem(404, f"/schemas/events/{name}")
    assert problem["code"] == "unknown_address"
    assert (await shared.problem(400, "/schemas/events/task.added.v1.schema.json", x=1))["code"] == "unknown_parameter"

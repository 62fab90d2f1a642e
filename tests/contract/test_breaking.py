"""What was released stays: whatever breaks a client is found, and stands in the change log before it is done."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from graphql import build_schema, find_breaking_changes

from api.cli.describe import OPENAPI
from api.description.openapi import openapi_json
from api.graphql.schema import STRAWBERRY
from api.main import described_app
from tests.breaking import breaks

RELEASED = OPENAPI / "released"
LOG = (OPENAPI / "CHANGELOG.md").read_text()


def announced() -> set[str]:
    """The breaks that the newest part of the change log owns up to: - Breaking: `GET /x is gone`, because …"""
    newest = re.split(r"^## ", LOG, flags=re.MULTILINE)[1]
    return set(re.findall(r"^- Breaking: `([^`]*)`", newest, re.MULTILINE))


def test_nothing_that_was_released_over_rest_is_broken_unannounced() -> None:
    released = json.loads((RELEASED / "openapi.json").read_bytes())
    found = set(breaks(released, json.loads(openapi_json(described_app()))))
    assert found - announced() == set(), "say `- Breaking: …` in openapi/CHANGELOG.md, or keep the old beside the new"


def test_nothing_that_was_released_over_graphql_is_broken_unannounced() -> None:
    released = build_schema((RELEASED / "schema.graphql").read_text())
    found = {one.description for one in find_breaking_changes(released, build_schema(STRAWBERRY.as_str()))}
    assert found - announced() == set(), "say `- Breaking: …` in openapi/CHANGELOG.md, or deprecate the old"


def test_what_was_released_stands_in_the_change_log() -> None:
    version = json.loads((RELEASED / "openapi.json").read_bytes())["info"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", LOG, re.MULTILINE)


Json = dict[str, Any]
TASK: Json = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "status": {"enum": ["open", "done"]},
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "units": {"type": "array", "items": {"$ref": "#/components/schemas/Unit"}},
    },
    "required": ["number", "status"],
}
UNIT: Json = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
REWORD: Json = {
    "type": "object",
    "title": "reword",
    "properties": {"text": {"type": "string", "maxLength": 9}, "role": {"enum": ["lead", "support"]}},
    "required": ["text"],
}
MOVE: Json = {"type": "object", "title": "move", "properties": {"to": {"type": "integer"}}, "required": ["to"]}
Q: Json = {"name": "q", "in": "query", "required": False, "schema": {"type": "string"}}
GOOD: Json = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}},
    "headers": {"ETag": {}},
}
BODY: Json = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [{"$ref": f"#/components/schemas/{n}"} for n in ("Reword", "Move")]}}
    },
}
OLD: Json = {
    "paths": {
        "/tasks": {
            "get": {"parameters": [Q], "responses": {"200": GOOD, "404": {"content": {}}}},
            "post": {"requestBody": BODY, "responses": {"200": GOOD}},
        }
    },
    "components": {"schemas": {"Task": TASK, "Unit": UNIT, "Reword": REWORD, "Move": MOVE}},
}
Change = Callable[[Json], object]


def schemas(api: Json) -> Any:
    return api["components"]["schemas"]


def fields(api: Json, name: str) -> Any:
    return schemas(api)[name]["properties"]


def operation(api: Json, method: str = "get") -> Any:
    return api["paths"]["/tasks"][method]


BREAKS: dict[str, Change] = {
    "GET /tasks is gone": lambda api: api["paths"].pop("/tasks"),
    "POST /tasks is gone": lambda api: api["paths"]["/tasks"].pop("post"),
    "GET /tasks: needs a token now": lambda api: operation(api).update(security=[{"token": []}]),
    "GET /tasks: parameter q is gone": lambda api: operation(api)["parameters"].clear(),
    "GET /tasks: parameter q must be given now": lambda api: operation(api)["parameters"][0].update(required=True),
    "GET /tasks: parameter r must be given now": lambda api: operation(api)["parameters"].append(
        {"name": "r", "in": "query", "required": True, "schema": {}}
    ),
    "GET /tasks: parameter q is integer, was string": lambda api: operation(api)["parameters"][0].update(
        schema={"type": "integer"}
    ),
    "GET /tasks: parameter q: minLength is 2, was not limited": lambda api: operation(api)["parameters"][0].update(
        schema={"type": "string", "minLength": 2}
    ),
    "GET /tasks: parameter q: pattern is ^a, was not limited": lambda api: operation(api)["parameters"][0].update(
        schema={"type": "string", "pattern": "^a"}
    ),
    "GET /tasks: answer 200 is gone": lambda api: operation(api)["responses"].pop("200"),
    "GET /tasks: answer 200: application/json is gone": lambda api: operation(api)["responses"]["200"].update(
        content={}
    ),
    "GET /tasks: answer 200: header ETag is gone": lambda api: operation(api)["responses"]["200"].update(headers={}),
    "GET /tasks: answer 200.number is gone": lambda api: fields(api, "Task").pop("number"),
    "GET /tasks: answer 200.number may be missing now": lambda api: schemas(api)["Task"]["required"].remove("number"),
    "GET /tasks: answer 200.number is string, was integer": lambda api: fields(api, "Task").update(
        number={"type": "string"}
    ),
    "GET /tasks: answer 200.number is number, was integer": lambda api: fields(api, "Task").update(
        number={"type": "number"}
    ),
    "GET /tasks: answer 200.number may be null now": lambda api: fields(api, "Task").update(
        number={"type": ["integer", "null"]}
    ),
    "GET /tasks: answer 200.due may be string now": lambda api: fields(api, "Task").update(
        due={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "GET /tasks: answer 200.status is string, was a value": lambda api: fields(api, "Task").update(
        status={"type": "string"}
    ),
    "GET /tasks: answer 200.units[].name is gone": lambda api: fields(api, "Unit").pop("name"),
    "POST /tasks: a body must be given now": lambda api: operation(api, "post").update(requestBody=BODY),
    "POST /tasks: body: application/json is gone": lambda api: operation(api, "post").pop("requestBody"),
    "POST /tasks: body.text is gone": lambda api: fields(api, "Reword").pop("text"),
    "POST /tasks: body.why must be given now": lambda api: schemas(api)["Reword"]["required"].append("why"),
    "POST /tasks: body.text: maxLength is 8, was 9": lambda api: fields(api, "Reword")["text"].update(maxLength=8),
    "POST /tasks: body.role may no longer be support": lambda api: fields(api, "Reword")["role"].update(enum=["lead"]),
    "POST /tasks: body.to is string, was integer": lambda api: fields(api, "Move").update(to={"type": "string"}),
    "POST /tasks: body may no longer be move": lambda api: operation(api, "post")["requestBody"]["content"][
        "application/json"
    ]["schema"]["anyOf"].pop(),
    "POST /tasks: body: additionalProperties is False, was not limited": lambda api: schemas(api)["Reword"].update(
        additionalProperties=False
    ),
}
HARMLESS: dict[str, Change] = {
    "an address": lambda api: api["paths"].update({"/units": {"get": {"responses": {"200": GOOD}}}}),
    "a parameter that may be given": lambda api: operation(api)["parameters"].append({**Q, "name": "r"}),
    "a field of an answer": lambda api: fields(api, "Task").update(note={"type": "string"}),
    "a field of an answer that is always there": lambda api: schemas(api)["Task"]["required"].append("due"),
    "a value of an answer": lambda api: fields(api, "Task")["status"]["enum"].append("late"),
    "an answer no longer null": lambda api: fields(api, "Task").update(due={"type": "string", "format": "date"}),
    "a status": lambda api: operation(api)["responses"].update({"503": {"content": {}}}),
    "a problem that no longer occurs": lambda api: operation(api)["responses"].pop("404"),
    "another form of an answer": lambda api: operation(api)["responses"]["200"]["content"].update({"text/csv": {}}),
    "a field that may be given": lambda api: fields(api, "Reword").update(why={"type": "string"}),
    "a field that need not be given any more": lambda api: schemas(api)["Reword"]["required"].clear(),
    "a longer text that may be given": lambda api: fields(api, "Reword")["text"].update(maxLength=10),
    "a value that may be given": lambda api: fields(api, "Reword")["role"]["enum"].append("named"),
    "a number for an integer that is given": lambda api: fields(api, "Move").update(to={"type": "number"}),
    "a command": lambda api: operation(api, "post")["requestBody"]["content"]["application/json"]["schema"][
        "anyOf"
    ].append({"type": "object", "title": "drop", "required": ["all"], "properties": {"all": {"type": "boolean"}}}),
}


def changed(change: Change, start: Json = OLD) -> Json:
    """The description after a change."""
    api = deepcopy(start)
    change(api)
    return api


@pytest.mark.parametrize("sentence", BREAKS)
def test_a_break_is_found_and_named(sentence: str) -> None:
    start = changed(lambda api: operation(api, "post").pop("requestBody")) if "a body must" in sentence else OLD
    assert sentence in breaks(start, changed(BREAKS[sentence], start))


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_added_or_widened_breaks_nothing(what: str) -> None:
    assert breaks(OLD, changed(HARMLESS[what])) == []


def test_shapes_that_hold_themselves_are_compared_to_their_end() -> None:
    tree: Json = {
        "Unit": {**UNIT, "properties": {**UNIT["properties"], "below": {"$ref": "#/components/schemas/Unit"}}}
    }
    old = changed(lambda api: schemas(api).update(deepcopy(tree)))
    assert breaks(old, old) == []
    found = breaks(old, changed(lambda api: fields(api, "Unit").pop("name"), old))
    assert found[0] == "GET /tasks: answer 200.units[].name is gone"

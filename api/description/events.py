"""The shape of each event on the wire: as a schema of its own under a name for life, and within OpenAPI."""

from functools import cache
from typing import Any, Final

import msgspec

from domain.commands import FACTS
from projections.views.events import EventView

Schema = dict[str, Any]
SCHEMAS: Final = "/schemas/events"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ALWAYS: Final = tuple(name for name in EventView.__struct_encode_fields__ if name != "meta")
# Over doors that bring what undoes a fact, no fact says by itself that it is undone.
_OVER_ANY_DOOR: Final = tuple(name for name in _ALWAYS if name != "undoneBy")


@cache
def event_schemas() -> dict[str, Schema]:
    """The JSON Schema of each type of event, by its name."""
    return {type_: _schema(type_) for type_ in sorted(FACTS)}


def _schema(type_: str) -> Schema:
    event, fact, others = _parts(type_, "#/$defs/{name}")
    head = {"$schema": _DIALECT, "$id": f"urn:planrecord:event:{type_}", "title": type_}
    return head | _event(type_, event, fact) | {"required": [*_OVER_ANY_DOOR], "$defs": others}


def add_events(described: Schema) -> None:
    """Have an event be one of its types, each a component of its own that leads to its schema."""
    schemas = described["components"]["schemas"]
    event = schemas["EventView"]
    names = {type_: f"event.{type_}" for type_ in sorted(FACTS)}
    for type_, name in names.items():
        _, fact, others = _parts(type_, "#/components/schemas/{name}")
        leads = {"externalDocs": {"url": f"{SCHEMAS}/{type_}.schema.json"}}
        schemas[name] = {"title": type_} | _event(type_, event, fact) | leads
        described["components"]["schemas"] = schemas = others | schemas
    references = {type_: f"#/components/schemas/{name}" for type_, name in names.items()}
    schemas["EventView"] = {
        "title": "EventView",
        "description": EventView.__doc__,
        "oneOf": [{"$ref": one} for one in references.values()],
        "discriminator": {"propertyName": "type", "mapping": references},
    }


def _parts(type_: str, template: str) -> tuple[Schema, Schema, Schema]:
    """The schemas of any event, of this type's data, and of what they refer to."""
    (event, fact), components = msgspec.json.schema_components([EventView, FACTS[type_]], ref_template=template)
    event, fact = (components.pop(one["$ref"].rpartition("/")[2]) for one in (event, fact))
    return event, fact, components


def _event(type_: str, event: Schema, fact: Schema) -> Schema:
    """An event of this type: of the leaf's keys and of its data's none is ever missing."""
    fields = {name: one for name, one in fact["properties"].items() if name != "type"}
    for one in fields.values():
        one.pop("default", None)
    data = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    properties = event["properties"] | {"type": {"type": "string", "const": type_}, "data": data}
    said = {"description": fact["description"], "type": "object"}
    return said | {"properties": properties, "required": [*_ALWAYS]}

"""A graph in Turtle or JSON-LD: of one graph always the same bytes."""

import json
from typing import Any, cast

from rdflib import Graph

from api.catalogue.terms import PREFIXES


def print_turtle(graph: Graph) -> bytes:
    """Turtle, whose subjects and values rdflib sorts."""
    return graph.serialize(format="turtle", encoding="utf-8")


def print_json_ld(graph: Graph) -> bytes:
    """JSON-LD, put in order: that of rdflib's own is a set's."""
    found = json.loads(graph.serialize(format="json-ld", context=dict(PREFIXES)))
    nodes: list[dict[str, Any]] = found["@graph"]
    for node in nodes:
        for value in node.values():
            if isinstance(value, list):
                cast("list[Any]", value).sort(key=_spelled)
    found["@graph"] = sorted(nodes, key=lambda node: node["@id"])
    return _spelled(found, indent=1).encode() + b"\n"


def _spelled(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True)

"""The catalogue as its readers have it: a graph, and what can be asked of it."""

import warnings
from collections.abc import Iterator
from typing import Final

from rdflib import DCAT, DCTERMS, RDF, Graph, URIRef
from rdflib.term import Node

from tests.conftest import Site

FORMS: Final = {"/catalog.ttl": "turtle", "/catalog.jsonld": "json-ld"}


async def graph_at(site: Site, path: str = "/catalog.ttl", **query: str) -> Graph:
    """The catalogue that a good answer holds."""
    answer = await site.http.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return parsed(answer.content, FORMS[path])


def parsed(content: bytes, form: str) -> Graph:
    """The graph that is printed in a form, by rdflib's name of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own making
        return Graph().parse(data=content, format=form)


def all_of(graph: Graph, kind: Node) -> list[Node]:
    """The things of a kind."""
    return sorted(graph.subjects(RDF.type, kind), key=str)


def titles(graph: Graph, language: str = "zh") -> dict[str, str]:
    """Of each dataset, by its name behind the log's, its title."""
    found: dict[str, str] = {}
    for one in graph.subjects(RDF.type, DCAT.Dataset):
        for title in graph.objects(one, DCTERMS.title):
            if getattr(title, "language", None) == language:
                found[str(one).split(":", 3)[3]] = str(title)
    return found


def value(graph: Graph, subject: Node, verb: Node) -> str:
    """The one value that is said of a thing."""
    (found,) = graph.objects(subject, verb)
    return str(found)


def addresses(graph: Graph, base: str) -> Iterator[str]:
    """Every address of the record's own that the graph names."""
    for node in sorted({str(one) for triple in graph for one in triple if isinstance(one, URIRef)}):
        if node.startswith(f"{base}/"):
            yield node

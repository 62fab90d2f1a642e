"""What SHACL shapes find wrong with graphs: `python shapes.py SHAPES GRAPH…`, a line of JSON for each graph.

The first line names the property shapes that the file refers to and does not have, of which nothing can be asked.
"""

import json
import sys

from pyshacl import validate
from rdflib import RDF, Graph, Namespace

SH = Namespace("http://www.w3.org/ns/shacl#")


def shapes_in(path: str) -> tuple[Graph, list[str]]:
    """The shapes, and the names of those that are missing."""
    shapes = Graph().parse(path)
    missing = [(one, name) for one, name in shapes.subject_objects(SH.property) if (name, None, None) not in shapes]
    for one, name in missing:
        shapes.remove((one, SH.property, name))
    return shapes, sorted(str(name) for _, name in missing)


def judged(graph: str, shapes: Graph) -> dict[str, object]:
    """What is wrong with a graph, and how many of each class it has: an empty one has no fault."""
    data = Graph().parse(graph)
    good, _, text = validate(data, shacl_graph=shapes, advanced=True)
    counts: dict[str, int] = {}
    for kind in data.objects(None, RDF.type):
        name = str(kind).replace("/", "#").rpartition("#")[2]
        counts[name] = counts.get(name, 0) + 1
    return {"faults": [] if good else [text], "counts": counts}


found, without = shapes_in(sys.argv[1])
print(json.dumps(without))
for each in sys.argv[2:]:
    print(json.dumps(judged(each, found)))

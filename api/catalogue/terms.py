"""The words that the graph is written in: others' vocabularies and authorities' terms, and how a thing is said.

rdflib is imported where the graph is made and nowhere else, and this only when a catalogue is asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rdflib import DCAT, DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Literal, Namespace, URIRef
from rdflib.term import Node

from api.http.formats import EXPORT_TYPES, ExportForm
from api.services.phrases import Lang
from api.services.told import PlainVoice

HYDRA: Final = Namespace("http://www.w3.org/ns/hydra/core#")
DATASET_VERSION: Final = URIRef("http://www.w3.org/ns/dcat#version")  # of DCAT 3, which rdflib does not know yet
PREFIXES: Final[Mapping[str, str]] = {
    "dcat": str(DCAT),
    "dct": str(DCTERMS),
    "foaf": str(FOAF),
    "hydra": str(HYDRA),
    "rdfs": str(RDFS),
    "skos": str(SKOS),
    "xsd": str(XSD),
}
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
_IANA: Final = "https://www.iana.org/assignments/media-types"
CHINESE: Final = URIRef(f"{_AUTHORITY}/language/ZHO")
ENGLISH: Final = URIRef(f"{_AUTHORITY}/language/ENG")
THEMES: Final = URIRef(f"{_AUTHORITY}/data-theme")
GOVERNMENT: Final = URIRef(f"{_AUTHORITY}/data-theme/GOVE")
CONTINUOUSLY: Final = URIRef(f"{_AUTHORITY}/frequency/UPDATE_CONT")
PUBLIC: Final = URIRef(f"{_AUTHORITY}/access-right/PUBLIC")
_NAMED: Final = tuple(one for one in ExportForm if one is not ExportForm.NDJSON)
IANA_TYPES: Final = {one: URIRef(f"{_IANA}/{EXPORT_TYPES[one].partition(';')[0]}") for one in _NAMED}
# Of lines of JSON neither authority has a term: where they are written down is named instead.
FILE_TYPES: Final = {
    **{one: URIRef(f"{_AUTHORITY}/file-type/{one.upper()}") for one in _NAMED},
    ExportForm.NDJSON: URIRef("https://github.com/ndjson/ndjson-spec"),
}
_KINDS: Final = {
    **dict.fromkeys((CHINESE, ENGLISH), DCTERMS.LinguisticSystem),
    CONTINUOUSLY: DCTERMS.Frequency,
    PUBLIC: DCTERMS.RightsStatement,
    **dict.fromkeys(FILE_TYPES.values(), DCTERMS.MediaTypeOrExtent),
    **dict.fromkeys(IANA_TYPES.values(), DCTERMS.MediaType),
}
_VOICES: Final = tuple(map(PlainVoice, Lang))
Triple = tuple[Node, Node, Node]
Statements = Sequence[tuple[Node, Node]]


def terms() -> Iterator[Triple]:
    """What kinds the authorities' terms are of: who reads the graph, or judges it, need not fetch them."""
    for term, kind in _KINDS.items():
        yield term, RDF.type, kind
    yield from a(SKOS.ConceptScheme, THEMES, in_both(DCTERMS.title, "catalogue.themes"))
    yield from a(SKOS.Concept, GOVERNMENT, in_both(SKOS.prefLabel, "catalogue.government"))
    yield GOVERNMENT, SKOS.inScheme, THEMES


def a(kind: Node, subject: Node, said: Iterable[tuple[Node, Node]] = ()) -> Iterator[Triple]:
    """A thing of a kind, and what is said of it."""
    yield subject, RDF.type, kind
    for verb, what in said:
        yield subject, verb, what


def in_both(verb: Node, key: str, **values: Any) -> Statements:
    """A phrase in both languages."""
    return [(verb, Literal(voice.t(key, **values), lang=voice.lang.value)) for voice in _VOICES]


def in_chinese(text: str) -> Literal:
    """The plan's own words, and those of what is made of them."""
    return Literal(text, lang=Lang.ZH.value)


def in_english(text: str) -> Literal:
    """What only developers are told."""
    return Literal(text, lang=Lang.EN.value)


def instant(text: str) -> Literal:
    """An instant as it is spelled everywhere here."""
    return Literal(text, datatype=XSD.dateTime, normalize=False)

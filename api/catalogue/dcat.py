"""The record as a catalogue of data: one graph of DCAT-AP 3.0.1, in two forms, of the same bytes for the same question.

No node is blank: what is of this record has a name that stays, `urn:planrecord:{log}:…`. Where a distribution is says
its address, which is pinned.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from rdflib import DCAT, DCTERMS, FOAF, RDFS, XSD, Graph, Literal, URIRef

from api.catalogue.contents import OF_A_PLAN, OF_THE_DIRECTORY, OF_THE_LOG, Contents, Pinned
from api.catalogue.terms import (
    CHINESE,
    CONTINUOUSLY,
    DATASET_VERSION,
    ENGLISH,
    FILE_TYPES,
    GOVERNMENT,
    HYDRA,
    IANA_TYPES,
    PREFIXES,
    PUBLIC,
    THEMES,
    Statements,
    Triple,
    a,
    in_both,
    in_chinese,
    in_english,
    instant,
    terms,
)
from api.http.formats import ExportForm
from domain.values import instant_text
from events.demo import is_demo
from projections.exports import Export
from projections.fold import RULES_VERSION
from projections.views.names import PlanRow

# Of each service what it is called, at which address it is asked, and where it is described.
_SERVICES: Final = {
    "rest": ("catalogue.rest", "/v1/plans", "/openapi.json"),
    "graphql": ("catalogue.graphql", "/graphql", "/schema.graphql"),
    "stream": ("catalogue.stream", "/v1/stream", "/openapi.json"),
    "feeds": ("catalogue.feeds", "/feeds/events.atom", "/openapi.json"),
}


class Asking(NamedTuple):
    """What was asked for: the address of this page and, if there is one, of the next; and whose record it is."""

    own: str
    following: str | None
    publisher: str


class _Dataset(NamedTuple):
    """A dataset: its `key` behind the log's name, its page, the exports that bring it, and what is said of it alone."""

    key: str
    page: str
    exports: Sequence[Export]
    said: Statements
    plan: PlanRow | None = None


def graph_of(shown: Contents, at: Pinned, asking: Asking) -> Graph:
    """The catalogue at a moment: a dataset for each plan of a page, and on the first one those that are of no plan."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    for triple in _Catalogue(shown, at, asking).triples():
        graph.add(triple)
    return graph


class _Catalogue:
    """What the graph says of one page."""

    def __init__(self, shown: Contents, at: Pinned, asking: Asking) -> None:
        self._shown, self._at, self._asking = shown, at, asking
        self._moment = shown.moment
        self._license = URIRef(at.reader.license)
        self._publisher = self._name("office", asking.publisher)
        self._places: Statements = [(DCTERMS.spatial, self._name("division", code)) for code in shown.provinces]
        self._datasets = [*map(self._of_plan, shown.plans), *(self._of_no_plan() if shown.first else ())]

    def triples(self) -> Iterator[Triple]:
        yield from terms()
        yield from self._own_terms()
        yield from self._catalog()
        for one in self._datasets:
            yield from self._dataset(one)
            for export in one.exports:
                for form in ExportForm:
                    yield from self._distribution(one, export, form)
        for key in _SERVICES:
            yield from self._service(key)

    def _name(self, *parts: str) -> URIRef:
        """A name of something of this record, for ever."""
        return URIRef(":".join(("urn:planrecord", self._moment.log, *(quote(one, safe=":") for one in parts))))

    def _own_terms(self) -> Iterator[Triple]:
        """The licence, those who publish, and the provinces that the record's districts are of."""
        yield from a(DCTERMS.LicenseDocument, self._license)
        yield from a(FOAF.Agent, self._publisher, [(FOAF.name, Literal(self._asking.publisher))])
        for issuer in dict.fromkeys(one.issuer for one in self._shown.plans):
            yield from a(FOAF.Agent, self._name("issuer", issuer), [(FOAF.name, in_chinese(issuer))])
        for code in self._shown.provinces:
            said = [(DCTERMS.identifier, Literal(code)), (RDFS.label, Literal(f"GB/T 2260 {code}"))]
            yield from a(DCTERMS.Location, self._name("division", code), said)

    def _catalog(self) -> Iterator[Triple]:
        catalog, home = self._name("catalog"), URIRef(self._at.base.whole("/"))
        said = [
            *in_both(DCTERMS.title, "site.name"),
            *in_both(DCTERMS.description, "catalogue.description"),
            *(in_both(DCTERMS.description, "demo.notice") if is_demo(self._moment.origin) else ()),
            *((DCTERMS.language, one) for one in (CHINESE, ENGLISH)),
            (DCTERMS.issued, instant(instant_text(self._at.reader.head.recorded_at(1)))),
            (DCTERMS.modified, instant(instant_text(self._moment.as_of))),
            (DCTERMS.publisher, self._publisher),
            (DCTERMS.license, self._license),
            (DCAT.themeTaxonomy, THEMES),
            (FOAF.homepage, home),
            *self._places,
            *((DCAT.dataset, self._name(one.key)) for one in self._datasets),
            *((DCAT.service, self._name("service", key)) for key in _SERVICES),
        ]
        yield from a(DCAT.Catalog, catalog, said)
        yield from a(FOAF.Document, home)
        if self._asking.following or not self._shown.first:
            page, following = URIRef(self._asking.own), self._asking.following
            said = [(FOAF.primaryTopic, catalog), *([(HYDRA.next, URIRef(following))] if following else [])]
            yield from a(HYDRA.PartialCollectionView, page, said)

    def _of_plan(self, plan: PlanRow) -> _Dataset:
        document = {"issuer": plan.issuer, "number": plan.document_number or plan.id, "title": plan.title}
        said = [
            (DCTERMS.title, in_chinese(plan.title)),
            *in_both(DCTERMS.description, "catalogue.plan", **document),
            (DCTERMS.issued, Literal(plan.issued_on.isoformat(), datatype=XSD.date)),
            (DCTERMS.modified, instant(self._shown.changed[plan.id])),
            (DCTERMS.publisher, self._name("issuer", plan.issuer)),
        ]
        return _Dataset(f"plan:{plan.id}", f"/plans/{plan.id}", OF_A_PLAN, said, plan)

    def _of_no_plan(self) -> Iterator[_Dataset]:
        both = [
            (DCTERMS.modified, instant(instant_text(self._moment.as_of))),
            (DCTERMS.publisher, self._publisher),
        ]
        directory = [
            *in_both(DCTERMS.title, "catalogue.directory"),
            *in_both(DCTERMS.description, "catalogue.of_directory"),
        ]
        log = [*in_both(DCTERMS.title, "catalogue.log"), *in_both(DCTERMS.description, "catalogue.of_log")]
        yield _Dataset("directory", "/units", OF_THE_DIRECTORY, [*directory, *both])
        yield _Dataset("log", "/changes", OF_THE_LOG, [*log, *both])

    def _dataset(self, one: _Dataset) -> Iterator[Triple]:
        page, provenance = URIRef(self._at.page(one.page)), self._name(one.key, "provenance")
        said = [
            *one.said,
            (DCTERMS.identifier, Literal(f"{self._moment.log}:{one.key}")),
            (DATASET_VERSION, Literal(str(self._moment.position))),
            (DCTERMS.accrualPeriodicity, CONTINUOUSLY),
            (DCTERMS.accessRights, PUBLIC),
            (DCTERMS.language, CHINESE),
            (DCTERMS.provenance, provenance),
            (DCAT.theme, GOVERNMENT),
            (DCAT.landingPage, page),
            *self._places,
            *((DCAT.keyword, in_chinese(export.title)) for export in one.exports),
            *((DCAT.distribution, self._as(one, export, form)) for export in one.exports for form in ExportForm),
        ]
        yield from a(DCAT.Dataset, self._name(one.key), said)
        yield from a(FOAF.Document, page)
        yield from a(DCTERMS.ProvenanceStatement, provenance, self._follows(one.plan))

    def _follows(self, plan: PlanRow | None) -> Statements:
        """From what a dataset follows, so that it can be proved."""
        moment = self._moment
        log = {"log": moment.log, "position": moment.position, "root": moment.root, "rules": RULES_VERSION}
        read = in_both(RDFS.label, "catalogue.document", document=f"sha256:{plan.document}") if plan else ()
        return [*in_both(RDFS.label, "catalogue.provenance", **log), *read]

    def _as(self, one: _Dataset, export: Export, form: ExportForm) -> URIRef:
        """The name of a dataset's export in a form."""
        return self._name(one.key, f"{export.name}.{form}")

    def _distribution(self, one: _Dataset, export: Export, form: ExportForm) -> Iterator[Triple]:
        plan = one.plan.id if one.plan else None
        address = URIRef(self._at.export(export, form, plan))
        said = [
            (DCTERMS.title, in_chinese(f"{export.title}({form.upper()})")),
            (DCTERMS.description, in_english(export.words)),
            (DCAT.accessURL, address),
            (DCAT.downloadURL, address),
            (DCTERMS.format, FILE_TYPES[form]),
            *([(DCAT.mediaType, IANA_TYPES[form])] if form in IANA_TYPES else []),
            (DCTERMS.license, self._license),
        ]
        if form is ExportForm.CSV:
            table = URIRef(self._at.table(export, plan))
            said.append((DCTERMS.conformsTo, table))
            yield from a(DCTERMS.Standard, table)
        yield from a(DCAT.Distribution, self._as(one, export, form), said)

    def _service(self, key: str) -> Iterator[Triple]:
        title, asked_at, described_at = _SERVICES[key]
        docs = URIRef(self._at.base.whole("/docs"))
        said = [
            *in_both(DCTERMS.title, title),
            (DCAT.endpointURL, URIRef(self._at.base.whole(asked_at))),
            (DCAT.endpointDescription, URIRef(self._at.base.whole(described_at))),
            (DCAT.landingPage, docs),
            (DCTERMS.accessRights, PUBLIC),
            (DCTERMS.publisher, self._publisher),
            (DCTERMS.license, self._license),
            *((DCAT.servesDataset, self._name(one.key)) for one in self._datasets),
        ]
        yield from a(DCAT.DataService, self._name("service", key), said)
        yield from a(FOAF.Document, docs)

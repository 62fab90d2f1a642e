"""Every kind of subject is declared once, and each door has what it owes to each: none is forgotten silently."""

from typing import Any

import msgspec
import pytest
from graphql import GraphQLInputObjectType

from api.graphql.compiled import REMEMBERED
from api.graphql.edges import SIZES, needs_of
from api.graphql.ids import KEYS as IDS
from api.graphql.nodes import NODES
from api.graphql.roots import ROOTS
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.shapes import FIELDS, STRUCTS, connection_of, shape, type_name
from api.graphql.words import FIELDS_IN_WORDS
from api.main import described_app
from api.resources.addresses import ADDRESSES
from domain.commands import STREAMS
from domain.fact import above
from domain.log import Lineage
from projections.concerns import CONCERNS, REQUEST_SPANS
from projections.table import METADATA
from projections.views.events import EventView
from projections.views.history import Version
from projections.views.plans import PlanView
from projections.views.reports import ReportView
from projections.views.subjects import PLATFORM, SUBJECTS, TABLES, Kind, Subject, whole
from projections.views.tasks import TaskView
from projections.views.texts import erasable

ADDRESSED = {route.path for route in described_app().routes}
NO_ADDRESS = {Kind.REPORT}  # its text is read with all others of its task
KEYS = {Kind.PART: "p/3", Kind.MEASURE: "p/16", Kind.TASK: "p/3", Kind.REPORT: "p/3/u/2023-Q1"}
every_kind = pytest.mark.parametrize("kind", Kind)


def owed(subject: Subject[Any]) -> set[str]:
    """What the doors lack of a kind."""
    return {*_owed_by_projections(subject), *_owed_by_rest(subject), *_owed_by_graphql(subject)}


def _owed_by_projections(subject: Subject[Any]) -> set[str]:
    there = {
        "declaration": subject.kind in SUBJECTS,
        "stream": subject.state.KIND in STREAMS and (subject.inner or subject.kind == subject.state.KIND),
        "tables": {subject.table, *subject.others} <= {*TABLES},
        "tables of its stream": {one.kind for one in (subject.table, *subject.others)} == {subject.state.KIND},
        "list": subject.list.view is subject.view,
        "key": subject.inner or subject.key in subject.view.__struct_fields__,
    }
    return {name for name, is_there in there.items() if not is_there}


def _owed_by_rest(subject: Subject[Any]) -> set[str]:
    if subject.kind in NO_ADDRESS:
        return set()
    if subject.kind not in ADDRESSES:
        return {"address"}
    address = ADDRESSES[subject.kind]
    past = () if subject.inner else ("history", "timemap", "diff")
    paths = {address.path, address.above[0], *(f"{address.path}/{one}" for one in past)} - ADDRESSED
    return paths | ({"words for its diff"} if bool(address.diff) is subject.inner else set())


def _owed_by_graphql(subject: Subject[Any]) -> set[str]:
    kind, name = subject.kind, type_name(subject.view)
    of = GRAPHQL_SCHEMA.type_map["SubjectInput"]
    assert isinstance(of, GraphQLInputObjectType)
    edges = () if subject.inner else ("history", "events")
    there = {
        "type": name == kind.capitalize() and name in GRAPHQL_SCHEMA.type_map,
        "root": kind in ROOTS and ROOTS[kind].type is shape(subject.view),
        "root of its list": f"{kind}s" in ROOTS and ROOTS[f"{kind}s"].type is connection_of(subject.view),
        "needs": {one.table for one in needs_of(name)} == {*subject.made_of},
        "history by its key": (kind in of.fields) is not subject.inner,
        **{f"{name}.{edge}": (name, edge) in FIELDS for edge in edges},
    }
    return {name for name, is_there in there.items() if not is_there}


@every_kind
def test_every_door_has_what_it_owes_to_each_kind(kind: Kind) -> None:
    assert owed(SUBJECTS[kind]) == set()


def test_a_kind_that_is_only_declared_is_missed_everywhere() -> None:
    class Made(PlanView, frozen=True):
        """A view that nobody publishes."""

    dummy: Any = "dummy"
    made: Any = Made
    assert owed(msgspec.structs.replace(PLATFORM, kind=dummy, view=made, made_of=())) == {
        *("declaration", "stream", "list", "address", "type", "root", "root of its list", "history by its key"),
        *("Made.history", "Made.events"),
    }


def test_every_stream_and_every_table_belongs_to_a_kind() -> None:
    told = STREAMS.keys() - {Lineage.KIND}  # whose facts are about no subject
    assert {one.state.KIND for one in SUBJECTS.values()} == told
    assert {one.kind.value for one in whole()} == told - {"report"}
    of_the_log = [CONCERNS, REQUEST_SPANS]
    tables = [*(one.table for one in TABLES), *of_the_log]
    assert sorted(one.name for one in tables) == sorted(one.name for one in METADATA.sorted_tables)


@every_kind
def test_what_is_read_of_a_kind_holds_its_own_table(kind: Kind) -> None:
    subject = SUBJECTS[kind]
    assert subject.table in {one.table for one in subject.one(KEYS.get(kind, "x"))}
    assert subject.table in subject.made_of
    assert subject.fields.keys() <= {*subject.view.__struct_fields__}


@every_kind
def test_what_lies_below_a_subject_names_it(kind: Kind) -> None:
    subject, key = SUBJECTS[kind], KEYS.get(kind, "x")
    if subject.beside:
        assert f"{kind}:{key}" in above(f"{subject.below(key)}u")
    else:
        assert subject.below(key) == f"{subject.stream(key)}/"


def test_what_may_have_to_be_forgotten_follows_from_what_a_view_shows() -> None:
    assert {one for one in (ReportView, EventView, Version, TaskView, PlanView) if erasable(one)} == {
        *(ReportView, EventView, Version)
    }
    assert {"Report", "Event", "Version"} <= {name for name, struct in STRUCTS.items() if erasable(struct)}
    assert {"Task"} == REMEMBERED


def test_every_kind_has_ids_and_is_found_by_them() -> None:
    assert NODES.keys() == IDS.keys() == {*Kind, "target", "event"}


def test_what_is_said_of_a_field_is_said_of_one_that_is_there() -> None:
    assert SIZES.keys() <= FIELDS.keys()
    assert {tuple(one.split(".")) for one in FIELDS_IN_WORDS} <= FIELDS.keys()

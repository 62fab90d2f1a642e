"""The GraphQL schema: everything in it is described, and every filter of REST is an argument."""

from typing import Any

import msgspec
import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema

from api.graphql.roots import ROOTS
from api.graphql.schema import GRAPHQL_SCHEMA, STRAWBERRY
from projections.views.plans import MeasureFilter
from projections.views.report_list import PlanReportFilter
from projections.views.task_list import TaskFilter
from projections.views.units import UnitFilter


def own_types(schema: GraphQLSchema) -> list[Any]:
    return [one for name, one in schema.type_map.items() if not name.startswith("__")]


def root(name: str) -> Any:
    assert GRAPHQL_SCHEMA.query_type
    return GRAPHQL_SCHEMA.query_type.fields[name]


def test_every_type_field_and_argument_is_described() -> None:
    undescribed = [one.name for one in own_types(GRAPHQL_SCHEMA) if not one.description]
    for one in own_types(GRAPHQL_SCHEMA):
        if isinstance(one, GraphQLObjectType | GraphQLInputObjectType):
            fields: dict[str, Any] = dict(one.fields)
            undescribed += [f"{one.name}.{name}" for name, field in fields.items() if not field.description]
            for name, field in fields.items():
                arguments: dict[str, Any] = getattr(field, "args", {})
                undescribed += [f"{one.name}.{name}({arg})" for arg, its in arguments.items() if not its.description]
    assert undescribed == []


@pytest.mark.parametrize("name", sorted(ROOTS.keys() - {"node", "nodes"}))
def test_every_root_takes_both_clocks(name: str) -> None:
    assert {"asOf", "effectiveOn"} <= root(name).args.keys()


def test_what_is_found_by_its_id_takes_nothing_else() -> None:
    assert (list(root("node").args), list(root("nodes").args)) == (["id"], ["ids"])  # the id names the moment


def test_there_is_no_other_root() -> None:
    assert GRAPHQL_SCHEMA.query_type
    assert sorted(GRAPHQL_SCHEMA.query_type.fields) == sorted(ROOTS)


@pytest.mark.parametrize(
    ("name", "struct"),
    [("tasks", TaskFilter), ("units", UnitFilter), ("measures", MeasureFilter), ("reports", PlanReportFilter)],
)
def test_every_filter_of_rest_is_an_argument(name: str, struct: type[msgspec.Struct]) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(struct)} <= root(name).args.keys()


def test_the_sdl_is_a_schema_again() -> None:
    assert "Query" in build_schema(STRAWBERRY.as_str()).type_map


def test_positions_are_no_ints_of_32_bits() -> None:
    positions = [
        f"{one.name}.{name}"
        for one in own_types(GRAPHQL_SCHEMA)
        if isinstance(one, GraphQLObjectType)
        for name, field in one.fields.items()
        if name in {"position", "event", "replaces"} and one.name != "Query" and "Position" not in str(field.type)
    ]
    assert positions == []

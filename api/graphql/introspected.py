"""What the schema says of itself: graphql-core's own resolvers of introspection, projected within a bound.

It has no rows to be judged by, so its values are counted while they are put together, before anything else is read.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    get_nullable_type,  # pyright: ignore[reportUnknownVariableType]
    is_list_type,  # pyright: ignore[reportUnknownVariableType]
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, get_argument_values

from api.graphql.compiled import Collector, Fields, SelectionKey, selection_key
from api.graphql.errors import too_complex
from api.graphql.parsed import Document
from api.graphql.schema import GRAPHQL_SCHEMA

MAX_VALUES: Final = 20_000  # the usual query of a developer's tool has 7,000
INFO: Final[Any] = SimpleNamespace(schema=GRAPHQL_SCHEMA)  # all that the resolvers ask of it
META: Final[Mapping[str, GraphQLField]] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}

_Project = Callable[[Any], Any]


class _Known(NamedTuple):
    """A field of the schema's own: its key, how it is resolved, its arguments, and what becomes of its value."""

    key: str
    resolve: Callable[..., Any]
    given: Mapping[str, Any]
    project: _Project


def introspected(document: Document, operation: OperationDefinitionNode, variables: VariableValues) -> dict[str, Any]:
    """The root fields that begin with `__`, answered; GraphQLError where that would be too much."""
    assert GRAPHQL_SCHEMA.query_type is not None  # noqa: S101 - the schema has one
    collector = Collector(document, operation, variables)
    fields = collector.operation(GRAPHQL_SCHEMA.query_type)
    own = {key: details for key, details in fields.items() if details[0].node.name.value.startswith("__")}
    return _Introspection(collector).object(GRAPHQL_SCHEMA.query_type, own)(None)


class _Introspection:
    """One query's questions to the schema; each set of fields is made ready once."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._objects: dict[SelectionKey, _Project] = {}
        self._left = MAX_VALUES

    def object(self, type_: GraphQLObjectType, fields: Fields) -> _Project:
        """How an object of the schema becomes what is selected of it."""
        key = selection_key(type_, fields)
        if key not in self._objects:
            self._objects[key] = self._made(type_, fields)
        return self._objects[key]

    def _made(self, type_: GraphQLObjectType, fields: Fields) -> _Project:
        known = [self._known(type_, key, details) for key, details in fields.items()]

        def project(value: Any) -> dict[str, Any]:
            self._spend(len(known) + 1)
            return {one.key: one.project(one.resolve(value, INFO, **one.given)) for one in known}

        return project

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            detail = f"the answer would say more than {MAX_VALUES:,} things of the schema: read /schema.graphql instead"
            raise too_complex(detail)

    def _known(self, type_: GraphQLObjectType, key: str, details: Sequence[FieldDetails]) -> _Known:
        node = details[0].node
        if node.name.value == "__typename":
            return _Known(key, _nothing, {}, _constant(type_.name))
        field: Any = META.get(node.name.value) or type_.fields[node.name.value]
        given = get_argument_values(field, node, self._collector.variables)
        return _Known(key, field.resolve, given, self._below(field.type, details))

    def _below(self, type_: Any, details: Sequence[FieldDetails]) -> _Project:
        named: object = get_named_type(type_)  # pyright: ignore[reportUnknownVariableType]
        project: _Project = _leaf
        if isinstance(named, GraphQLObjectType):
            project = self.object(named, self._collector.below(named, details))
        elif isinstance(named, GraphQLEnumType):
            project = named.serialize
        return _each(project) if is_list_type(get_nullable_type(type_)) else _one(project)


def _constant(name: str) -> _Project:
    def constant(_: Any) -> str:
        return name

    return constant


def _nothing(_value: Any, _info: Any) -> Any:
    """What a type's name, which is known without, is resolved to."""
    return ""


def _one(project: _Project) -> _Project:
    return lambda value: None if value is None else project(value)


def _each(project: _Project) -> _Project:
    return lambda values: None if values is None else [project(one) for one in values]


def _leaf(value: Any) -> Any:
    """A text or a truth value, as it is."""
    return value

"""From a document to a plan of closures that project views straight into an answer.

What is selected in the same way is compiled once, however many names lead to it: a plan is about as large as its text.
Plans are kept: without, `graphql-uncached` of `make bench` is 8.4 times slower.
"""

import sys
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,  # pyright: ignore[reportUnknownVariableType]
    is_list_type,  # pyright: ignore[reportUnknownVariableType]
    is_non_null_type,  # pyright: ignore[reportUnknownVariableType]
)
from graphql.execution.collect_fields import CollectFieldsContext, FieldDetails, visit_selection_sets
from graphql.execution.values import VariableValues, get_argument_values

from api.graphql.connections import turn_of
from api.graphql.errors import located, too_complex
from api.graphql.moments import Root
from api.graphql.parsed import Document, read
from api.graphql.projection import LEAF, Selection, Shape, any_of, list_of, or_null
from api.graphql.remembered import Remembering
from api.graphql.roots import ROOTS
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.shapes import FIELDS, STRUCTS
from api.services.problems import Trouble
from projections.memory import Memory

MAX_LOOKS: Final = 10_000  # at a selection of the query, once for each set of fields that it is merged into
DIRECTIVE: Final = 5  # looks that a directive is worth
SET: Final = 5  # and a set of fields

Fields = Mapping[str, list[FieldDetails]]
SelectionKey = tuple[str, tuple[tuple[str | int, ...], ...]]


class Collector:
    """Collects the fields of one operation's selections; GraphQLError once that has taken too much."""

    def __init__(self, document: Document, operation: OperationDefinitionNode, variables: VariableValues) -> None:
        self.variables = variables
        self._fragments, self._operation = document.fragments, operation
        self._looks = 0

    def operation(self, type_: GraphQLObjectType) -> Fields:
        """The root fields."""
        return self._collected(type_, [self._operation.selection_set])

    def below(self, type_: GraphQLObjectType, fields: Sequence[FieldDetails]) -> Fields:
        """What is selected of a field, which may have been asked for several times."""
        return self._collected(type_, [one.node.selection_set for one in fields if one.node.selection_set])

    def _collected(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Fields:
        fields: dict[str, list[FieldDetails]] = defaultdict(list)
        context = CollectFieldsContext(
            schema=GRAPHQL_SCHEMA,
            fragments=self._fragments,
            variable_values=self.variables,
            operation=self._operation,
            runtime_type=type_,
            visited_fragment_names={},
            hide_suggestions=False,
            forbidden_directive_instances=[],
            forbid_skip_and_include=False,
            on_selection_set=self._look,
        )
        self._spend(SET)
        for one in sets:
            visit_selection_sets(context, one, fields, [])
        return fields

    def _look(self, selections: SelectionSetNode) -> None:
        self._spend(sum(1 + DIRECTIVE * len(one.directives or ()) for one in selections.selections))

    def _spend(self, looks: int) -> None:
        self._looks += looks
        if self._looks > MAX_LOOKS:
            raise too_complex("the query's fragments lead to too many fields: ask for less at once")


def selection_key(type_: GraphQLObjectType, fields: Fields) -> SelectionKey:
    """What two selections have in common that ask for the same, whatever leads to them."""
    return type_.name, tuple((key, *(_asked_for(one.node) for one in details)) for key, details in fields.items())


def _asked_for(node: FieldNode) -> str | int:
    """A plain value by its name, wherever it is asked for; what asks for more by itself."""
    return id(node) if node.selection_set or node.arguments or node.directives else node.name.value


FIELD: Final = 100  # bytes that a field takes in a plan
OBJECT: Final = 1_500  # a set of fields
ROOT: Final = 1_000  # a root field
LIST: Final = 1_500  # a page of a list below
CURSOR: Final = 4  # and each character of its cursor
# Types whose views are the same objects again, and can be referred to weakly.
REMEMBERED: Final = frozenset(name for name, struct in STRUCTS.items() if struct.__struct_config__.weakref)


class RootField(NamedTuple):
    """A root field as a query asks for it."""

    key: str
    root: Root
    nodes: Sequence[FieldNode]
    selection: Selection


class Compiled(NamedTuple):
    """An operation, compiled. `keys` are the answer's, in order; `introspects`: some of it is asked of the schema.

    `wrong`: some arguments below its roots are.
    """

    keys: Sequence[str]
    roots: Sequence[RootField]
    introspects: bool
    wrong: bool
    weight: int


class Subscribed(NamedTuple):
    """The one field that a subscription has, as it asks for it: the same for all who send the same text."""

    key: str
    node: FieldNode
    selection: Selection
    weight: int


def compile_subscription(
    document: Document, operation: OperationDefinitionNode, variables: VariableValues
) -> Subscribed:
    """The field that is subscribed to; GraphQLError where it would be too large, or is left out."""
    return _Compiler(document, operation, variables).subscribed()


def compile_query(document: Document, operation: OperationDefinitionNode, variables: VariableValues) -> Compiled:
    """The plan of an operation under the values of its conditions; GraphQLError where it would be too large."""
    return _Compiler(document, operation, variables).plan()


class _Compiler:
    """Compiles one operation; graphql-core's own collector merges its fields."""

    def __init__(self, document: Document, operation: OperationDefinitionNode, variables: VariableValues) -> None:
        self._collector = Collector(document, operation, variables)
        self._objects: dict[SelectionKey, Selection] = {}
        self._fields = self._pages = 0
        self._wrong = False

    def plan(self) -> Compiled:
        query = GRAPHQL_SCHEMA.query_type
        assert query is not None  # noqa: S101 - the schema has one
        fields = self._collector.operation(query)
        roots = [
            RootField(key, ROOTS[name], [one.node for one in details], self._below(query, details))
            for key, details in fields.items()
            if (name := details[0].node.name.value) in ROOTS
        ]
        return Compiled(list(fields), roots, len(roots) < len(fields), self._wrong, self._weight(len(roots)))

    def subscribed(self) -> Subscribed:
        above = GRAPHQL_SCHEMA.subscription_type
        assert above is not None  # noqa: S101 - the schema has one
        fields = self._collector.operation(above)
        if len(fields) != 1:  # a directive may leave it out, which the rules do not see
            raise GraphQLError("a subscription has one field: leave none out")
        ((key, details),) = fields.items()
        below = self._below(above, details)
        return Subscribed(key, details[0].node, below, self._weight(1))

    def _weight(self, roots: int) -> int:
        """About what the plan takes in memory, in bytes."""
        return ROOT * (roots + 1) + OBJECT * len(self._objects) + FIELD * self._fields + self._pages

    def _below(self, parent: GraphQLObjectType, details: list[FieldDetails]) -> Selection:
        """What is selected below a field, projected as its type says: a value, a list of them, or null."""
        self._fields += 1
        type_ = parent.fields[details[0].node.name.value].type
        named = get_named_type(type_)  # pyright: ignore[reportUnknownVariableType]
        if isinstance(named, GraphQLInterfaceType):  # of a root alone, which projects each item for itself
            types = GRAPHQL_SCHEMA.get_possible_types(named)
            return any_of({one.name: self._object(one, self._collector.below(one, details)) for one in types})
        if not isinstance(named, GraphQLObjectType):
            return LEAF
        inner = self._object(named, self._collector.below(named, details))
        if is_list_type(get_nullable_type(type_)):
            return inner._replace(project=list_of(inner.project))
        return inner if is_non_null_type(type_) else inner._replace(project=or_null(inner.project))

    def _object(self, type_: GraphQLObjectType, fields: Fields) -> Selection:
        found = self._objects.get(key := selection_key(type_, fields))
        if found is None:
            found = self._objects[key] = self._compiled(type_, fields)
        return found

    def _compiled(self, type_: GraphQLObjectType, fields: Fields) -> Selection:
        shape = Shape(type_.name)
        for key, one in fields.items():
            name = one[0].node.name.value
            if name == "__typename":
                shape.typename(key)
            elif FIELDS[type_.name, name].pages:
                self._page(shape, key, type_, one)
            else:
                shape.add(key, name, self._below(type_, one))
        selection = shape.selection()
        if selection.depends is not None and type_.name in REMEMBERED:
            return selection._replace(project=Remembering(selection.project, selection.depends))
        return selection

    def _page(self, shape: Shape, key: str, type_: GraphQLObjectType, details: list[FieldDetails]) -> None:
        """A page of a list below a node; what is wrong with its arguments is told by its root."""
        node = details[0].node
        try:
            values = get_argument_values(type_.fields[node.name.value], node, self._collector.variables)
            self._pages += LIST + CURSOR * len(values["after"] or values["before"] or "")
            shape.page(key, node, turn_of(values), self._below(type_, details))
        except Trouble as error:
            self._wrong = True
            shape.refuse(located(error, node))


P = TypeVar("P")
KEPT: Final = 64  # plans of one text, which differ in what directives leave out and in pages below the roots


class Query:
    """A text that was read, with the plans of it that were found good."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.plans: dict[tuple[Hashable, ...], Compiled] = {}
        self.subscribed: dict[tuple[Hashable, ...], Subscribed] = {}

    def key(self, operation: OperationDefinitionNode, variables: VariableValues) -> tuple[Hashable, ...]:
        """Which plan it is: of which operation, under which values of what it depends on."""
        return id(operation), *(variables.coerced.get(name) for name in self.document.depends)

    @property
    def weight(self) -> int:
        """About what it takes in memory, in bytes."""
        kept = [*self.plans.items(), *self.subscribed.items()]
        given = sum(sys.getsizeof(value) for key, _ in kept for value in key)
        return self.document.weight + given + sum(one.weight for _, one in kept)


async def known_query(memory: Memory, text: str) -> Query | list[GraphQLError]:
    """The query of a text, or what is wrong with it; Trouble for a text that is too long."""
    known = memory.get((Query, text))
    if known is not None:
        return known
    document = await read(text)
    return document if isinstance(document, list) else Query(document)


def keep(memory: Memory, text: str, query: Query, key: tuple[Hashable, ...], plan: Compiled) -> None:
    """Keep a query with a plan of it, as far as there is room: a plan that was judged, and is not too dear."""
    _keep(memory, text, query, query.plans, key, plan)


def keep_subscribed(memory: Memory, text: str, query: Query, key: tuple[Hashable, ...], one: Subscribed) -> None:
    """Keep what is subscribed to, so that thousands who send the same text share it."""
    _keep(memory, text, query, query.subscribed, key, one)


def _keep(
    memory: Memory, text: str, query: Query, kept: dict[tuple[Hashable, ...], P], key: tuple[Hashable, ...], one: P
) -> None:
    if key in kept:
        return
    if len(kept) >= KEPT:
        kept.clear()
    kept[key] = one
    memory.offer((Query, text), query, query.weight)

"""From a query's text to a plan of closures that project views straight into an answer; each text is compiled once."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    get_nullable_type,  # pyright: ignore[reportUnknownVariableType]
    is_list_type,  # pyright: ignore[reportUnknownVariableType]
    is_non_null_type,  # pyright: ignore[reportUnknownVariableType]
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.extensions.query_depth_limiter import create_validator
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.projection import LEAF, Selection, Shape, list_of, or_null
from api.graphql.remembered import REMEMBERED, remembering
from api.graphql.root import Root
from api.graphql.roots import ROOTS
from api.graphql.schema import GRAPHQL

MAX_TOKENS: Final = 2_000
MAX_DEPTH: Final = 12
KEPT: Final = 64  # plans of one text, which differ in what its directives leave out
RULES: Final = (*specified_rules, create_validator(MAX_DEPTH, None), MaybeNullValidationRule, OneOfInputValidationRule)
ERASABLE: Final = {"Event", "Version", "Report"}  # types that may hold text of reports


class RootField(NamedTuple):
    """A root field as a query asks for it."""

    key: str
    root: Root
    nodes: Sequence[FieldNode]
    selection: Selection


class Plan(NamedTuple):
    """An operation, compiled. `keys` are the answer's, in order; `introspection` is what graphql-core answers."""

    operation: OperationDefinitionNode
    keys: Sequence[str]
    roots: Sequence[RootField]
    introspection: DocumentNode | None
    erasable: bool


class Document:
    """A query's text, parsed and validated: its operations, or what is wrong with it."""

    def __init__(self, text: str) -> None:
        self.errors: list[GraphQLError] = []
        self.operations: list[OperationDefinitionNode] = []
        self.fragments: dict[str, FragmentDetails] = {}
        self._conditions: list[str] = []
        self._plans: dict[Any, Plan] = {}
        try:
            self._read(parse(text, max_tokens=MAX_TOKENS))
        except GraphQLError as error:
            self.errors = [error]

    def _read(self, document: DocumentNode) -> None:
        self.errors = validate(GRAPHQL, document, RULES)
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode):
                self.operations.append(one)
            elif isinstance(one, FragmentDefinitionNode):
                self.fragments[one.name.value] = FragmentDetails(one)
        if not self.errors:
            self._conditions = _conditions(document)

    def plan(self, operation: OperationDefinitionNode, variables: VariableValues) -> Plan:
        """The plan of an operation; there is one for each combination of what @skip and @include depend on."""
        key = (id(operation), *(variables.coerced.get(name) for name in self._conditions))
        if key not in self._plans:
            if len(self._plans) >= KEPT:
                self._plans.clear()
            self._plans[key] = _Compiler(self.fragments, operation, variables).plan()
        return self._plans[key]


document_of = lru_cache(maxsize=512)(Document)


def _conditions(document: DocumentNode) -> list[str]:
    """The variables that directives name."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            found.update(one.value.name.value for one in node.arguments or () if isinstance(one.value, VariableNode))

    visit(document, Conditions())
    return sorted(found)


class _Compiler:
    """Compiles one operation under the values of its conditions; graphql-core's own collector merges its fields."""

    def __init__(
        self,
        fragments: dict[str, FragmentDetails],
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self._fragments, self._operation, self._variables = fragments, operation, variables
        self._erasable = False

    def plan(self) -> Plan:
        query = GRAPHQL.query_type
        assert query is not None  # noqa: S101 - the schema has one
        collected = collect_fields(GRAPHQL, self._fragments, self._variables, query, self._operation)
        fields = collected.grouped_field_set
        roots = [
            RootField(key, ROOTS[name], [one.node for one in details], self._below(query, details))
            for key, details in fields.items()
            if (name := details[0].node.name.value) in ROOTS
        ]
        asked_of_itself = [
            one.node for details in fields.values() for one in details if one.node.name.value.startswith("__")
        ]
        return Plan(self._operation, list(fields), roots, self._introspection(asked_of_itself), self._erasable)

    def _introspection(self, nodes: Sequence[FieldNode]) -> DocumentNode | None:
        if not nodes:
            return None
        operation = OperationDefinitionNode(
            operation=self._operation.operation,
            variable_definitions=self._operation.variable_definitions or (),
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        return DocumentNode(definitions=(operation, *(one.definition for one in self._fragments.values())))

    def _below(self, parent: GraphQLObjectType, details: list[FieldDetails]) -> Selection:
        """What is selected below a field, projected as its type says: a value, a list of them, or null."""
        type_ = parent.fields[details[0].node.name.value].type
        named = get_named_type(type_)  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(named, GraphQLObjectType):
            return LEAF
        inner = self._object(named, details)
        if inner.depends is not None and named.name in REMEMBERED:
            inner = inner._replace(project=remembering(inner.project, inner.depends))
        if is_list_type(get_nullable_type(type_)):
            return inner._replace(project=list_of(inner.project))
        return inner if is_non_null_type(type_) else inner._replace(project=or_null(inner.project))

    def _object(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Selection:
        collected = collect_subfields(GRAPHQL, self._fragments, self._variables, self._operation, type_, details)
        self._erasable = self._erasable or type_.name in ERASABLE
        shape = Shape(type_.name)
        for key, one in collected.grouped_field_set.items():
            name = one[0].node.name.value
            if name == "__typename":
                shape.typename(key)
            else:
                shape.add(key, name, self._below(type_, one))
        return shape.selection()

"""The fields of a selection, merged as the specification has it by graphql-core, within a bound on that work."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from graphql import GraphQLObjectType, OperationDefinitionNode, SelectionSetNode
from graphql.execution.collect_fields import CollectFieldsContext, FieldDetails, visit_selection_sets
from graphql.execution.values import VariableValues

from api.graphql.errors import too_complex
from api.graphql.parsed import Document
from api.graphql.schema import GRAPHQL_SCHEMA

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
    return type_.name, tuple((key, *(id(one.node) for one in details)) for key, details in fields.items())

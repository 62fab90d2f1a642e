"""The rules that a document must pass: the specified ones first, then those that compare fields or follow fragments."""

from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    ValidationContext,
    specified_rules,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.errors import MAX_ERRORS, too_complex

MAX_DEPTH: Final = 12
MAX_COMPARISONS: Final = 25_000  # of fields that have the same key, as graphql-core counts them


class _FieldsCanBeMerged(OverlappingFieldsCanBeMergedRule):
    """The specified rule, with less patience: it compares each with each."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


class _OneOf(OneOfInputValidationRule):
    """strawberry's rule, which else fails on variables in a fragment that stands before the operation."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.variable_definitions = {
            variable.variable.name.value: variable
            for one in context.document.definitions
            if isinstance(one, OperationDefinitionNode)
            for variable in one.variable_definitions or ()
        }

    def enter_operation_definition(self, node: ExecutableDefinitionNode, *_args: Any) -> None:
        """Those of all operations are known."""


STEPS: Final = (
    tuple(one for one in specified_rules if one is not OverlappingFieldsCanBeMergedRule),
    (_FieldsCanBeMerged, MaybeNullValidationRule, _OneOf),
)


def in_our_words(error: GraphQLError) -> GraphQLError:
    """The same, in words, where graphql-core gave up."""
    return repeated() if error.message == "Validation aborted." else error


def repeated() -> GraphQLError:
    """What is said of a query whose fields are too many to be compared with one another."""
    return too_complex("the query repeats fields too often, or nests fragments too deeply: ask for each field once")


class _Depths:
    """How deep fields are nested, introspection left out. Each fragment is looked at once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            one.name.value: one.selection_set for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, int] = {}

    def of(self, selections: SelectionSetNode) -> int:
        """How many fields lie one within another."""
        return max(map(self._below, selections.selections), default=0)

    def _below(self, one: Any) -> int:
        if isinstance(one, FragmentSpreadNode):
            return self._fragment(one.name.value)
        if isinstance(one, FieldNode):
            if not one.selection_set or one.name.value.startswith("__"):
                return 0
            return 1 + self.of(one.selection_set)
        return self.of(one.selection_set)

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = 0  # one that comes back to itself adds nothing
            self._known[name] = self.of(self._fragments[name]) if name in self._fragments else 0
        return self._known[name]


def too_deep(document: DocumentNode) -> list[GraphQLError]:
    """An error for each operation that is too deep, of a document that the other rules have passed."""
    depths = _Depths(document)
    return [
        GraphQLError(f"'{_name(one)}' exceeds maximum operation depth of {MAX_DEPTH}", one)
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode) and depths.of(one.selection_set) > MAX_DEPTH
    ][:MAX_ERRORS]


def _name(operation: OperationDefinitionNode) -> str:
    return operation.name.value if operation.name else "anonymous"

"""From a query's text to a document that is valid and of a bounded size.

Each limit is applied before the work that it bounds: the text's length, its tokens, its selections, the specified
rules, and only then the rules that compare fields with one another or follow fragments. Nothing refused is kept.
"""

import asyncio
import re
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    KnownDirectivesRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    Source,
    SourceLocation,
    Token,
    TokenKind,
    UniqueDirectivesPerLocationRule,
    ValidationContext,
    VariableNode,
    VariablesInAllowedPositionRule,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.errors import MAX_ERRORS, too_complex
from api.graphql.schema import GRAPHQL_SCHEMA
from api.services.problems import Trouble

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
# What no rule has to look for in a text without the sign of it: to collect the variables takes a third of all rules.
IDLE_WITHOUT: Final = {
    "$": {NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule},
    "@": {KnownDirectivesRule, UniqueDirectivesPerLocationRule},
}


class QueryText(Source):
    """A query's text that knows its lines: else each error would look for them anew, through all of it."""

    def __init__(self, body: str) -> None:
        super().__init__(body)
        self._lines = array("I", [0, *(found.end() for found in re.finditer(r"\r\n|[\n\r]", body))])

    def get_location(self, position: int) -> SourceLocation:
        """The line and the column of a place, both from 1."""
        line = bisect_right(self._lines, position)
        return SourceLocation(line, position + 1 - self._lines[line - 1])


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


LONGEST: Final = 65_536  # bytes of a query's text
MAX_LINES: Final = 5_000
MAX_TOKENS: Final = 2_000
MAX_NAME: Final = 100  # characters of a name or a number, which may be repeated on each of very many values
MAX_ARGUMENTS: Final = 500  # tokens in one pair of parentheses, which an error prints whole for each thing wrong in it
MAX_SELECTIONS: Final = 1_000  # fields and fragments, as they are written
BASE: Final = 30_000  # bytes that the smallest document takes
LINE: Final = 4  # bytes that the place of a line takes
TOKEN: Final = 500  # bytes that a token takes, with its part of the tree


class Document:
    """A query that is valid: its operations, its fragments, and the variables that its plan depends on.

    These are named by directives and by arguments below the roots. `weight` is about what it takes in memory, in bytes.
    """

    def __init__(self, text: str, document: DocumentNode, tokens: int) -> None:
        self.operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        self.fragments = {
            one.name.value: FragmentDetails(one)
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        conditions = _in_directives(document) if "@" in text else set[str]()
        self.depends = sorted(conditions | _below_roots(document))
        # The text, where its lines begin, and its pieces.
        self.weight = BASE + 2 * sys.getsizeof(text) + LINE * (text.count("\n") + text.count("\r")) + TOKEN * tokens


async def read(text: str) -> Document | list[GraphQLError]:
    """The document of a text, or what is wrong with it; Trouble for a text that is too long. In short steps."""
    check_length(text)
    try:
        document = parse(QueryText(text), max_tokens=MAX_TOKENS)
        tokens = _checked_tokens(document)
        _check_selections(document)
    except GraphQLError as error:
        return [error]
    idle = {rule for sign, rules in IDLE_WITHOUT.items() if sign not in text for rule in rules}
    for step in STEPS:
        await asyncio.sleep(0)
        rules = [one for one in step if one not in idle]
        if errors := validate(GRAPHQL_SCHEMA, document, rules, max_errors=MAX_ERRORS):
            return [in_our_words(error) for error in errors]
    found = too_deep(document) or Document(text, document, tokens)
    await asyncio.sleep(0)
    return found


def check_length(text: str) -> None:
    """Trouble for a text that is too long."""
    if len(text) > LONGEST or len(text.encode()) > LONGEST:
        raise Trouble(413, "query_too_long", f"a query has at most {LONGEST:,} bytes of UTF-8: ask for less at once")
    if text.count("\n") + text.count("\r") > MAX_LINES:
        raise Trouble(413, "query_too_long", f"a query has at most {MAX_LINES:,} lines: leave the empty ones out")


def _checked_tokens(document: DocumentNode) -> int:
    """How many tokens there are, comments among them; GraphQLError for a name, a number or a list that is too long."""
    assert document.loc is not None  # noqa: S101 - it was parsed with its places
    number, opened, token = 0, 0, document.loc.start_token
    while token:
        number += 1
        if token.kind is TokenKind.PAREN_L:
            opened = number
        elif token.kind is TokenKind.PAREN_R and number - opened > MAX_ARGUMENTS:
            raise _too_long(document, token, f"between ( and ) there are at most {MAX_ARGUMENTS} words and signs")
        elif token.kind in _BOUNDED and len(token.value or "") > MAX_NAME:
            raise _too_long(document, token, f"a name or a number has at most {MAX_NAME} characters")
        token = token.next
    return number


_BOUNDED: Final = {TokenKind.NAME, TokenKind.INT, TokenKind.FLOAT}


def _too_long(document: DocumentNode, token: Token, detail: str) -> GraphQLError:
    return GraphQLError(detail, source=document.loc and document.loc.source, positions=[token.start])


def _check_selections(document: DocumentNode) -> None:
    """An error for more selections than are looked at or compared, and for braces with nothing in them."""
    number = comparisons = 0
    for one in _selection_sets(document):
        number += len(one.selections)
        if not one.selections:
            raise GraphQLError("a selection names one field at least: { } selects nothing", one)
        names = [each.alias or each.name for each in one.selections if isinstance(each, FieldNode)]
        comparisons += sum(times * (times - 1) // 2 for times in Counter(name.value for name in names).values())
    if number > MAX_SELECTIONS:
        detail = f"the query has {number:,} fields and fragments, and at most {MAX_SELECTIONS:,} are read: ask for less"
        raise too_complex(detail)
    if comparisons > MAX_COMPARISONS:  # what the rule would give up on: it costs as much as all the others together
        raise repeated()


def _selection_sets(document: DocumentNode) -> Iterator[SelectionSetNode]:
    waiting: list[SelectionSetNode] = [
        one.selection_set
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [
            selection.selection_set
            for selection in one.selections
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set
        ]


def _in_directives(document: DocumentNode) -> set[str]:
    """The variables that directives name."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            found.update(one.value.name.value for one in node.arguments or () if isinstance(one.value, VariableNode))

    visit(document, Conditions())
    return found


def _below_roots(document: DocumentNode) -> set[str]:
    """The variables that arguments of fields below the roots name. They hold no objects."""
    fields = [one for selections in _selection_sets(document) for one in selections.selections]
    roots = {id(one) for one in _roots(document)}
    return {
        argument.value.name.value
        for one in fields
        if isinstance(one, FieldNode) and id(one) not in roots
        for argument in one.arguments or ()
        if isinstance(argument.value, VariableNode)
    }


def _roots(document: DocumentNode) -> Iterator[FieldNode]:
    """The fields of the query itself, wherever they stand."""
    waiting: list[Any] = [
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
        or (isinstance(one, FragmentDefinitionNode) and one.type_condition.name.value == "Query")
    ]
    while waiting:
        for one in waiting.pop().selection_set.selections:
            if isinstance(one, FieldNode):
                yield one
            elif isinstance(one, InlineFragmentNode):
                waiting.append(one)

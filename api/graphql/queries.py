"""The queries that are known: each text is read once, and compiled once for each way in which its variables fall."""

import sys
from collections.abc import Hashable
from typing import Final

from graphql import GraphQLError, OperationDefinitionNode
from graphql.execution.values import VariableValues

from api.graphql.compiled import Compiled
from api.graphql.parsed import Document, read
from projections.memory import Memory

KEPT: Final = 64  # plans of one text, which differ in what directives leave out and in pages below the roots


class Query:
    """A text that was read, with the plans of it that were found good."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.plans: dict[tuple[Hashable, ...], Compiled] = {}

    def key(self, operation: OperationDefinitionNode, variables: VariableValues) -> tuple[Hashable, ...]:
        """Which plan it is: of which operation, under which values of what it depends on."""
        return id(operation), *(variables.coerced.get(name) for name in self.document.depends)

    @property
    def weight(self) -> int:
        """About what it takes in memory, in bytes."""
        given = sum(sys.getsizeof(value) for key in self.plans for value in key)
        return self.document.weight + given + sum(one.weight for one in self.plans.values())


async def known_query(memory: Memory, text: str) -> Query | list[GraphQLError]:
    """The query of a text, or what is wrong with it; Trouble for a text that is too long."""
    known = memory.get((Query, text))
    if known is not None:
        return known
    document = await read(text)
    return document if isinstance(document, list) else Query(document)


def keep(memory: Memory, text: str, query: Query, key: tuple[Hashable, ...], plan: Compiled) -> None:
    """Keep a query with a plan of it, as far as there is room: a plan that was judged, and is not too dear."""
    if key in query.plans:
        return
    if len(query.plans) >= KEPT:
        query.plans.clear()
    query.plans[key] = plan
    memory.offer((Query, text), query, query.weight)

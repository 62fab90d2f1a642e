"""A subscription in, the facts that it asks for out: made from the items that all share, without a query for each."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

import msgspec
from graphql import GraphQLError, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from api.graphql.arguments import filter_of, given_of
from api.graphql.compiled import Query, Subscribed, compile_subscription, keep_subscribed
from api.graphql.errors import MAX_ERRORS, located, too_complex
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.subscription import FOLLOWING, FOLLOWING_ARGUMENTS, FollowedEvent, FollowedFrom
from api.graphql.world import MOST, Budget, Here, World
from api.services.following import APPEARS_WITHIN, check_history, reached
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from api.services.tail import LogTail
from projections.as_of import AsOf, Meta, Moment, Rows
from projections.memory import Memory
from projections.views.events import EventFilter

DEAREST_ITEM: Final = 200  # values of one fact, which has about 50: it is made for each who follows, for ever
_DECODE: Final = msgspec.json.Decoder(FollowedEvent).decode


class Subscription(NamedTuple):
    """What is followed, from where on, and what is shown of it."""

    field: Subscribed
    about: EventFilter
    behind: FollowedFrom

    def located(self, error: Exception) -> GraphQLError:
        """The error where the subscription says what is wrong."""
        return located(error, self.field.node, [self.field.key])


def prepared_following(
    memory: Memory, text: str, query: Query, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> Subscription | list[GraphQLError]:
    """What a subscription asks for; or what is wrong with it, before anything is read."""
    variables = get_variable_values(
        GRAPHQL_SCHEMA, operation.variable_definitions or (), dict(given), max_errors=MAX_ERRORS
    )
    if isinstance(variables, list):
        return variables
    try:
        key = query.key(operation, variables)
        field = query.subscribed.get(key) or compile_subscription(query.document, operation, variables)
        _check_cost(field)
    except GraphQLError as error:
        return [error]
    keep_subscribed(memory, text, query, key, field)
    try:
        return _asked(field, variables)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with what is asked, it is told
        return [located(error, field.node, [field.key])]


def _check_cost(field: Subscribed) -> None:
    cost = field.selection.cost.of(1)
    if cost > DEAREST_ITEM:
        detail = f"each fact would have about {cost:,} values, and at most {DEAREST_ITEM} are given: ask for less"
        raise too_complex(detail)


def _asked(field: Subscribed, variables: VariableValues) -> Subscription:
    assert GRAPHQL_SCHEMA.subscription_type is not None  # noqa: S101 - the schema has one
    values = get_argument_values(GRAPHQL_SCHEMA.subscription_type.fields[FOLLOWING], field.node, variables)
    given = given_of(FOLLOWING_ARGUMENTS, values)
    if given.start.asked != AsOf():
        detail = "what is followed stands at no moment: give ids without one"
        raise Trouble(400, "id_of_another_moment", detail, [Fault(FOLLOWING, detail)])
    return Subscription(field, filter_of(given.values, EventFilter), filter_of(given.values, FollowedFrom))


async def followed(one: Subscription, reader: Reader, tail: LogTail) -> AsyncGenerator[bytes]:
    """An answer for each fact, in JSON, until the process ends; none first, once all that was asked is found good.

    What cannot be followed is Trouble, or what the database's absence is.
    """
    moment = await reader.moment(AsOf())
    await reader.check_named(one.about, moment)
    if one.behind.after > reader.head.size:
        await reached(reader, one.behind.after, APPEARS_WITHIN)
    await check_history(reader, one.behind.after, one.behind.expect)
    key, selection = one.field.key, one.field.selection
    async with aclosing(tail.follow(one.about, one.behind.after)) as items:
        async for some in items:
            if some and "meta" in selection.names:
                moment = await reader.rooted(await reader.moment(AsOf()))
            here = Here(World(Rows({}, {}, reader.memory), moment), "", _told(reader), Budget())
            for item in some:
                here.budget.left = MOST
                yield msgspec.json.encode({"data": {key: selection.project(_DECODE(item.json), here)}})


def _told(reader: Reader) -> Any:
    """What a moment is called; what is followed has no address at which it would be answered again."""

    def told(moment: Moment) -> Meta:
        return msgspec.structs.replace(reader.meta(moment, "/graphql", {}), self_=None)

    return told

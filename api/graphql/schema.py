"""The GraphQL schema: made by strawberry from the views' shapes and the root fields."""

import datetime as dt
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import msgspec
import strawberry
from graphql import GraphQLEnumType, GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.scalar import ScalarDefinition
from strawberry.utils.str_converters import to_snake_case

from api.graphql.connections import taking
from api.graphql.moments import Root
from api.graphql.roots import ROOTS
from api.graphql.shapes import Context, PositionScalar, shape
from api.graphql.subscription import FOLLOWING, FOLLOWING_ARGUMENTS, FOLLOWING_WORDS
from api.graphql.words import described_value
from domain.values import parse_date, parse_instant
from projections.views.events import EventView


def _query() -> Any:
    """The type of the root fields."""
    fields: dict[str, Any] = {"__annotations__": {}}
    for root in ROOTS.values():
        fields[to_snake_case(root.name)] = strawberry.field(
            resolver=_resolver(root),
            name=root.name,
            description=root.description,
            graphql_type=root.type if root.many else root.type | None,
        )
    words = "A public plan at any moment: what the record showed (asOf), what held (effectiveOn)."
    return strawberry.type(type("Query", (), fields), name="Query", description=words)


def _resolver(root: Root) -> Callable[..., Any]:
    """The root's answer, which was prepared before: rows are read for all roots at once, whoever executes the query."""

    def resolve(root: Any, info: Info[Context, None], **_: Any) -> Any:  # noqa: ARG001 - there is nothing above it
        answer = info.context["answers"][info.path.key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return taking(root.arguments, resolve)


def _subscription() -> Any:
    """The type of what is subscribed to. Its items are read by the log's tail, whoever executes the operation."""

    async def followed(root: Any, info: Info[Context, None], **_: Any) -> AsyncGenerator[Any]:  # noqa: ARG001 - as above
        async for one in info.context["followed"]:
            yield one

    field = strawberry.subscription(
        resolver=taking(FOLLOWING_ARGUMENTS, followed),
        name=FOLLOWING,
        description=FOLLOWING_WORDS,
        graphql_type=shape(EventView),
    )
    words = "What is recorded, as it is recorded: over a websocket at /graphql, by graphql-transport-ws."
    return strawberry.type(type("Subscription", (), {"events": field}), name="Subscription", description=words)


def _read(parse: Callable[[str], Any]) -> Callable[[object], Any]:
    """A scalar's parser, as strict as that of REST."""

    def parsed(value: object) -> Any:
        try:
            return parse(str(value))
        except (ValueError, msgspec.ValidationError) as error:
            raise GraphQLError(str(error)) from error

    return parsed


def _position(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
        return value
    raise GraphQLError("a position is a whole number below 2^53")


RFC_3339: Final = "https://www.rfc-editor.org/rfc/rfc3339"
SCALARS: Final[dict[object, ScalarDefinition]] = {
    dt.date: strawberry.scalar(
        name="Date",
        description="A day as 2023-06-30.",
        specified_by_url=RFC_3339,
        serialize=dt.date.isoformat,
        parse_value=_read(parse_date),
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="An instant with its zone, as 2023-06-30T12:00:00+08:00; in answers with six digits, as UTC.",
        specified_by_url=RFC_3339,
        serialize=str,  # views hold instants as they are sent
        parse_value=_read(parse_instant),
    ),
    PositionScalar: strawberry.scalar(
        name="Position",
        description="A position in the log: a whole number below 2^53, written as a JSON number. GraphQL's own Int has "
        "32 bits, which a log outgrows.",
        serialize=_position,
        parse_value=_position,
    ),
}
STRAWBERRY: Final = strawberry.Schema(
    _query(), subscription=_subscription(), config=StrawberryConfig(scalar_map=SCALARS)
)
GRAPHQL_SCHEMA: Final[GraphQLSchema] = STRAWBERRY._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it has no public name
for _enum in GRAPHQL_SCHEMA.type_map.values():
    if isinstance(_enum, GraphQLEnumType) and not _enum.name.startswith("__"):
        for _name, _value in _enum.values.items():  # strawberry describes values of plain enums alone
            _value.description = described_value(_enum.name, _name)

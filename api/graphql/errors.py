"""What is wrong with a query, as GraphQL says it; an error is never longer than what it is about deserves."""

from collections.abc import Mapping, Sequence
from typing import Final

from graphql import FieldNode, GraphQLError, ListValueNode, Node, ObjectValueNode

from api.services.problems import Trouble
from projections.as_of import NoSuchMoment

MAX_ERRORS: Final = 20  # of a query that is refused
MAX_ECHO: Final = 200  # characters of a message, most of which may be what was sent


class NotOffered(GraphQLError):
    """An operation of a kind that this schema does not have."""


def too_complex(detail: str) -> GraphQLError:
    """An error for what would cost too much."""
    return GraphQLError(detail, original_error=Trouble(400, "too_complex", detail))


def shortened(message: str) -> str:
    """The same, as far as it is read."""
    return message if len(message) <= MAX_ECHO else f"{message[:MAX_ECHO]}…"


def located(error: Exception, field: FieldNode, path: Sequence[str | int] | None = None) -> GraphQLError:
    """The error where the query says what is wrong: at the value of the argument that it is about, or at the field."""
    if not isinstance(error, GraphQLError):
        return GraphQLError(str(error), _place(error, field, path or ()), path=path, original_error=error)
    if error.path or not path:
        return error
    return GraphQLError(error.message, error.nodes or field, path=path, original_error=error.original_error)


def _place(error: Exception, field: FieldNode, path: Sequence[str | int]) -> Node:
    values: Mapping[str, Node] = {one.name.value: one.value for one in field.arguments or ()}
    inner = [one for value in values.values() if isinstance(value, ObjectValueNode) for one in value.fields]
    known = {one.name.value: one.value for one in inner} | values
    found = (known[name] for said in _about(error) for name in _ARGUMENTS.get(said, (said,)) if name in known)
    value = next(found, field)
    return value.values[int(path[-1])] if isinstance(value, ListValueNode) and len(path) > 1 else value


# What REST calls otherwise: its parameter → arguments.
_ARGUMENTS: Final = {"cursor": ("after", "before"), "position": ("asOf",), "id": ("id", "ids")}


def _about(error: Exception) -> Sequence[str]:
    """The names of what an error is about."""
    if isinstance(error, NoSuchMoment):
        return [error.parameter]
    return [one.pointer for one in error.faults] if isinstance(error, Trouble) else []

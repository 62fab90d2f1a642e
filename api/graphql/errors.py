"""What is wrong with a query, as GraphQL says it; an error is never longer than what it is about deserves."""

from typing import Final

from graphql import GraphQLError

from api.services.problems import Trouble

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

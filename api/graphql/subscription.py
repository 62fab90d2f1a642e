"""What is subscribed to: the facts as they are recorded, with the filters of the query's `events`."""

from typing import Final

import msgspec

from api.graphql.arguments import filters
from api.graphql.connections import Argument
from api.graphql.shapes import PositionScalar
from api.http.following import RootText
from projections.views.events import EventFilter, EventView, UndoneBy


class FollowedFrom(msgspec.Struct, frozen=True):
    """Where a subscription begins, and in which history."""

    after: int = 0
    expect: RootText = None


class FollowedEvent(EventView, frozen=True, kw_only=True, rename="camel"):
    """A fact as it is followed: what will undo it is not known yet."""

    undone_by: UndoneBy | None = None


FOLLOWING: Final = "events"
FOLLOWING_WORDS: Final = (
    "The facts behind `after`, in order: those that are there, then each as it is recorded; nothing is left out, and "
    "nothing comes twice. `undoneBy` is always null: the fact that undoes another is brought in its turn. Who was cut "
    "off subscribes again, `after` the position of the last fact that came."
)
FOLLOWING_ARGUMENTS: Final = (
    *filters(EventFilter),
    Argument("after", PositionScalar | None, "Only facts at higher positions. Default: 0, which is all of them."),
    Argument(
        "expect",
        str | None,
        "The root that the log of the size `after` had, as `meta.root` told it: if it has another one, the error "
        "`another_history`.",
    ),
)

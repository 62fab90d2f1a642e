"""From where in the log whoever follows it goes on, as every door that brings its facts takes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from api.http.clients import unless_gone
from api.http.question import Ask
from api.services.following import APPEARS_WITHIN, reached
from api.services.reader import Reader
from domain.values import instant_text
from projections.as_of import NoSuchMoment, parse_as_of

RootText = Annotated[
    Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None,
    Meta(
        description="The root that the log of the size `after` had, as `meta.root` told it: if it has another one, "
        "409 `another_history`.",
    ),
]


class GoingOn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Behind what the facts begin; `with_after` has a `recordedAfter` be an `after`."""

    after: Annotated[
        int,
        Meta(
            ge=0,
            lt=2**53,
            description="Only facts at higher positions. Where `next` is null, go on later after `meta.position`, "
            "which is the header Log-Position too: up to there nothing is left out. If it is lower than what was "
            "asked with, as another process may be milliseconds behind, ask with the same once more.",
            examples=[0],
        ),
    ] = 0
    recorded_after: Annotated[
        str | None,
        Meta(
            description="Only facts that were recorded after this RFC 3339 instant, whose + is sent as %2B: it stands "
            "for the `after` that it comes to, and not beside one. In the future: 400.",
            examples=["2023-06-30T12:00:00Z"],
        ),
    ] = None
    expect: RootText = None


async def come_so_far(request: Ask, after: int, seconds: float | None = None) -> None:
    """Have the log at a position that another process told of; Trouble as in `reached`, also where the client goes."""
    if after > request.reader.head.size:
        await unless_gone(
            request.receive, reached(request.reader, after, APPEARS_WITHIN if seconds is None else seconds)
        )


async def with_after(reader: Reader, query: Mapping[str, str]) -> Mapping[str, str]:
    """The query, in which a `recordedAfter` is the `after` that it comes to; NoSuchMoment says what is wrong with it.

    Whoever goes on from the answer does so by position: two instants may be one, two positions never are.
    """
    text = query.get("recordedAfter")
    if text is None:
        return query
    if "after" in query:
        raise NoSuchMoment("give after or recordedAfter, not both", parameter="recordedAfter")
    rest = {name: value for name, value in query.items() if name != "recordedAfter"}
    return {**rest, "after": str(await _size_at(reader, _instant(text)))}


def _instant(text: str) -> datetime:
    found = parse_as_of(text, "recordedAfter")
    if not isinstance(found, datetime):
        detail = f"recordedAfter={text!r} is a day: give an instant, as 2023-06-30T12:00:00Z"
        raise NoSuchMoment(detail, parameter="recordedAfter")
    return found


async def _size_at(reader: Reader, instant: datetime) -> int:
    """How many facts were recorded by then."""
    head = reader.head
    await head.current()
    if instant > head.now():
        raise NoSuchMoment(
            f"recordedAfter lies in the future: it is {instant_text(head.now())}", parameter="recordedAfter"
        )
    if not head.size or instant >= head.recorded_at(head.size):  # what was recorded by then may not be known here yet
        await reader.newest()
    return head.found(instant)

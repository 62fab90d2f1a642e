"""The demo's clock: it can be set forward, never back, and only in a log whose origin ends in /demo."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import post
from msgspec import Meta

from api.http import tokens
from api.http.answers import Answer, now
from api.http.asking import NoParameters, asked
from api.http.body import decoded, json_body
from api.http.documented import answers as documented
from api.http.question import Ask
from api.services.problems import Trouble
from domain.values import instant_text, parse_instant
from events.demo import ClockRefused, set_clock


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present moment of a demo."""

    now: Annotated[datetime, Meta(tz=True)]


def _clock(body: bytes) -> Clock:
    """The body, whose instant is cut as at every door: msgspec rounds."""
    msgspec.json.decode(body, type=Clock)
    return Clock(parse_instant(msgspec.json.decode(body)["now"]))


@post("/v1/demo/clock", responses=documented(Clock, 401, 409, 413, 415, 422), status_code=200, tags=["demo"])
async def demo_clock(request: Ask) -> Answer:
    """Set the demo's clock forward. Needs the token."""
    tokens.check(request.credentials.authorization, request.app.state.token)
    asked(request.question.parameters, NoParameters)
    given = decoded(_clock, await json_body(request), Clock)
    async with request.reader.pool.acquire() as connection:
        try:
            await set_clock(connection, given.now)
        except ClockRefused as error:
            raise Trouble(409, "clock_refused", str(error)) from error
    await request.reader.head.refresh()
    return now(msgspec.json.encode({"now": instant_text(given.now)}))

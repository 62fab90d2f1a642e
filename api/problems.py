"""Every error as `application/problem+json` (RFC 9457). This page alone knows which status a refusal has."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from domain.errors import NotAPlan, Refused, Stale, Unknown
from events.codec import LeafError
from events.database import GONE
from events.handle import TooManyFacts
from events.log import ClockBehind, KeyReused, Unacknowledged
from projections.as_of import NoSuchMoment

log = logging.getLogger("planrecord")
MEDIA_TYPE: Final = "application/problem+json"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: a JSON pointer into the body, or the name of a parameter, and what is wrong there."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """RFC 9457 problem details, with a code for programs and an id to quote."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: tuple[Fault, ...] = ()


class Trouble(Exception):
    """What a door itself refuses."""

    def __init__(self, status: int, code: str, detail: str, faults: Sequence[Fault] = (), **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


TITLES: Final = {
    400: "The request is malformed",
    401: "A token is needed",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "This method is not allowed here",
    409: "Somebody else wrote in between",
    410: "This is gone",
    413: "The body is too large",
    415: "The media type is not supported",
    422: "A rule says no",
    500: "This is our mistake",
    503: "Not just now",
}
TOO_MUCH: Final = {TooManyFacts: (413, "too_many_facts"), LeafError: (422, "too_large")}


def trouble(error: BaseException) -> Trouble:
    """What any exception means to the one who asked."""
    match error:
        case Trouble():
            return error
        case NoSuchMoment():
            fault = Fault(error.parameter, str(error))
            return Trouble(
                404 if error.before else 400, "before_the_record" if error.before else "bad_moment", str(error), [fault]
            )
        case Refused():
            return _refused(error)
        case KeyReused():
            return Trouble(422, "idempotency_key_reused", "this Idempotency-Key came before, with another body")
        case TooManyFacts() | LeafError():
            return Trouble(*TOO_MUCH[type(error)], str(error))
        case ClockBehind() | Unacknowledged():
            code = "clock_behind" if isinstance(error, ClockBehind) else "not_acknowledged"
            detail = f"{error}: ask again, with the same Idempotency-Key"
            return Trouble(503, code, detail, Retry_After="2")
        case asyncpg.CharacterNotInRepertoireError():
            return Trouble(400, "malformed", "nothing here is named with the character NUL: leave it out")
        case HTTPException():
            return _http(error)
        case _ if isinstance(error, GONE):
            return Trouble(503, "database_unavailable", "the database does not answer: ask again soon", Retry_After="2")
        case _:
            return Trouble(500, "internal", "something went wrong here; quote the traceId when you report it")


def _refused(error: Refused) -> Trouble:
    status = 404 if isinstance(error, Unknown) else 409 if isinstance(error, Stale) else 422
    faults = [Fault(error.pointer, error.detail)] if error.pointer else []
    if isinstance(error, NotAPlan):
        faults += [Fault("/text", doubt) for doubt in error.doubts[:20]]
    return Trouble(status, error.code, error.detail, faults)


def _http(error: HTTPException) -> Trouble:
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
    detail = error.detail
    if error.status_code == 404:  # noqa: PLR2004
        detail = "there is nothing at this address; /openapi.json lists every address there is"
    if error.status_code == 400:  # noqa: PLR2004
        detail = re.sub(r"^Validation failed for .*", "a part of the address has the wrong form", detail)
    if error.status_code == 405:  # noqa: PLR2004
        detail = f"this address takes {(error.headers or {}).get('allow', 'another method')}"
    found = Trouble(error.status_code, codes.get(error.status_code, "malformed"), detail)
    found.headers = dict(error.headers or {})
    return found


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The problem document for an exception; what nobody foresaw is logged under its trace id."""
    what = trouble(error)
    trace = uuid4().hex
    if what.status >= 500:  # noqa: PLR2004
        unforeseen = error if what.code == "internal" else None
        log.error("%s %s: %s, trace %s", request.method, request.url.path, what.code, trace, exc_info=unforeseen)
    return Response(body(what, trace), status_code=what.status, media_type=MEDIA_TYPE, headers=headers(what))


def headers(what: Trouble) -> Mapping[str, str]:
    """The headers that go with it."""
    return {"Cache-Control": "no-store", **what.headers}


def body(what: Trouble, trace: str) -> bytes:
    """The problem document's bytes."""
    problem = Problem(
        f"urn:planrecord:problem:{what.code}",
        TITLES.get(what.status, "The request failed"),
        what.status,
        what.detail,
        what.code,
        trace,
        what.faults,
    )
    return msgspec.json.encode(problem)

"""Every error as `application/problem+json` (RFC 9457). This page alone knows which status a refusal has.

The sentences stand among the phrases, in both languages: `title` by the status, what the `code` means, and the details
that have one of their own. Any other detail is in English, and where Chinese is preferred stands behind the code's.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg
import msgspec
from litestar.exceptions import HTTPException

from api.services.phrases import Lang, Sentence, plain
from domain.errors import NotAPlan, Refused, Stale, Unknown
from events.codec import LeafError
from events.database import GONE, WRONG
from events.deciding import TooManyFacts
from events.proposal import ClockBehind, DiskFull, KeyReused, OtherShape, Unacknowledged
from events.queue import NotBegun
from projections.as_of import NoSuchMoment

log = logging.getLogger("planrecord")
PROBLEM_JSON: Final = "application/problem+json"


ECHO: Final = 80  # characters of what was sent: told in the detail and once more beside it, they are fewer than 200
LONGEST_DETAIL: Final = 2_000
MOST_FAULTS: Final = 20
_LONG_WORD: Final = re.compile(rf"(\S{{{ECHO}}})\S+")
_LONG_QUOTE: Final = re.compile(rf"""(['"`])((?:(?!\1).){{{ECHO}}})(?:(?!\1).)+\1?""", re.DOTALL)


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
    """What a door itself refuses. `detail` is in English; a Sentence can be said in the other language, too."""

    def __init__(
        self, status: int, code: str, detail: str | Sentence, faults: Sequence[Fault] = (), **headers: str
    ) -> None:
        self.sentence = detail if isinstance(detail, Sentence) else None
        self.detail = detail.said(Lang.EN) if isinstance(detail, Sentence) else detail
        super().__init__(self.detail)
        self.status = status
        self.code = code
        self.faults = tuple(faults)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


TITLES: Final = {  # of statuses, as programs are told them where they prefer no other language
    status: plain(Lang.EN, f"title.{status}")
    for status in (400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 416, 422, 429, 500, 503)
}
TOO_MUCH: Final = {TooManyFacts: (413, "too_many_facts"), LeafError: (422, "too_large")}


def unknown_address(detail: str) -> Trouble:
    """Why there is nothing at an address, and where it may be."""
    return Trouble(404, "unknown_address", detail)


def echo(text: str, most: int = ECHO) -> str:
    """What was sent, in an error: no more of it than tells people what is meant."""
    return text if len(text) <= most else f"{text[:most]}…"


def _bounded(detail: str) -> str:
    """A detail that repeats little of what was sent, whoever put it together: neither words nor quotations are long."""
    detail = _LONG_QUOTE.sub(r"\1\2…\1", detail[:LONGEST_DETAIL])
    return _LONG_WORD.sub(r"\1…", detail)


def trouble(error: BaseException) -> Trouble:
    """What any exception means to the one who asked; it repeats little of what was sent, whoever put it into words."""
    what = _meant(error)
    what.detail = _bounded(what.detail)
    what.faults = tuple(Fault(echo(one.pointer), _bounded(one.detail)) for one in what.faults[:MOST_FAULTS])
    return what


def _meant(error: BaseException) -> Trouble:
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
        case asyncpg.CharacterNotInRepertoireError():
            return Trouble(400, "malformed", "nothing here is named with the character NUL: leave it out")
        case HTTPException():
            return _http(error)
        case _:
            return _later(error) or Trouble(500, "internal", Sentence("detail.internal"))


def _later(error: BaseException) -> Trouble | None:
    """What is only for now: the answer says when to ask again."""
    match error:
        case NotBegun():
            return Trouble(503, "not_begun", f"nothing was recorded: {error}; send it again", Retry_After="2")
        case OtherShape():
            return Trouble(503, "not_begun", f"nothing was recorded: {error}; send it again then", Retry_After="30")
        case Unacknowledged():
            detail = f"{error}: send it again with the same Idempotency-Key, which records nothing twice"
            return Trouble(503, "unacknowledged", detail, Retry_After="2")
        case ClockBehind():
            return Trouble(503, "clock_behind", f"nothing was recorded: {error}; send it again", Retry_After="2")
        case DiskFull() | asyncpg.DiskFullError():
            detail = "the database's disk is full: what was acknowledged is safe and can be read; send it again later"
            return Trouble(503, "disk_full", detail, Retry_After="30")
        case _ if isinstance(error, GONE):
            return Trouble(503, "database_unavailable", Sentence("detail.away"), Retry_After="2")
        case _ if isinstance(error, WRONG):
            detail = "the database is not as it was when this server began: its operator has to look; ask again later"
            return Trouble(503, "database_unavailable", detail, Retry_After="30")
        case _:
            return None


def _refused(error: Refused) -> Trouble:
    status = 404 if isinstance(error, Unknown) else 409 if isinstance(error, Stale) else 422
    faults = [Fault(error.pointer, error.detail)] if error.pointer else []
    if isinstance(error, NotAPlan):
        faults += [Fault("/text", doubt) for doubt in error.doubts[:20]]
    return Trouble(status, error.code, error.detail, faults)


def _http(error: HTTPException) -> Trouble:
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
    detail: str | Sentence = error.detail
    headers = dict(error.headers or {})
    if error.status_code == 404:  # noqa: PLR2004
        detail = Sentence("detail.no_address")
    if error.status_code == 405:  # noqa: PLR2004
        headers["allow"] = allowed(headers["allow"])
        detail = Sentence("detail.takes", methods=headers["allow"])
    if error.status_code == 400:  # noqa: PLR2004
        detail = re.sub(r"^Validation failed for .*", "a part of the address has the wrong form", error.detail)
    found = Trouble(error.status_code, codes.get(error.status_code, "malformed"), detail)
    found.headers = headers
    return found


def allowed(methods: str) -> str:
    """The methods that an address takes, as the header Allow names them: whoever may GET may have the headers alone."""
    found = {"OPTIONS", *methods.split(", ")} - {"websocket"}  # which is asked for by GET, and is none
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def noted(method: str, path: str, error: Exception, trace: str) -> Trouble:
    """What an exception means, noted under its trace id where it is not the client's doing."""
    what = trouble(error)
    note(f"{method} {echo(path)!r}", what, error, trace)
    return what


def note(asked: str, what: Trouble, error: BaseException, trace: str) -> None:
    """Write down what nobody foresaw, and what an operator has to look at, as errors; other 503s as warnings."""
    told = {"request": asked, "status": what.status, "code": what.code, "trace": trace}
    if what.code == "internal":
        log.error("%s: %s, trace %s", asked, what.code, trace, exc_info=error, extra=told)
    elif what.status >= 500:  # noqa: PLR2004
        why = error if isinstance(error, (*GONE, *WRONG)) else error.__cause__ or error
        level = logging.ERROR if isinstance(why, (*WRONG, OtherShape)) else logging.WARNING
        # The lines behind the first are the database's details, which quote what it was given.
        words = str(why).partition("\n")[0] or type(why).__name__
        log.log(level, "%s: %s (%s), trace %s", asked, what.code, words, trace, extra=told)


def headers(what: Trouble, lang: Lang) -> Mapping[str, str]:
    """The headers that go with it, said in a language."""
    spoken = {"Content-Language": lang.tag, "Vary": "Accept-Language"}
    return {"Cache-Control": "no-store", **spoken, **what.headers}


def detail_in(what: Trouble, lang: Lang) -> str:
    """What is wrong, in a language; a detail that only English has stands behind what its code means."""
    if lang is Lang.EN:
        return what.detail
    if what.sentence:
        return _bounded(what.sentence.said(lang))
    return f"{plain(lang, f'code.{what.code}')}（{what.detail}）"


def body(what: Trouble, trace: str, lang: Lang) -> bytes:
    """The problem document's bytes, in a language: its title, its detail, and the faults that say no more than it."""
    detail = detail_in(what, lang)
    problem = Problem(
        f"urn:planrecord:problem:{what.code}",
        plain(lang, f"title.{what.status if what.status in TITLES else 400}"),
        what.status,
        detail,
        what.code,
        trace,
        tuple(Fault(one.pointer, detail if one.detail == what.detail else one.detail) for one in what.faults),
    )
    return msgspec.json.encode(problem)

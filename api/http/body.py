"""From a request's bytes to JSON: strict UTF-8, no key twice, nothing but what was asked for."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from api.http.clients import Receive
from api.http.deadlines import within
from api.http.question import Ask, Question
from api.services.problems import Fault, Trouble, echo
from domain.commands import AnyCommand, decode_commands
from domain.misfit import misfit
from events.deciding import check_count
from events.foreign_json import given_twice
from events.work import in_a_thread

T = TypeVar("T")
LARGEST_HEARD: Final = 40_000_000  # bytes beyond which a body is not even read to its end
LARGEST_GRAPHQL: Final = 262_144  # bytes of a GraphQL request, its variables included
LONG: Final = 50_000  # bytes whose check takes longer than one step of the event loop may
NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


async def json_body(request: Ask, refuse: Callable[[bytes], None] = lambda _: None) -> bytes:
    """The body's bytes; Trouble unless they say that they are JSON, and are.

    `refuse` may raise for what is to be refused however it is spelled, before it is looked at closely.
    """
    state = request.app.state
    content = await whole_body(request.question, request.receive, state.max_body, state.body_seconds)
    refuse(content)
    await checked(content)
    return content


async def whole_body(question: Question, receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body of what says that it is JSON, up to a limit of bytes and within seconds; Trouble otherwise.

    What is somewhat larger is read to its end and forgotten: a client that is still sending would otherwise see its
    connection break instead of the answer that says why.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with within(seconds):
            more = True
            while more and size <= LARGEST_HEARD:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Trouble(400, "cut_short", "the body ends before its end, or is no well-formed chunk")
                part = message.get("body", b"")
                more, size = message.get("more_body", False), size + len(part)
                if size <= limit:
                    parts.append(part)
    except TimeoutError as error:
        detail = f"a body must have come within {seconds:g} s: send less at once"
        raise Trouble(408, "too_slow", detail, Connection="close") from error
    if size > limit:
        raise Trouble(413, "too_large", f"a body has at most {limit:,} bytes: send less at once")
    if question.media_type != "application/json":
        said = echo(question.media_type) or "nothing"
        raise Trouble(415, "unsupported_media_type", f"send application/json, not {said}")
    return b"".join(parts)


async def checked(content: bytes) -> None:
    """As `check_json`; a long body is checked beside the event loop, which goes on meanwhile."""
    if len(content) < LONG:
        check_json(content)
    else:
        await in_a_thread(check_json, content)


def check_json(content: bytes) -> None:
    """Trouble for broken UTF-8, broken JSON, a key given twice (which parsers read differently), or absurd depth.

    And for the character NUL, which PostgreSQL keeps in no text.
    """
    if NUL.search(content):
        raise Trouble(400, "malformed", "the body holds the character NUL (\\u0000): leave it out")
    try:
        json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Trouble(
            400, "broken_utf8", f"byte {error.start} of the body is no UTF-8: save the text as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        detail = f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise Trouble(400, "broken_json", detail) from error
    except ValueError as error:
        raise Trouble(400, "broken_json", "the body holds a number of thousands of digits") from error
    except RecursionError as error:
        raise Trouble(400, "broken_json", "the body is nested too deeply") from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Trouble(
            400, "duplicate_key", f"the key {echo(given_twice(pairs))!r} is given twice in one object: give it once"
        )
    return found


def _no_constant(name: str) -> Any:
    raise Trouble(400, "broken_json", f"{name} is no JSON number")


def decoded(decode: Callable[[bytes], T], content: bytes, type_: Any = None) -> T:
    """The body as what is expected; Trouble with a JSON pointer otherwise, which knows the known values of `type_`."""
    try:
        return decode(content)
    except msgspec.DecodeError as error:
        found = misfit(error, type_)
        where = f"{found.pointer}: " if found.path else ""
        detail = f"the body is not as expected: {where}{found.sentence}"
        raise Trouble(400, "malformed", detail, [Fault(found.pointer, found.sentence)]) from error


def check_number(content: bytes) -> None:
    """TooManyFacts for a list of more commands than a request may hold; counting is a tenth of reading them."""
    if content.lstrip()[:1] == b"[":
        with suppress(msgspec.DecodeError, RecursionError):  # what is no JSON is told where all of it is looked at
            check_count(msgspec.json.decode(content, type=list[msgspec.Raw]))


def decoded_commands(content: bytes) -> list[AnyCommand]:
    """The commands of a body; Trouble as in `decoded`."""
    return decoded(decode_commands, content, AnyCommand | list[AnyCommand])

"""From a request's bytes to JSON: strict UTF-8, no key twice, nothing but what was asked for."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request

from api.problems import Fault, Trouble
from domain.commands import COMMANDS, AnyCommand, decode_commands

T = TypeVar("T")
PATIENCE = 10  # times the limit, beyond which a body is not even read to its end
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


async def json_body(request: Request[Any, Any, Any]) -> bytes:
    """The body's bytes; Trouble unless they say that they are JSON, and are."""
    body = await read_body(request)
    check_json(body)
    return body


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body's bytes; Trouble unless they say that they are JSON."""
    body = await _read(request, request.app.state.max_body)
    kind, _ = request.content_type
    if kind != "application/json":
        raise Trouble(415, "unsupported_media_type", f"send application/json, not {kind or 'nothing'}")
    return body


async def _read(request: Request[Any, Any, Any], limit: int) -> bytes:
    """The whole body, up to a limit.

    What is somewhat larger is read to its end and forgotten: a client that is still sending would otherwise see its
    connection break instead of the answer that says why.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        if size > PATIENCE * limit:
            break
    if size > limit:
        raise Trouble(413, "too_large", f"a body has at most {limit:,} bytes: send less at once")
    return b"".join(parts)


def check_json(body: bytes) -> None:
    """Trouble for broken UTF-8, broken JSON, a key given twice (which parsers read differently), or absurd depth.

    And for the character NUL, which PostgreSQL keeps in no text.
    """
    if NUL.search(body):
        raise Trouble(400, "malformed", "the body holds the character NUL (\\u0000): leave it out")
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
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
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Trouble(400, "duplicate_key", f"the key {twice!r} is given twice in one object: give it once")
    return found


def _no_constant(name: str) -> Any:
    raise Trouble(400, "broken_json", f"{name} is no JSON number")


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """The body as what is expected; Trouble with a JSON pointer otherwise."""
    try:
        return decode(body)
    except msgspec.DecodeError as error:
        raise Trouble(
            400, "malformed", f"the body is not as expected: {error}", [Fault(_pointer(str(error)), str(error))]
        ) from error


def decoded_commands(body: bytes) -> list[AnyCommand]:
    """The commands of a body; Trouble as in `decoded`, which for an unknown command lists those there are."""
    try:
        return decoded(decode_commands, body)
    except Trouble as error:
        if not error.detail.endswith(".type`") or "Invalid value" not in error.detail:
            raise
        raise Trouble(400, error.code, f"{error.detail}; known: {', '.join(COMMANDS)}", error.faults) from error


def _pointer(message: str) -> str:
    """`… - at `$[0].text`` → `/0/text`."""
    found = re.search(r"at `\$(.*)`$", message)
    return re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", found[1]).replace(".", "/") if found else ""

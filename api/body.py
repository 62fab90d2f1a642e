"""From a request's bytes to JSON: strict UTF-8, no key twice, nothing but what was asked for."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request

from api.problems import Fault, Trouble

T = TypeVar("T")


async def json_body(request: Request[Any, Any, Any]) -> bytes:
    """The body's bytes; Trouble unless they say that they are JSON, and are."""
    kind, _ = request.content_type
    if kind != "application/json":
        raise Trouble(415, "unsupported_media_type", f"send application/json, not {kind or 'nothing'}")
    body = await request.body()
    check_json(body)
    return body


def check_json(body: bytes) -> None:
    """Trouble for broken UTF-8, broken JSON, a key given twice (which parsers read differently), or absurd depth."""
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Trouble(
            400, "broken_utf8", f"byte {error.start} of the body is no UTF-8: save the text as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        detail = f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise Trouble(400, "broken_json", detail) from error
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


def _pointer(message: str) -> str:
    """`… - at `$[0].text`` → `/0/text`."""
    found = re.search(r"at `\$(.*)`$", message)
    return re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", found[1]).replace(".", "/") if found else ""

"""Files that the pages link, under names that hold their hash, so that they can be kept for good."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import quote

from litestar import get
from litestar.params import FromPath

from api.http.answers import Answer, same
from api.http.asking import NoParameters, asked
from api.http.question import Ask
from api.services.problems import Trouble

_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


@cache
def _held() -> dict[str, tuple[str, bytes]]:
    """Each file's plain name → the name that it is served under, and its bytes."""
    found = [one for one in files("api.pages").joinpath("static").iterdir() if one.name.endswith(tuple(_MEDIA_TYPES))]
    return {one.name: (_named(one.name, one.read_bytes()), one.read_bytes()) for one in found}


def _named(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"


def link_of(name: str) -> str:
    """Where a file is served."""
    return f"/static/{_held()[name][0]}"


@cache
def icon() -> str:
    """The site's sign, small enough to stand in every page: nobody has to ask for it."""
    return f"data:image/svg+xml,{quote(_held()['icon.svg'][1])}"


@get("/static/{name:str}", include_in_schema=False)
async def static(request: Ask, name: FromPath[str]) -> Answer:
    """One file of the pages, which stays as it is under its name."""
    asked(request.question.parameters, NoParameters)
    content = next((content for served, content in _held().values() if served == name), None)
    if content is None:
        raise Trouble(404, "not_found", f"there is no file {name}: the pages link those there are")
    media_type = _MEDIA_TYPES[f".{name.rpartition('.')[2]}"]
    return same(content, media_type, "public, max-age=31536000, immutable")

"""Who an answer is for: a person before a browser, in which language, or a program, which is told what goes wrong."""

from collections.abc import Mapping
from typing import Final

import msgspec
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from api.services.phrases import Lang

PAGES: Final = frozenset(  # what the addresses of pages begin with
    {"", "plans", "units", "districts", "changes", "proof", "search", "overdue", "silent", "events", "corrections"}
    | {"data", "about"}
)
PROGRAMS: Final = frozenset(  # and those of what no person is shown
    {"v1", "feeds", "log", "graphql", "static", "assets", "docs", "health", "metrics", "schemas", "schema", "openapi"}
    | {"catalog", "datapackage", "sitemap", "robots"}
)
_SPOKEN: Final = tuple(one.value for one in Lang)


class Audience(msgspec.Struct, frozen=True):
    """`page`: whoever asks is shown pages, what goes wrong included. `lang`: in which language they are."""

    page: bool = False
    lang: Lang | None = None  # None where nobody is spoken to


NOBODY: Final = Audience()


def audience_of(path: str, lang: str | None, headers: Mapping[bytes, bytes]) -> Audience:
    """Who asks for a path: `lang`, which the query names, holds before Accept-Language.

    At the address of a page Accept has no say; what is known to be for programs has no audience whoever asks.
    """
    first = path.lstrip("/").partition("/")[0]
    if first.partition(".")[0] in PROGRAMS:
        return NOBODY
    if first in PAGES or _browses(headers.get(b"accept", b"")):
        return Audience(page=True, lang=Lang(lang) if lang in _SPOKEN else _preferred(headers, Lang.ZH))
    return NOBODY


def _browses(header: bytes) -> bool:
    """Whether Accept names HTML, and JSON not before it."""
    given = parse_accept_header(header.decode("latin-1"), MIMEAccept)
    named = {value.partition(";")[0].strip(): quality for value, quality in given}
    return "text/html" in named and named["text/html"] >= named.get("application/json", 0)


def listener(audience: Audience, method: str, headers: Mapping[bytes, bytes]) -> Audience:
    """Who is told what goes wrong: a page's reader as he reads, and a program in English unless it prefers Chinese.

    It is no part of a question: what a program is answered that goes well is the same in whatever language it asks.
    """
    if audience.page and method == "GET":
        return audience
    return Audience(lang=_preferred(headers, Lang.EN))


def _preferred(headers: Mapping[bytes, bytes], otherwise: Lang) -> Lang:
    """The language that Accept-Language prefers (RFC 9110, 12.5.4), the first of equals, or else `otherwise`."""
    header = headers.get(b"accept-language")
    if not header:
        return otherwise
    given = parse_accept_header(header.decode("latin-1"), LanguageAccept)
    primary = LanguageAccept([(tag.partition("-")[0].lower(), quality) for tag, quality in given])
    named = [one for one in primary.values() if one in _SPOKEN]
    return Lang(primary.best_match((*named, otherwise, *_SPOKEN), otherwise))

"""Drawing: a template, what it shows, and the headers that let the browser load nothing but this."""

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.http.answers import Answer, made
from api.pages.blanks import (
    CLOCK_FIELDS,
    blank,
    fields_of,
    filled_in,
    link_apart,
    put_together,
    said_by,
)
from api.pages.files import icon, link_of
from api.pages.visit import COLONS, COMMAS, SEMICOLONS, Visit, address, in_language, recorded_day
from api.services.phrases import Lang, numeral, seen
from api.services.places import PublicBase
from events.demo import is_demo
from projections.as_of import Moment

HTML: Final = "text/html; charset=utf-8"
# Without a script nothing connects; but what judges pages for searches fetches robots.txt from within a page.
SAFETY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; connect-src 'self'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
}
WAYS: Final = (  # of the navigation: what each is called, and where it leads
    ("tasks", "/"),
    ("units", "/units"),
    ("districts", "/districts"),
    ("changes", "/changes"),
    ("data", "/data"),
    ("proof", "/proof"),
)
CHECKING: Final = "; script-src 'self'"  # where a page checks what it says in the reader's browser


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=seen,
    )


def drawn(  # noqa: PLR0913 - a page, its moment, and where a program finds the same
    template: str,
    visit: Visit[Any],
    moment: Moment,
    *,
    json: str,
    csv: str | None = None,
    data: Mapping[str, Any] | None = None,
    stratml: str | None = None,
    feed: str | None = None,
    erasable: bool = False,
    script: bool = False,
    follows_from: Hashable = None,
    **shown: Any,
) -> Answer:
    """A page at a moment, and where REST keeps the same: `json`, `csv` and `stratml`, with the parameters `data`.

    They are pinned to the moment, unless `json` names its moments itself. A `feed` brings what comes: it has no moment.
    Where all that is `shown` follows from a key, or is drawn apart, it is drawn once for all moments.
    """
    said = _said(visit, moment) | _places(visit, moment, json, csv, stratml, data or {})
    around = _around(visit, moment) | {"feed": address(feed, visit.spoken) if feed else None}
    if follows_from is None:
        fields = fields_of(visit.carried)
        body = html(template, **around, **said, link=visit.link, clock_fields=fields, **shown)
    else:
        held = {name: value if value is None else blank(name) for name, value in said.items()}
        absent = tuple(name for name, value in said.items() if value is None)
        which = (
            "page",
            template,
            visit.path,
            visit.lang,
            tuple(visit.own.items()),
            bool(visit.language),
            absent,
            follows_from,
        )
        body = visit.request.reader.memory.made(
            which,
            lambda: html(template, **around, **held, link=link_apart, clock_fields=CLOCK_FIELDS, **shown),
            len,
        )
    if visit.parts:
        body = filled_in(put_together(body, visit.parts), said_by(visit, said))
    explicit = "effectiveOn" in visit.query
    response = made(visit.request, body, moment, HTML, explicit_day=explicit, erasable=erasable)
    response.headers.update(SAFETY)
    if script:
        response.headers["Content-Security-Policy"] += CHECKING
    return response


def _places(  # noqa: PLR0913, PLR0917 - as above
    visit: Visit[Any], moment: Moment, json: str, csv: str | None, stratml: str | None, data: Mapping[str, Any]
) -> dict[str, str | None]:
    """Where the same is found at this very moment."""
    meta = visit.request.reader.meta
    # What names its moments itself is about two of them, and no answer of one log.
    of = None if "?" in json else meta(moment, json, data).self_
    return {
        "json": of or json,
        "csv": meta(moment, csv, data).self_ if csv else None,
        "stratml": meta(moment, stratml, visit.spoken).self_ if stratml else None,
        "evidence": f"/v1/evidence?{urlencode({'of': of})}" if of else None,
        "pinned": meta(moment, visit.path, visit.own | visit.language).self_,
    }


def _said(visit: Visit[Any], moment: Moment) -> dict[str, Any]:
    """What a page says of its moment around what it shows."""
    return {
        "shown_on": visit.day(moment.effective_on),
        "known_at": visit.instant(moment.as_of),
        "effective_on": str(moment.effective_on),
        "log_position": moment.position,
        "as_of_day": recorded_day(visit.query, moment),
        "effective_day": visit.query.get("effectiveOn", ""),
        "band": visit.band(moment),
        "other": visit.link(visit.path, **visit.own | {"lang": Lang.ZH if visit.lang is Lang.EN else Lang.EN}),
    }


def html(template: str, **shown: Any) -> bytes:
    """A template, filled in."""
    return part_of_page(template, **shown).encode()


def part_of_page(template: str, **shown: Any) -> str:
    """The same, of which a page is put together."""
    own = {"static": link_of, "icon": icon, "numeral": numeral, "ways": WAYS}
    return _environment().get_template(template).render(**own, **shown)


def _around(visit: Visit[Any], moment: Moment) -> dict[str, Any]:
    """What every page shows around its own, whichever moment is carried on."""
    base: PublicBase = visit.request.app.state.base
    # What is to be found is named in full. A past page is the same wherever it is served, unless a base is set.
    whole = base.link if visit.past else base.whole
    return {
        "visit": visit,
        "lang": visit.lang,
        "t": visit.t,
        "words": visit.words,
        "day": visit.day,
        "colon": COLONS[visit.lang],
        "comma": COMMAS[visit.lang],
        "semicolon": SEMICOLONS[visit.lang],
        "moment": moment,
        "demo": is_demo(moment.origin),
        "license": visit.request.reader.license,
        "here": visit.path,
        "past": visit.past,
        "now": address(visit.path, visit.own | visit.language),
        # The one address by which the page is found: as it stands now, in each language, and for whoever names none.
        "languages": {lang: whole(in_language(visit.path, lang, visit.own)) for lang in Lang},
        "anybody": whole(address(visit.path, visit.own)),
        "card": whole(link_of("card.png")),
        "canonical": whole(
            in_language(visit.path, visit.lang, visit.own) if visit.language else address(visit.path, visit.own)
        ),
    }

"""Drawing: a template, what it shows, and the headers that let the browser load nothing but this."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.http.answers import Answer, made
from api.pages.files import link_of
from api.pages.visit import COLONS, COMMAS, Visit, address, in_language, recorded_day
from api.services.phrases import Lang, numeral, seen
from api.services.places import PublicBase
from events.demo import is_demo
from projections.as_of import Moment

HTML: Final = "text/html; charset=utf-8"
SAFETY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


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
    **shown: Any,
) -> Answer:
    """A page at a moment, and where REST keeps the same: `json`, `csv` and `stratml`, with the parameters `data`.

    They are pinned to the moment, unless `json` names its moments itself. A `feed` brings what comes: it has no moment.
    """
    meta = visit.request.reader.meta
    own = dict(data or {})
    addresses = {
        "json": json if "?" in json else meta(moment, json, own).self_,
        "csv": meta(moment, csv, own).self_ if csv else None,
        "stratml": meta(moment, stratml, _lang(visit)).self_ if stratml else None,
    }
    # What names its moments itself is about two of them, and no answer of one log.
    of = None if "?" in json else addresses["json"]
    addresses["evidence"] = f"/v1/evidence?{urlencode({'of': of})}" if of else None
    body = html(
        template,
        **_beside(visit, moment),
        **addresses,
        feed=address(feed, _lang(visit)) if feed else None,
        pinned=meta(moment, visit.path, visit.own | _lang(visit)).self_,
        **shown,
    )
    explicit = "effectiveOn" in visit.query
    response = made(visit.request, body, moment, HTML, explicit_day=explicit, erasable=erasable)
    response.headers.update(SAFETY)
    return response


def html(template: str, **shown: Any) -> bytes:
    """A template, filled in."""
    return _environment().get_template(template).render(static=link_of, numeral=numeral, **shown).encode()


def _beside(visit: Visit[Any], moment: Moment) -> dict[str, Any]:
    """What every page shows beside its own."""
    demo = is_demo(moment.origin)
    kept = visit.own | {
        name: visit.query[name] for name in ("lang", *(() if demo else ("asOf", "position"))) if name in visit.query
    }
    return {
        "visit": visit,
        "t": visit.t,
        "link": visit.link,
        "words": visit.words,
        "day": visit.day,
        "colon": COLONS[visit.lang],
        "comma": COMMAS[visit.lang],
        "moment": moment,
        "demo": demo,
        "license": visit.request.reader.license,
        "kept": kept,
        "as_of_day": recorded_day(visit.query, moment),
        "effective_day": visit.query.get("effectiveOn", ""),
        "past": visit.past,
        "now": address(visit.path, visit.own | _lang(visit)),
        "other": _other(visit),
        "languages": _languages(visit),
    }


def _languages(visit: Visit[Any]) -> Mapping[Lang, str]:
    """The page as it stands now in each language, at the one address by which it is found."""
    base: PublicBase = visit.request.app.state.base
    return {lang: base.link(in_language(visit.path, lang, visit.own)) for lang in Lang}


def _lang(visit: Visit[Any]) -> dict[str, str]:
    return {"lang": visit.query["lang"]} if "lang" in visit.query else {}


def _other(visit: Visit[Any]) -> str:
    """The same page in the other language."""
    other = None if visit.lang is Lang.EN else Lang.EN
    return visit.link(visit.path, **visit.own | {"lang": other})

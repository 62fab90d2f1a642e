"""`/catalog.jsonld` and `/catalog.ttl`: what a portal harvests, at any moment."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import get
from msgspec import Meta

from api.catalogue.contents import Contents, Pinned, contents
from api.http.answers import Answer, etag_of, made
from api.http.asking import Clocks, asked, clocks
from api.http.documented import answers, operation
from api.http.question import Ask
from api.services.places import PublicBase
from api.services.problems import unknown_address
from events.work import spend_since

JSON_LD: Final = "application/ld+json"
TURTLE: Final = "text/turtle"


class CatalogQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which page of the catalogue."""

    after: Annotated[
        str | None,
        Meta(
            description="The page that begins behind this plan: a page has 20 plans, and the header Link and "
            "`hydra:next` lead to the next one. Without it, the first page, which also has what is of no plan.",
            examples=["shanghai-credit-2023"],
        ),
    ] = None


_ASKED: Final = operation(CatalogQuery)
_MAKING: Final = ThreadPoolExecutor(1, "catalogue")  # one graph at a time, whoever asks for how many


@get("/catalog", include_in_schema=False)
async def catalog() -> Answer:
    """Which forms there are."""
    raise unknown_address("it is /catalog.jsonld or /catalog.ttl")


@get("/catalog.jsonld", operation_class=_ASKED, responses=answers(dict[str, Any], media_type=JSON_LD), tags=["catalog"])
async def catalog_json_ld(request: Ask) -> Answer:
    """The catalogue of all that can be taken home, each file under a pinned address: DCAT-AP 3.0.1 as JSON-LD."""
    return await _catalog(request, JSON_LD)


@get("/catalog.ttl", operation_class=_ASKED, responses=answers(str, media_type=TURTLE), tags=["catalog"])
async def catalog_turtle(request: Ask) -> Answer:
    """The catalogue of all that can be taken home, each file under a pinned address: DCAT-AP 3.0.1 as Turtle."""
    return await _catalog(request, TURTLE)


async def _catalog(request: Ask, media_type: str) -> Answer:
    """The catalogue in a form. Its validator is that of its own bytes: they hold settings of the server."""
    given = asked(request.question.parameters, CatalogQuery)
    shown = await contents(request, clocks(given), given.after)
    following = _next(shown)
    loop = asyncio.get_running_loop()
    body, seconds = await loop.run_in_executor(_MAKING, _timed, request, shown, media_type, given.after)
    spend_since(perf_counter() - seconds)  # but for the wait for its turn
    answer = made(
        request,
        body,
        shown.moment,
        f"{TURTLE}; charset=utf-8" if media_type == TURTLE else media_type,
        explicit_day=given.effective_on is not None,
        links={"next": f"{request.question.path}?{following}"} if following else None,
    )
    answer.headers["ETag"] = etag_of(body)
    return answer


def _timed(request: Ask, shown: Contents, media_type: str, after: str | None) -> tuple[bytes, float]:
    """The graph in a form, and in how many seconds it was made."""
    began = perf_counter()
    return _printed(request, shown, media_type, after), perf_counter() - began


def _printed(request: Ask, shown: Contents, media_type: str, after: str | None) -> bytes:
    """The graph in a form. It takes longer to make than a step of the event loop may."""
    from api.catalogue import dcat, printed  # noqa: PLC0415 - and rdflib with them, which only this door needs

    base: PublicBase = request.app.state.base
    path, at, following = request.question.path, Pinned(request.reader, base, shown.moment), _next(shown)
    asking = dcat.Asking(
        at.whole(path, **({"after": after} if after else {})),
        base.whole(f"{path}?{following}") if following else None,
        request.app.state.publisher,
    )
    graph = dcat.graph_of(shown, at, asking)
    return printed.print_turtle(graph) if media_type == TURTLE else printed.print_json_ld(graph)


def _next(shown: Contents) -> str:
    """The query of the next page, at the same moment; empty where there is none."""
    if shown.following is None:
        return ""
    moment = shown.moment
    pins = {"after": shown.following, "position": moment.position, "effectiveOn": moment.effective_on}
    return urlencode(pins)

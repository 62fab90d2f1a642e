"""`/.well-known/api-catalog` (RFC 9727): which APIs there are, as a linkset (RFC 9264)."""

from typing import Final

import msgspec
from litestar import get

from api.http.answers import Answer, same
from api.http.asking import NoParameters, asked
from api.http.question import Ask
from api.services.places import PublicBase

API_CATALOG: Final = "/.well-known/api-catalog"
LINKSET: Final = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
_JSON: Final = "application/json"
_HTML: Final = "text/html"


class LinkTarget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a link leads, and what is there."""

    href: str
    type: str | None = None


class LinkContext(msgspec.Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """What leads from one address: the APIs of a catalogue, or what describes one of them."""

    anchor: str
    item: tuple[LinkTarget, ...] = ()
    service_desc: tuple[LinkTarget, ...] = ()
    service_doc: tuple[LinkTarget, ...] = ()
    service_meta: tuple[LinkTarget, ...] = ()
    status: tuple[LinkTarget, ...] = ()


class Linkset(msgspec.Struct, frozen=True):
    """All links of a document."""

    linkset: tuple[LinkContext, ...]


@get(API_CATALOG, include_in_schema=False)
async def api_catalog(request: Ask) -> Answer:
    """The APIs, each with its description, its documentation, its state, and what is told of its data."""
    asked(request.question.parameters, NoParameters)
    base: PublicBase = request.app.state.base
    body = msgspec.json.format(msgspec.json.encode(_linkset(base)), indent=1)
    items = [f'<{address}>; rel="item"' for address in _apis(base)]
    links = ", ".join([f'<{base.whole(API_CATALOG)}>; rel="api-catalog"', *items])
    return same(body, LINKSET, Link=links)


def _linkset(base: PublicBase) -> Linkset:
    apis = _apis(base)
    items = tuple(LinkTarget(address) for address in apis)
    return Linkset((LinkContext(base.whole(API_CATALOG), item=items), *apis.values()))


def _apis(base: PublicBase) -> dict[str, LinkContext]:
    """Each API by the address at which it begins."""

    def to(path: str, type_: str) -> tuple[LinkTarget, ...]:
        return (LinkTarget(base.whole(path), type_),)

    openapi, docs, ready = to("/openapi.json", _JSON), to("/docs", _HTML), to("/health/ready", _JSON)
    told = (
        *to("/catalog.jsonld", "application/ld+json"),
        *to("/catalog.ttl", "text/turtle"),
        *to("/datapackage.json", _JSON),
    )
    rest, graphql, stream = map(base.whole, ("/v1/plans", "/graphql", "/v1/stream"))
    return {
        rest: LinkContext(rest, service_desc=openapi, service_doc=docs, service_meta=told, status=ready),
        graphql: LinkContext(
            graphql,
            service_desc=to("/schema.graphql", "text/plain"),
            service_doc=to("/graphql", _HTML),
            service_meta=told,
            status=ready,
        ),
        stream: LinkContext(stream, service_desc=openapi, service_doc=docs, service_meta=told, status=ready),
    }

"""The pages for developers: the API's operations at /docs, GraphiQL at /graphql; all they need comes from here."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import get
from litestar.params import FromPath

from api.graphql.door import Parameters, by_get
from api.http.answers import Answer, same
from api.http.asking import NoParameters, asked
from api.http.documented import answers, operation
from api.http.question import Ask
from api.services.problems import Trouble

ASSETS: Final = Path(__file__).parents[1] / "assets"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
LINK: Final = re.compile(r'(?<=")/assets/([a-z.-]+)(?=")')
# Both programs set styles from scripts and draw their icons from data: addresses; no script is written into a page.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Asset(msgspec.Struct, frozen=True):
    """A file that is served under a name that holds its hash, and so never changes."""

    name: str
    media_type: str
    content: bytes


@cache
def assets() -> dict[str, Asset]:
    """Every file that the pages use, ours and the packages', by its plain name."""
    paths = [path for path in (*ASSETS.glob("*"), *ASSETS.glob("files/*")) if path.suffix in _MEDIA_TYPES]
    return {path.name: _asset(path) for path in paths}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(f"{path.stem}.{digest}{path.suffix}", _MEDIA_TYPES[path.suffix], content)


@cache
def built_page(name: str) -> bytes:
    """A page, whose links name each asset by its hash; Trouble if what `make setup` installs is missing."""
    html = (ASSETS / name).read_text(encoding="utf-8")
    missing = set(LINK.findall(html)) - assets().keys()
    if missing:
        detail = f"{', '.join(sorted(missing))} is not installed here: `make setup` does that"
        raise Trouble(503, "not_installed", detail)
    return LINK.sub(lambda link: f"/assets/{assets()[link[1]].name}", html).encode()


def _shown(request: Ask, name: str) -> Answer:
    asked(request.question.parameters, NoParameters)
    return same(
        built_page(name), "text/html; charset=utf-8", Content_Security_Policy=POLICY, Referrer_Policy="no-referrer"
    )


@get("/docs", include_in_schema=False)
async def docs(request: Ask) -> Answer:
    """Every operation of the API, to read and to try."""
    return _shown(request, "docs.html")


@get("/graphql", operation_class=operation(Parameters), responses=answers(dict[str, Any], 406), tags=["graphql"])
async def graphiql(request: Ask) -> Answer:
    """Answer a GraphQL query that stands in the address. Without one, this is GraphiQL, a page to write queries in."""
    if "query" in request.question.parameters:
        return await by_get(request)
    return _shown(request, "graphiql.html")


@get("/assets/{name:str}", include_in_schema=False)
async def asset(request: Ask, name: FromPath[str]) -> Answer:
    """One file of the pages, which stays as it is under its name."""
    asked(request.question.parameters, NoParameters)
    found = next((one for one in assets().values() if one.name == name), None)
    if found is None:
        raise Trouble(404, "not_found", f"there is no asset {name}: the pages link those there are")
    return same(found.content, f"{found.media_type}; charset=utf-8", "public, max-age=31536000, immutable")

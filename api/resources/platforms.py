"""Platforms: REST handlers over the view."""

from litestar import get

from api.http import answers
from api.http.answers import Answer
from api.http.documented import READ, list_operation
from api.http.documented import answers as documented
from api.http.lists import Listing, listing
from api.http.paths import PlatformKey
from api.http.question import Ask
from api.services.reader import Subject
from projections.views import platforms
from projections.views.names import PLATFORMS
from projections.views.platforms import PLATFORM_LIST, PlatformView


@get(
    "/v1/platforms",
    operation_class=list_operation(PLATFORM_LIST),
    responses=documented(Listing[PlatformView]),
    tags=["platforms"],
)
async def platform_list(request: Ask) -> Answer:
    """All information systems that are known by name, each with the tasks that name it."""
    return await listing(request, PLATFORM_LIST)


@get("/v1/platforms/{platform:str}", operation_class=READ, responses=documented(PlatformView), tags=["platforms"])
async def one_platform(request: Ask, platform: PlatformKey) -> Answer:
    """One information system with the tasks that name it, by its name or an alias."""
    return await answers.one(
        request,
        Subject("platform", PLATFORMS, platform),
        platforms.one(platform),
        lambda rows, _: platforms.show(rows),
    )

"""What programs that look through sites are asked to leave: robots.txt (RFC 9309)."""

from typing import Final

from litestar import get

from api.http.answers import Answer, same
from api.http.asking import NoParameters, asked
from api.http.question import Ask
from api.services.reader import CLOCKS
from events.demo import is_demo

# Each day and each position is another address of every page, each two moments another difference, each cursor is new,
# each word another list: what they show stands at addresses without them, too.
ENDLESS: Final = (*CLOCKS, "from", "to", "cursor", "of", "q", "unit", "district", "reportedStatus")


@get("/robots.txt", include_in_schema=False)
async def robots(request: Ask) -> Answer:
    """All is open but what has no end; a demo's record is invented, and nothing of it is to be found elsewhere."""
    asked(request.question.parameters, NoParameters)
    if is_demo(request.reader.head.origin):
        lines = [
            "# This record is a demonstration: reports and edits in it are invented.",
            "User-agent: *",
            "Disallow: /",
        ]
    else:
        left = [f"Disallow: /*{sign}{name}=" for name in ENDLESS for sign in ("?", "?*&")]
        lines = ["User-agent: *", *left, f"Sitemap: {request.app.state.base.whole('/sitemap.xml')}"]
    return same("".join(f"{line}\n" for line in lines).encode(), "text/plain; charset=utf-8")

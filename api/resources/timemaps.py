"""The moments at which each resource changed, for those who browse it through time (RFC 7089)."""

from typing import Any, Final

from litestar.openapi.datastructures import ResponseSpec

from api.http.answers import Answer, made
from api.http.asking import Clocks, asked, clocks
from api.http.documented import READ
from api.http.documented import answers as documented
from api.http.formats import LINK_FORMAT
from api.http.mementos import mementos, timemap
from api.http.question import Ask
from api.resources.addresses import ADDRESSES, Described, handler
from projections.views.subjects import Subject, whole

SHAPE: Final = documented(str) | {
    200: ResponseSpec(
        str, media_type=LINK_FORMAT, generate_examples=False, description="Links, the oldest memento first."
    )
}
_DESCRIBED: Final = Described(READ, SHAPE, "history")


def _timemap(subject: Subject[Any]) -> Any:
    """The handler of the moments at which subjects of a kind changed."""
    address, kind = ADDRESSES[subject.kind], subject.kind
    beside = " or the reports on it" if subject.beside else ""
    words = f"The moments at which a {kind}{beside} changed, each with its address as it was then."

    async def answer(request: Ask, key: str) -> Answer:
        query = request.question.parameters
        moment = await request.reader.moment(clocks(asked(query, Clocks)))
        found = await mementos(request.reader, subject, key, moment)
        body = timemap(request.question.path.removesuffix("/timemap"), subject, found)
        return made(request, body, moment, LINK_FORMAT, explicit_day="effectiveOn" in query)

    return handler(f"{kind}_timemap", words, f"{address.path}/timemap", address.parts, _DESCRIBED, answer)


HANDLERS: Final = [_timemap(one) for one in whole()]

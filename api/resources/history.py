"""How each subject came to be what it is: its versions on both clocks."""

from typing import Any, Final

import msgspec

from api.http.answers import Answer
from api.http.documented import answers as documented
from api.http.documented import list_operation
from api.http.lists import ListBody, sent, wish
from api.http.question import Ask
from api.resources.addresses import ADDRESSES, Described, handler
from events.steps import in_steps
from projections.lists import EMPTY_ROWS, Page, Shown, cut
from projections.views import events, history
from projections.views.history import HISTORY_LIST, Version
from projections.views.subjects import Subject, whole

_DESCRIBED: Final = Described(list_operation(HISTORY_LIST), documented(ListBody[Version]), "history")


def _history(subject: Subject[Any]) -> Any:
    """The handler of the versions that the streams of a kind make, and the streams below them."""
    address, kind = ADDRESSES[subject.kind], subject.kind
    beside = " and those of its reports" if subject.beside else ""
    words = f"A {kind}'s versions on both clocks{beside}, each with the fact that made it and what changed."

    async def answer(request: Ask, key: str) -> Answer:
        stream = subject.stream(key)
        asked = await wish(request, HISTORY_LIST, stream)
        async with request.reader.pool.acquire() as connection:
            found = await events.of_subject(connection, asked.moment.position, stream, subject.below(key))
        if not found.recorded:
            raise await request.reader.absent(subject, key, asked.moment)
        known = await history.all_stretches(found, stream, request.reader.memory)
        versions = in_steps(history.versions(found, asked.excerpt.wider, known=known))
        shown = [Shown(one, msgspec.json.encode(one)) async for one in versions]
        page, more = cut(shown, asked.excerpt, lambda one: HISTORY_LIST.place(one.view, asked.given))
        asked = asked._replace(moment=await request.reader.rooted(asked.moment))
        return sent(request, HISTORY_LIST, asked, Page(page, more, EMPTY_ROWS), stream)

    return handler(f"{kind}_history", words, f"{address.path}/history", address.parts, _DESCRIBED, answer)


HANDLERS: Final = [_history(one) for one in whole()]

"""What goes wrong at a page's address, as a page; everywhere else it stays a problem document."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from api.http.answers import ONCE, Answer
from api.http.question import Ask, Question
from api.http.traces import Trace
from api.pages.drawing import HTML, SAFETY, html
from api.pages.visit import address
from api.services import problems
from api.services.phrases import Lang, phrase
from api.services.problems import Trouble, trouble
from events.recorded import OPEN_END
from projections.as_of import Moment, NoSuchMoment
from projections.fold import MINUS_INFINITY
from projections.table import SCHEMA
from projections.views.subjects import Subject

PAGES: Final = ("plans", "units", "districts", "changes", "overdue", "silent", "search")
CLIENT: Final = (400, 404)


class NotHere(Trouble):
    """Something that is not there at this moment; `there` is the moment nearest to the head at which it is."""

    def __init__(self, why: Trouble, there: Mapping[str, str]) -> None:
        super().__init__(why.status, why.code, why.detail, why.faults)
        self.there = there


async def absent(request: Ask, subject: Subject[Any], key: str, moment: Moment) -> Trouble:
    """Why there is no such thing at a moment, and when it is there."""
    why = await request.reader.absent(subject, key, moment)
    async with request.reader.pool.acquire() as connection:
        row = await connection.fetchrow(
            f"SELECT known_to, min(eff_from) AS since, max(eff_to) AS until FROM {SCHEMA}.{subject.table.name} "
            "WHERE key = $1 GROUP BY known_to ORDER BY known_to DESC LIMIT 1",
            key,
        )
    if row is None:
        return why
    there = {} if row["known_to"] == OPEN_END else {"position": str(row["known_to"] - 1)}
    if row["since"] > MINUS_INFINITY:
        last = row["until"] - timedelta(days=1)
        there["effectiveOn"] = max(row["since"], min(moment.effective_on, last)).isoformat()
    return NotHere(why, there)


def answer(request: Any, error: Exception) -> Answer:
    """What goes wrong with a question that was read."""
    question: Question = request.question
    size = request.reader.head.size
    return failed(question.method, question.path, question.parameters, size, error, request.trace)


def failed(  # noqa: PLR0913, PLR0917 - all that an error says
    method: str, path: str, query: Mapping[str, str], head_size: int, error: Exception, trace: Trace
) -> Answer:
    """A page for a page's error, the problem document for any other."""
    what = trouble(error)
    if method != "GET" or (path.split("/")[1] not in PAGES and path != "/") or what.status not in CLIENT:
        what, content = problems.document(method, path, error, trace.id)
        return Answer(content, {"Content-Type": problems.PROBLEM_JSON, **problems.headers(what)}, ONCE, what.status)
    lang = Lang.EN if query.get("lang") == Lang.EN else Lang.ZH
    kept = {"lang": lang} if lang is Lang.EN else {}
    there = _there(error, head_size)
    body = html(
        "problem.html",
        lang=lang,
        t=lambda key, **values: phrase(lang, key, **values),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        link=lambda path: address(path, kept),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        problem=what,
        trace=trace.id,
        there=address(path, {**there, **kept}) if there is not None else None,
    )
    return Answer(body, {"Content-Type": HTML, **problems.headers(what), **SAFETY}, ONCE, what.status)


def _there(error: Exception, head_size: int) -> Mapping[str, str] | None:
    """The clocks with which the same address answers, where that is known."""
    match error:
        case NotHere():
            return error.there
        case NoSuchMoment() if head_size:
            return {}
        case _:
            return None

"""What goes wrong where a person asks, as a page; everywhere else it stays a problem document."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache, partial
from typing import Any, Final

from markupsafe import Markup

from api.http.answers import ONCE, Answer
from api.http.audience import Audience
from api.http.question import Ask, Question
from api.http.traces import Trace
from api.pages.blanks import fields_of
from api.pages.drawing import HTML, SAFETY, html, part_of_page
from api.pages.visit import Moved, address
from api.services import problems
from api.services.phrases import Lang, Sentence, day_text, phrase
from api.services.problems import Trouble
from api.services.reader import CLOCKS
from domain.values import shanghai_day
from events.demo import is_demo
from events.head import Head
from events.recorded import OPEN_END
from projections.as_of import Moment, NoSuchMoment
from projections.fold import MINUS_INFINITY
from projections.table import SCHEMA
from projections.views.subjects import PLAN, TASK, Subject

ABOVE: Final = {"units": "/units", "districts": "/districts", "events": "/changes"}  # of what has a page of its own


class NotHere(Trouble):
    """Something that is not there at this moment.

    `there`: the clocks of the moment nearest to the head at which it is; `above`: the page of what it belongs to.
    """

    def __init__(self, why: Trouble, there: Mapping[str, str] | None, above: str | None = None) -> None:
        super().__init__(why.status, why.code, why.sentence or why.detail, why.faults)
        self.there = there
        self.above = above


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
            plan = key.rpartition("/")[0] if subject is TASK else ""
            known = f"SELECT 1 FROM {SCHEMA}.{PLAN.table.name} WHERE key = $1 AND known_to = $2"
            above = plan and await connection.fetchval(known, plan, OPEN_END)
            return NotHere(why, None, f"/plans/{plan}" if above else None)
    there = {} if row["known_to"] == OPEN_END else {"position": str(row["known_to"] - 1)}
    if row["since"] > MINUS_INFINITY:
        last = row["until"] - timedelta(days=1)
        there["effectiveOn"] = max(row["since"], min(moment.effective_on, last)).isoformat()
    return NotHere(why, there)


def answer(request: Any, error: Exception) -> Answer:
    """What goes wrong with a question that was read."""
    question: Question = request.question
    return failed(
        *(question.method, question.path, question.parameters, request.listener),
        *(request.reader.head, error, request.trace),
    )


def failed(  # noqa: PLR0913, PLR0917 - all that an error says
    method: str, path: str, query: Mapping[str, str], audience: Audience, head: Head, error: Exception, trace: Trace
) -> Answer:
    """A page for who is shown pages, the problem document for anybody else."""
    if isinstance(error, Moved):
        return Answer(b"", {"Location": error.location, "Cache-Control": "no-cache"}, ONCE, 302)
    what, lang = problems.noted(method, path, error, trace.id), audience.lang or Lang.EN
    headers = problems.headers(what, lang)
    if not audience.page:
        content = problems.body(what, trace.id, lang)
        return Answer(content, {"Content-Type": problems.PROBLEM_JSON, **headers}, ONCE, what.status)
    if what.code == "too_much_work":
        page = _refusal(lang, head.origin).replace("{detail}", problems.detail_in(what, lang))
        whole = page.replace("{trace}", trace.id).encode()
        return Answer(whole, {"Content-Type": HTML, **headers, **SAFETY}, ONCE, what.status)
    spoken = {"lang": query["lang"]} if query.get("lang") == lang else {}
    body = html(
        "problem.html",
        **_frame(path, lang, head.origin, spoken),
        problem=what,
        detail=what.sentence.shown(lang) if what.sentence else what.detail,
        title=phrase(lang, f"problem.{_kind(what.status)}"),
        said=_sentence(lang, what, head),
        trace=trace.id,
        there=_there(error, path, query, head),
        right=_right(what, path, query),
        above=_above(error, path),
    )
    return Answer(body, {"Content-Type": HTML, **headers, **SAFETY}, ONCE, what.status)


@cache
def _refusal(lang: Lang, origin: str) -> str:
    """The page for who has used up his work, drawn once: to draw another for each refusal would be work again."""
    what = Trouble(429, "too_much_work", Sentence("detail.too_much_work", quota="", seconds=""))
    return part_of_page(
        "problem.html",
        **_frame("", lang, origin, {}),
        problem=what,
        detail="{detail}",
        title=phrase(lang, f"problem.{_kind(what.status)}"),
        said=phrase(lang, f"code.{what.code}"),
        trace="{trace}",
        there=None,
        right=None,
        above=None,
    )


def _frame(path: str, lang: Lang, origin: str, spoken: Mapping[str, str]) -> dict[str, Any]:
    """What every page shows around its own, where there is no moment."""
    other = Lang.ZH if lang is Lang.EN else Lang.EN
    return {
        "lang": lang,
        "t": lambda key, **values: phrase(lang, key, **values),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        "link": lambda path: address(path, spoken),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        "demo": is_demo(origin),
        "other": address("/", {"lang": other}),
        "here": path,
        "clock_fields": fields_of(spoken),
        "moment": None,
        "past": False,
        "band": None,
    }


def _kind(status: int) -> str:
    """What kind of problem it is to a person: not here, wrongly asked, not now, our mistake."""
    return {404: "404", 410: "404", 429: "503", 500: "500", 503: "503"}.get(status, "400")


def _sentence(lang: Lang, what: Trouble, head: Head) -> Markup:
    """What went wrong, by its code, in the reader's language."""
    t = partial(phrase, lang)
    if what.code == "before_the_record":
        if not head.size:
            return t("problem.empty")
        return t("problem.before", day=day_text(lang, shanghai_day(head.recorded_at(1))))
    return t(f"code.{what.code}")


def _there(error: Exception, path: str, query: Mapping[str, str], head: Head) -> str | None:
    """The same page at the moment nearest to that which was asked for, where that is known."""
    wrong = {error.parameter} if isinstance(error, NoSuchMoment) else set[str]()
    own = {name: value for name, value in query.items() if name not in {*CLOCKS, *wrong}}
    match error:
        case NotHere(there=dict() as clocks):
            return address(path, {**own, **clocks})
        case NoSuchMoment() if head.size:
            day = query.get("asOf", "") if error.before else ""
            return address(path, {**own, "effectiveOn": day[: len("2023-06-30")] or None})
        case _:
            return None


def _right(what: Trouble, path: str, query: Mapping[str, str]) -> str | None:
    """The same page without the parameters that are wrong, where it is they alone."""
    if what.code not in {"unknown_parameter", "bad_parameter"}:
        return None
    wrong = {one.pointer for one in what.faults}
    right = {name: value for name, value in query.items() if name not in wrong}
    return address(path, right) if len(right) < len(query) else None


def _above(error: Exception, path: str) -> str | None:
    """The page of what it belongs to, if it has one."""
    if isinstance(error, NotHere) and error.above:
        return error.above
    first, _, below = path.removeprefix("/").partition("/")
    return ABOVE.get(first) if below else None

"""No page says a word that is neither a phrase of ours, in its language, nor the record's own."""

import re
from collections.abc import Iterable
from functools import cache
from html.parser import HTMLParser

import pytest

from api.http.formats import ExportForm
from api.services.phrases import Lang, catalogue
from tests.conftest import Site
from tests.contract.test_pages import PAGES, PLAN

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "rect", "circle", "line", "polyline", "use"}
UNREAD = {"head", "script", "style", "code", "pre", "bdi", "time"}  # what nobody reads, ids, the record's words, days
HAN = re.compile(r"[\u4e00-\u9fff]")
LETTERS = re.compile(r"[A-Za-z\u4e00-\u9fff]")
DAYS = {
    Lang.ZH: re.compile(r"[0-9]{4}年(?:[0-9]{1,2}月(?:[0-9]{1,2}日)?|第[一二三四]季度|度)?"),
    Lang.EN: re.compile(
        r"(?:[0-9]{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November|December)"
        r" [0-9]{4}|Q[1-4] [0-9]{4}"
    ),
}
MORE = [
    *(f"{PLAN}?reportedStatus=delayed", f"{PLAN}/tasks/4", f"{PLAN}/tasks/57", "/units/ge-qu-ren-min-zheng-fu"),
    *(
        "/units/shang-hai-yin-bao-jian-ju",
        "/changes?from=2023-06-30&to=2023-09-30",
        "/units/none",
        "/none?asOf=2024-01-01",
    ),
    *(f"{PLAN}?effectiveOn=2023-03-01", "/units?none=1", "/events/360", "/events/481"),
]


class Texts(HTMLParser):
    """The texts of a page that are said in its own language, each by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[bool] = []  # of each element that is open: whether what is in it is left out
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into an element."""
        if tag not in VOID:
            other = tag != "html" and any(name == "lang" for name, _ in attrs)
            self.open.append(tag in UNREAD or other)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of a drawing that has nothing in it."""

    def handle_endtag(self, tag: str) -> None:
        """Come out of it."""
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if LETTERS.search(data) and not any(self.open):
            self.found.append(" ".join(data.split()))


@cache
def ours(lang: Lang) -> re.Pattern[str]:
    """The words of the phrases, between the places where values are put in, the longest first."""
    said = {part.strip() for one in catalogue().values() for part in re.split(r"\{\w+\}", one[lang])}
    said |= {form.upper() for form in ExportForm}
    words = sorted((one for one in said if LETTERS.search(one)), key=len, reverse=True)
    return re.compile("|".join(_whole(one) if lang is Lang.EN else re.escape(one) for one in words))


def _whole(words: str) -> str:
    """English words that are part of no longer ones."""
    before, after = r"(?<![A-Za-z])" * words[0].isalpha(), r"(?![A-Za-z])" * words[-1].isalpha()
    return before + re.escape(words) + after


def strange(page: str, lang: Lang, record: str) -> list[str]:
    """What a page says in words that are neither ours nor the record's."""
    texts = Texts()
    texts.feed(page)
    left = [(one, ours(lang).sub("\0", DAYS[lang].sub("\0", one))) for one in texts.found]
    return [whole for whole, rest in left for part in rest.split("\0") if not _of_the_record(part, record)]


def _of_the_record(part: str, record: str) -> bool:
    words = part.strip(" ，。、：；·…()（）“”,.0123456789")
    return not LETTERS.search(words) or words in record


def texts_of(value: object) -> Iterable[str]:
    """Every text of an answer."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():  # pyright: ignore[reportUnknownVariableType]
                yield from texts_of(one)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for one in value:  # pyright: ignore[reportUnknownVariableType]
                yield from texts_of(one)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return


@pytest.fixture(scope="module")
async def record(told: Site) -> str:
    """All that the record says in words, which are Chinese; what programs call things is none of it."""
    lists = ("/v1/events.json", "/v1/units.json", "/v1/districts.json", "/v1/plans.json", "/v1/platforms.json")
    plans = (f"/v1{PLAN}", f"/v1{PLAN}/tasks.json")
    answers = [(await told.http.get(path)).json() for path in (*lists, *plans)]
    return "\n".join(one for answer in answers for one in texts_of(answer) if HAN.search(one))


@pytest.mark.parametrize("path", [*PAGES, *MORE])
async def test_a_page_says_nothing_but_phrases_and_the_record(told: Site, record: str, path: str) -> None:
    for lang in Lang:
        for clocks in ({}, {"asOf": "2023-07-31", "effectiveOn": "2023-07-31"}):
            known = {} if "effectiveOn" in path or "asOf" in path else clocks
            address = told.http.build_request("GET", path).url.copy_merge_params({"lang": lang, **known})
            page = await told.http.get(address, headers={"Accept": "text/html"})
            assert page.headers["Content-Type"].startswith("text/html")
            assert strange(page.text, lang, record) == []


def test_a_word_that_is_no_phrase_is_found() -> None:
    page = '<html lang="{}"><body><p>{}</p><p>任务 <bdi>某某</bdi></p><code>abc</code></body></html>'
    assert strange(page.format("zh-Hans", "未经收录的词语"), Lang.ZH, "") != []
    assert strange(page.format("en", "Overdue gadgets").replace("任务", "Task"), Lang.EN, "") == ["Overdue gadgets"]
    assert strange(page.format("zh-Hans", "已逾期"), Lang.ZH, "") == []


FIRST = re.compile(r"<(?:dt|dd|th|td|h[1-4]|option|caption|summary|button)\b[^>]*>\s*(?:<(?!/)[^>]*>\s*)*([^<\s][^<]*)")
SET_APART = re.compile(r"<(code|bdi|time|del|ins)\b[^>]*>.*?</\1>", re.DOTALL)


@pytest.mark.parametrize("path", [*PAGES, *MORE])
async def test_in_english_what_stands_first_begins_with_a_capital(told: Site, path: str) -> None:
    page = (await told.http.get(path, params=None, headers={"Accept": "text/html", "Accept-Language": "en"})).text
    first = [one.strip() for one in FIRST.findall(SET_APART.sub("·", page.partition("<main")[2]))]
    assert first
    assert [one for one in first if one[0].islower()] == []

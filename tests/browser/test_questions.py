"""A visitor's questions, each answered within two clicks from the first page by a short sentence, on a phone.

Without script; the sentence stands above where a thumb has scrolled once, and holds at most 60 characters.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Final, NamedTuple

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page

from api.services.phrases import Lang
from tests.conftest import Site, signed

PHONE: Final = (360, 740)
SCROLLED_ONCE: Final = 1_480  # px: two screens
LONGEST: Final = 60  # characters
MOST_CLICKS: Final = 2


class Asked(NamedTuple):
    """A question: the links that lead to its answer, each by its words, and what the sentence must say.

    A link that begins with a slash is typed into the search box instead.
    """

    clicks: Sequence[str]
    says: str


QUESTIONS: Final = {
    "How does the plan stand?": Asked((), "67项任务：已完成44项，推进中23项，1项已逾期。"),
    "Which tasks has nobody reported on?": Asked(("0 ",), r"没有“.+”的任务，全部共67项。"),
    "Which are overdue?": Asked(("1 ",), r"“已逾期”的任务：1项，全部共67项。"),
    "Which are overdue, and by how much?": Asked(("已逾期1项",), "1项任务已逾期，3项逾期后完成，最长181天。"),
    "Which unit is most behind?": Asked((), "进度最靠后：宝山区人民政府，有1项任务已逾期而未报告完成。"),
    "Who was silent?": Asked(("2023年第三季度有单位未报送",), "2023年第三季度：16个单位应报送而未报送，涉及12项任务。"),
    "Who is to do task 21?": Asked(("/21",), "市卫生健康委、.+负责"),
    "What did 长宁区 promise, and how far is it itself?": Asked(
        ("各区", "长宁区"), "长宁区：涉及8项任务，本区报送2项，已完成1项。"
    ),
    "What changed between 30 June and 30 September?": Asked(
        ("2023年第三季度的变化",), "任务：完成16项，其他好转19项，退步1项，新逾期2项，.+。"
    ),
    "How do I know that nobody rewrote this?": Asked(
        ("如何核对",), "每条记录都已签名：谁在事后改写，都会与签名不符，人人可查。"
    ),
    "Where can I take it into a spreadsheet?": Asked(("2023年上海市",), "全部67项任务可下载为Excel、CSV表格。"),
}

IN_ENGLISH: Final = {
    "How does the plan stand?": Asked((), "67 tasks: 44 completed, 23 in progress, 1 overdue."),
    "Which tasks has nobody reported on?": Asked(("0 ",), "“Not reported”: none of 67 tasks."),
    "Which are overdue?": Asked(("1 ",), "“Overdue”: 1 of 67 tasks."),
    "Which are overdue, and by how much?": Asked(("Overdue: 1",), "Overdue: 1; completed late: 3; by up to 181 days."),
    "Which unit is most behind?": Asked((), "Most behind: 宝山区人民政府; overdue and not completed: 1."),
    "Who was silent?": Asked(("Somebody was silent in Q3 2023",), "Q3 2023: 16 units were silent, on 12 tasks."),
    "Who is to do task 21?": Asked(("/21",), "Responsible: 市卫生健康委, .+ and others, 3 in all"),
    "What did 长宁区 promise, and how far is it itself?": Asked(
        ("Districts", "长宁区"), "长宁区: 8 tasks, 2 reported on, 1 completed."
    ),
    "What changed between 30 June and 30 September?": Asked(
        ("In Q3 2023",), "16 completed, 19 better, 1 worse, 2 now overdue, 25 other."
    ),
    "How do I know that nobody rewrote this?": Asked(
        ("How to check",), "Each fact is signed: whatever is rewritten no longer fits."
    ),
    "Where can I take it into a spreadsheet?": Asked(
        ("2023年上海市",), "All 67 tasks can be taken into a spreadsheet .Excel, CSV.."
    ),
}
EITHER: Final = [*((Lang.ZH, one) for one in QUESTIONS), *((Lang.EN, one) for one in IN_ENGLISH)]


@pytest.fixture
async def phone(browser: Browser, told: Site) -> AsyncGenerator[BrowserContext]:
    """A telephone's window, in which no page can run a script."""
    wide, high = PHONE
    context = await browser.new_context(
        java_script_enabled=False,
        base_url=str(told.http.base_url),
        locale="zh-CN",
        viewport={"width": wide, "height": high},
    )
    yield context
    await context.close()


def test_the_same_is_asked_in_either_language() -> None:
    assert QUESTIONS.keys() == IN_ENGLISH.keys()


@pytest.mark.parametrize(("lang", "question"), EITHER)
async def test_a_question_is_answered_within_two_clicks_by_a_short_sentence(
    phone: BrowserContext, told: Site, lang: Lang, question: str
) -> None:
    asked = (QUESTIONS if lang is Lang.ZH else IN_ENGLISH)[question]
    assert len(asked.clicks) <= MOST_CLICKS
    await signed(told)
    page = await phone.new_page()
    await page.goto("/" if lang is Lang.ZH else f"/?lang={lang}")
    for words in asked.clicks:
        await follow(page, words)
    sentence, low = await answer_on(page, asked.says)
    assert len(sentence) <= LONGEST, sentence
    assert low <= SCROLLED_ONCE, (sentence, low)


async def follow(page: Page, words: str) -> None:
    """Click the first link whose words begin so, or look for something."""
    if words.startswith("/"):
        await page.locator("main").get_by_role("searchbox").fill(words[1:])
        await page.locator("main").get_by_role("searchbox").press("Enter")
        return
    await page.locator("main a:visible").filter(has_text=re.compile(rf"^\s*{re.escape(words)}")).first.click()


async def answer_on(page: Page, says: str) -> tuple[str, float]:
    """The sentence that says this, and how far down its foot is."""
    for one in await candidates(page).all():
        sentence = "".join((await one.inner_text()).split("\n"))
        if found := re.search(says, sentence):
            box = await one.bounding_box()
            assert box is not None
            return found[0], box["y"] + box["height"]
    raise AssertionError(f"{page.url} does not say {says}")


def candidates(page: Page) -> Locator:
    """Where a page says something in a sentence."""
    return page.locator("main p:visible, main li:visible, main p strong:visible")


async def test_the_first_screen_of_the_first_page_says_how_the_plan_stands(phone: BrowserContext) -> None:
    page = await phone.new_page()
    for address in ("/", "/?lang=en", "/?effectiveOn=2023-07-15", "/?asOf=2023-10-31&effectiveOn=2023-09-30"):
        await page.goto(address)
        box = await page.locator("[data-field=answer]").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE[1], address


async def test_a_plan_is_at_most_eight_screens_of_a_phone_and_tells_each_task_in_a_line(phone: BrowserContext) -> None:
    page = await phone.new_page()
    await page.goto("/plans/shanghai-credit-2023")
    box = await page.locator("body").bounding_box()
    assert box is not None
    assert box["height"] <= 8 * PHONE[1]
    lines = page.locator("li.line")
    assert await lines.count() == 67
    heights = [found["height"] for one in await lines.all() if (found := await one.bounding_box())]
    assert max(heights) < 60
    assert sum(one < 40 for one in heights) >= 60  # but for what is late, which says so


async def test_the_whole_text_of_a_task_opens_and_stands_on_paper(phone: BrowserContext, browser: Browser) -> None:
    page = await phone.new_page()
    await page.goto("/plans/shanghai-credit-2023")
    line = page.locator("li.line").first
    text = line.locator("[data-field=text]")
    assert not await text.is_visible()
    await line.locator("summary").click()
    assert await text.is_visible()
    await page.reload()
    await page.emulate_media(media="print")
    shown = page.locator("li.line [data-field=text]")
    assert [await one.is_visible() for one in await shown.all()] == [True] * 67

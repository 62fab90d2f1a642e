"""Every kind of page, on a telephone and on a desk, in both languages, for everybody, and on paper."""

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from api.services.phrases import Lang

PLAN = "/plans/shanghai-credit-2023"
KINDS = {
    "the first page": "/?",
    "a plan": f"{PLAN}?",
    "a filtered plan": f"{PLAN}?reportedStatus=delayed",
    "a plan filtered by role, in the order of deadlines": f"{PLAN}?role=support&sort=due",
    "what is overdue or was late": "/overdue?",
    "who was silent": "/silent?",
    "a search": "/search?q=%E4%BF%A1%E7%94%A8",
    "a search that finds nothing": "/search?q=zzz",
    "before the first plan": "/?effectiveOn=2023-03-01",
    "a task": f"{PLAN}/tasks/21?",
    "a task that was reworded": f"{PLAN}/tasks/4?",
    "all units": "/units?",
    "a unit that was succeeded": "/units/shang-hai-yin-bao-jian-ju?",
    "a group": "/units/ge-qu-ren-min-zheng-fu?",
    "all districts": "/districts?",
    "a district": "/districts/310115?",
    "two days between which nothing changed": "/changes?from=2023-05-31&to=2023-05-31",
    "what a reworded task and the first reports changed": "/changes?position=372&from=2023-05-31&to=2023-07-10",
    "what a succession and new leads changed": "/changes?from=2023-07-01&to=2023-09-15",
    "a task with a deadline and a correction": f"{PLAN}/tasks/1?",
    "a fact that reworded a task": "/events/360?",
    "a fact that corrected another": "/events/481?",
    "a fact that is not there": "/events/999999?",
    "corrections": "/corrections?",
    "what a whole year changed": "/changes?from=2022-12-31&to=2023-12-31",
    "units by what is silent, on a past day": "/units?sort=silent&effectiveOn=2023-07-31",
    "a unit with more tasks than a line holds": "/units/shi-fa-zhan-gai-ge-wei?",
    "how it is proved": "/proof?",
    "what can be taken home": "/data?",
    "about the site": "/about?",
    "a page of a past day": "/units/shi-ke-wei?asOf=2023-06-30&effectiveOn=2023-06-30",
    "a page that is not there": f"{PLAN}?effectiveOn=2023-03-01",
    "a question that is wrong": "/units?district=310115",
}
WIDTHS = (360, 1280)
FAULTS = """axe.run({resultTypes: ['violations']})
    .then(found => found.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"""
# How many folds of the content, which are not for the screen alone, show nothing of what they hold.
FOLDED = """[...document.querySelectorAll('main details:not([open])')]
    .filter(fold => !fold.closest('.filter, .around') && getComputedStyle(fold).display !== 'none')
    .filter(fold => [...fold.children].some(one => one.tagName !== 'SUMMARY' && one.tagName !== 'FORM'))
    .filter(fold => ![...fold.children].some(one => one.tagName !== 'SUMMARY'
        && one.checkVisibility({contentVisibilityAuto: true}) && one.getBoundingClientRect().height > 0)).length"""
WIDER = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_keeps_nobody_out_and_fits_its_window(scripted: BrowserContext, axe: str, kind: str) -> None:
    await asyncio.gather(*(looked_at(scripted, axe, f"{KINDS[kind]}&lang={lang}") for lang in Lang))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_keeps_nobody_out_in_the_dark(scripted: BrowserContext, axe: str, kind: str) -> None:
    """At one width: colours are the same in all."""
    page = await scripted.new_page()
    await page.emulate_media(color_scheme="dark")
    await page.goto(f"{KINDS[kind]}&lang=zh")
    assert await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    await page.evaluate(axe)
    assert await page.evaluate(FAULTS) == []


@pytest.mark.parametrize("kind", ["the first page", "a plan", "a task", "a group", "what a whole year changed"])
async def test_on_paper_what_is_folded_stands_open(scripted: BrowserContext, kind: str) -> None:
    """Of each fold outside the navigation something of its text has a height, though nobody opened it."""
    page = await scripted.new_page()
    await page.goto(KINDS[kind])
    folded = await page.evaluate(FOLDED)
    assert folded > 0
    await page.emulate_media(media="print")
    assert await page.evaluate(FOLDED) == 0


async def looked_at(context: BrowserContext, axe: str, address: str) -> None:
    """Look for what keeps people out of a page, in a narrow and in a wide window."""
    page = await context.new_page()
    await page.goto(address)
    await page.evaluate(axe)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(WIDER) <= 0, (address, width)
        assert await page.evaluate(FAULTS) == [], (address, width)


@pytest.mark.parametrize("kind", ["a plan", "a task"])
async def test_on_paper_there_is_no_form_and_everything_else(
    scripted: BrowserContext, tmp_path: Path, kind: str
) -> None:
    page = await scripted.new_page()
    await page.goto(KINDS[kind])
    await page.emulate_media(media="print")
    assert await page.locator("form:visible, nav:visible, .skip:visible").count() == 0
    assert await page.locator("[data-field=shown]").is_visible()
    assert await page.locator("[data-field=text]").first.is_visible()
    assert await page.locator("footer").is_visible()
    paper = await page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert paper.startswith(b"%PDF-")
    assert len(paper) > 10_000


async def test_the_keyboard_reaches_the_content_first(scripted: BrowserContext) -> None:
    page = await scripted.new_page()
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").get_attribute("href") == "#content"
    assert await page.locator(".skip").bounding_box() is not None
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"


async def test_a_page_asks_nobody_else_and_says_nothing_to_the_console(scripted: BrowserContext) -> None:
    page = await scripted.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for address in KINDS.values():
        await page.goto(address)
    said = [one for one in said if "status of 40" not in one]  # two of the pages say so themselves
    assert said == []
    home = page.url.split("/")[2]
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {home}


async def test_a_data_block_is_no_script_to_the_browser(scripted: BrowserContext) -> None:
    """The page's policy lets no script run: a block of data is none, and everything in it is there to be read."""

    page = await scripted.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for address, type_ in (("/", "DataCatalog"), (PLAN, "Dataset")):
        await page.goto(address)
        block = await page.locator('script[type="application/ld+json"]').text_content()
        assert json.loads(block or "")["@type"] == type_
    assert said == []

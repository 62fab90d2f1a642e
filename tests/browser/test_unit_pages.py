"""On a telephone: the answer is on the first screen, nothing is wider than the window, and changes stay short."""

import pytest
from playwright.async_api import BrowserContext

from tests.browser.conftest import on_a_phone

PHONE = {"width": 360, "height": 740}
WIDER = "document.documentElement.scrollWidth - window.innerWidth"
HEIGHT = "document.documentElement.scrollHeight"
LINKS = ".tiles a, .presets a, .units a, .few a, .lines a, .identity a, .task .title a, .changes > li > a"
LOW = """links => [...document.querySelectorAll(links)].map(one => one.getBoundingClientRect().height)
    .filter(height => height > 0 && height < 24)"""
PAGES = [
    "/units?",
    "/units/shi-fa-zhan-gai-ge-wei?",
    "/units/ge-qu-ren-min-zheng-fu?",
    "/units/shang-hai-yin-bao-jian-ju?",
    "/districts?",
    "/districts/310105?",
    "/districts/310115?",
    "/changes?from=2023-06-30&to=2023-09-30",
]


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("moment", ["", "&effectiveOn=2023-06-30"])
async def test_the_answer_is_on_the_first_screen(scripted: BrowserContext, address: str, moment: str) -> None:
    page = await on_a_phone(scripted, address + moment)
    answer = page.locator("[data-field=answer]")
    box = await answer.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]
    assert 0 < len((await answer.inner_text()).strip()) <= 60
    assert await page.evaluate(WIDER) <= 0
    assert await page.evaluate(LOW, LINKS) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_opened_details_are_no_wider_than_the_window(scripted: BrowserContext, lang: str) -> None:
    for address in PAGES:
        page = await on_a_phone(scripted, f"{address}&lang={lang}")
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert await page.evaluate(WIDER) <= 0, address
        await page.close()


async def test_the_changes_of_a_quarter_are_at_most_12_screens(scripted: BrowserContext) -> None:
    page = await on_a_phone(scripted, "/changes?from=2023-06-30&to=2023-09-30")
    assert await page.evaluate(HEIGHT) <= 12 * PHONE["height"]


async def test_a_district_is_reached_from_the_map_without_a_script(plain: BrowserContext) -> None:
    page = await on_a_phone(plain, "/districts")
    await page.get_by_role("link", name="长宁区").click()
    assert await page.locator("[data-field=answer]").inner_text() == "长宁区：涉及8项任务，本区报送2项，已完成1项。"


async def test_units_are_sorted_by_a_link(plain: BrowserContext) -> None:
    page = await on_a_phone(plain, "/units")
    await page.get_by_role("link", name="逾期", exact=True).click()
    assert await page.locator("tbody tr").first.locator("[data-field=overdue]").inner_text() == "1"
    assert await page.locator("th[aria-sort=descending]").inner_text() == "逾期 ▾"

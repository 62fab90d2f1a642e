"""What stands around every page: small on a telephone, a line that opens for the day, and no script anywhere."""

import re

import pytest
from playwright.async_api import BrowserContext, expect

from api.services.phrases import Lang
from tests.browser.conftest import on_a_phone
from tests.conftest import Site, signed
from tests.contract.test_pages import CHECKING

TASK = "/plans/shanghai-credit-2023/tasks/21"
PAGES = ("/", "/plans/shanghai-credit-2023", TASK, "/units", "/districts/310115", "/changes", "/data", "/proof")
PAST = "asOf=2023-06-30&effectiveOn=2023-06-30"
SMALL = """[...document.querySelectorAll("header.site a, header.site summary, .band a")]
    .filter(one => one.checkVisibility() && !one.matches(".skip"))
    .map(one => [one.innerText, one.getBoundingClientRect().height]).filter(([, high]) => high < 24)"""


@pytest.mark.parametrize("lang", Lang)
async def test_on_a_phone_the_frame_leaves_room_for_the_answer(scripted: BrowserContext, lang: Lang) -> None:
    """200 pixels, and two lines at most for the band of a past day; whatever is pressed is 24 high."""
    for address in PAGES:
        for clocks, most in (("", 200), (PAST, 255)):
            page = await on_a_phone(scripted, f"{address}?{clocks}&lang={lang}")
            box = await page.locator("main").bounding_box()
            assert box is not None
            assert box["y"] <= most, (address, clocks)
            assert await page.evaluate(SMALL) == [], (address, clocks)
            await page.close()


async def test_the_line_of_the_day_opens_without_a_script_and_sets_both_clocks(plain: BrowserContext) -> None:
    page = await on_a_phone(plain, TASK)
    await expect(page.locator(".band")).to_have_count(0)
    await expect(page.get_by_label("查看哪一天", exact=True)).to_be_hidden()
    await page.get_by_text("改日期").click()
    await page.get_by_label("查看哪一天", exact=True).fill("2023-06-30")
    await page.get_by_role("button", name="查看").click()
    await expect(page).to_have_url(re.compile(r"asOf=2023-06-30"))
    await expect(page).to_have_url(re.compile(r"effectiveOn=2023-06-30"))
    await expect(page.locator("[data-field=shown]")).to_have_text("2023年6月30日")
    await expect(page.locator("[data-field=band]")).to_have_text("旧版：这是2023年6月30日的情况 · 回到最新")
    await page.get_by_role("navigation", name="站内导航").get_by_role("link", name="各区").click()
    await expect(page.locator("[data-field=band]")).to_contain_text("旧版")
    await page.get_by_role("link", name="回到最新").click()
    await expect(page.locator(".band")).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/districts$"))


async def test_the_second_clock_stands_behind_more(plain: BrowserContext) -> None:
    page = await on_a_phone(plain, TASK)
    await page.get_by_text("改日期").click()
    await expect(page.get_by_label("依据截至哪一天的记录")).to_be_hidden()
    await page.get_by_text("更多").click()
    await page.get_by_label("哪一天的实际情况").fill("2023-06-30")
    await page.get_by_label("依据截至哪一天的记录").fill("2023-07-31")
    await page.get_by_role("button", name="查看").last.click()
    await expect(page.locator("[data-field=band]")).to_contain_text("依据截至2023年7月31日的记录")


async def test_a_search_keeps_the_day_and_the_language(plain: BrowserContext) -> None:
    page = await on_a_phone(plain, f"/units?{PAST}&lang=en")
    await page.get_by_role("searchbox").first.fill("health")
    await page.get_by_role("button", name="Search").first.click()
    for part in (r"/search\?", "q=health", "asOf=2023-06-30", "effectiveOn=2023-06-30", "lang=en"):
        await expect(page).to_have_url(re.compile(part))


@pytest.mark.parametrize("address", PAGES)
async def test_a_page_causes_two_requests(scripted: BrowserContext, told: Site, address: str) -> None:
    await signed(told)
    page = await scripted.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(address, wait_until="networkidle")
    own = [one for one in asked if not one.startswith("data:")]
    assert len(own) == 2 + (address in CHECKING), own

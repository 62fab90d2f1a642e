"""A task on a telephone: how it stands is on the first screen, and no drawing is wider than the window."""

import asyncio

import pytest
from playwright.async_api import BrowserContext

from api.services.phrases import Lang

TASKS = "/plans/shanghai-credit-2023/tasks"
ADDRESSES = (
    f"{TASKS}/4?",
    f"{TASKS}/12?",
    f"{TASKS}/21?",
    f"{TASKS}/24?",
    f"{TASKS}/57?",
    f"{TASKS}/21?effectiveOn=2023-06-29",
)
BEYOND = """[...document.querySelectorAll('main svg text, main svg rect, main svg circle')].filter(one => {
    const its = one.getBoundingClientRect();
    return its.width && (its.left < 0 || its.right > window.innerWidth + 0.5);
}).map(one => one.outerHTML)"""
LOW = """[...document.querySelectorAll('main a')].filter(one => !one.closest('details:not([open])'))
    .map(one => one.getBoundingClientRect()).filter(its => its.height && its.height < 14).length"""


@pytest.mark.parametrize("address", ADDRESSES)
async def test_how_a_task_stands_is_said_on_the_first_screen(plain: BrowserContext, address: str) -> None:
    async def seen(lang: Lang) -> None:
        page = await plain.new_page()
        await page.set_viewport_size({"width": 360, "height": 740})
        await page.goto(f"{address}&lang={lang}")
        sentence = page.locator("[data-field=stands]")
        box = await sentence.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 740
        assert 5 < len(await sentence.inner_text()) <= 60

    await asyncio.gather(*map(seen, Lang))


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_drawing_goes_beyond_the_window(scripted: BrowserContext, address: str) -> None:
    page = await scripted.new_page()
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(address)
    assert await page.evaluate(BEYOND) == []
    assert await page.evaluate(LOW) == 0


async def test_a_mark_on_both_clocks_leads_to_its_fact_and_the_fact_to_its_task(plain: BrowserContext) -> None:
    page = await plain.new_page()
    await page.goto(f"{TASKS}/4")
    mark = page.locator(".clocks a").nth(1)
    positions = await mark.get_attribute("data-positions")
    await mark.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/events/{positions}")
    await page.locator("[data-field=subject] a").click()
    await page.wait_for_url(f"**{TASKS}/4")

"""What every kind of page draws can be read: no words are cut, crowded or squeezed, and no mark is unexplained."""

import asyncio

import pytest
from playwright.async_api import BrowserContext

from api.services.phrases import Lang
from tests.browser.test_looks import KINDS, WIDTHS

# The words of a drawing that reach beyond it, and those that touch others of the same drawing.
CROWDED = """() => [...document.querySelectorAll('main svg:not(svg svg)')].flatMap(drawing => {
    const {left, right} = drawing.getBoundingClientRect();
    const words = [...drawing.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()])
        .filter(([, box]) => box.width);
    const cut = words.filter(([, box]) => box.left < left - 1 || box.right > right + 1).map(([text]) => text);
    const touching = words.filter(([, one], at) => words.slice(at + 1).some(([, other]) => one.left < other.right
        && other.left < one.right && one.top + 3 < other.bottom && other.top + 3 < one.bottom)).map(([text]) => text);
    return [...cut, ...touching];
})"""
# Words in a column that holds fewer than three glyphs, though they are more; numbers of tasks that are not all there.
SQUEEZED = """() => {
    const found = [];
    for (const one of document.querySelectorAll('main :is(a, td, th, dt, dd, p, li, small, b), .tools span')) {
        const text = [...one.childNodes].filter(node => node.nodeType === 3 && node.data.trim().length > 3)[0];
        if (!text || !one.checkVisibility({contentVisibilityAuto: true})) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        const lines = [...range.getClientRects()].filter(box => box.width > 1);
        const glyph = parseFloat(getComputedStyle(one).fontSize);
        const widest = Math.max(...lines.map(box => box.width));
        if (lines.length > 2 && widest < 3 * glyph) found.push(text.data.trim());
    }
    return [...found, ...[...document.querySelectorAll('.number')].filter(one => one.scrollWidth > one.clientWidth + 1)
        .map(one => one.textContent)];
}"""
# Words that reach into the margin, and those of a table's row that touch.
BEYOND = """() => {
    const main = document.querySelector('main');
    const edge = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight) + 1;
    const seen = one => one.checkVisibility({contentVisibilityAuto: true}) && !one.closest('.off, svg, .words, .more');
    const boxes = within => {
        const texts = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
        const found = [], range = document.createRange();
        while (texts.nextNode()) {
            if (!seen(texts.currentNode.parentElement)) continue;
            range.selectNodeContents(texts.currentNode);
            found.push(...[...range.getClientRects()].filter(box => box.width > 1));
        }
        return found;
    };
    const out = [...main.querySelectorAll('td, th, p, li, dd, dt, h1, h2, h3')]
        .filter(one => boxes(one).some(box => box.right > edge));
    const touching = [...main.querySelectorAll('tr')].filter(seen).flatMap(row => [...row.cells].filter((one, at) =>
        [...row.cells].slice(at + 1).some(other => boxes(one).some(a => boxes(other).some(b =>
            a.left < b.right + 2 && b.left < a.right + 2 && a.top + 3 < b.bottom && b.top + 3 < a.bottom)))));
    return [...out, ...touching].map(one => one.textContent.trim());
}"""
# Statuses that are drawn where no legend says what their marks mean.
UNEXPLAINED = """() => [...document.querySelectorAll('main [class*="mark-"]')].flatMap(mark => {
    const status = [...mark.classList].find(one => one.startsWith('mark-'));
    const around = mark.closest('section') ?? document.querySelector('main');
    return mark.closest('.legend') || around.querySelector(`.legend .${status}`) ? [] : [status];
})"""


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_drawn_is_neither_cut_nor_crowded_nor_unexplained(scripted: BrowserContext, kind: str) -> None:
    await asyncio.gather(*(read_on(scripted, f"{KINDS[kind]}&lang={lang}") for lang in Lang))


async def read_on(context: BrowserContext, address: str) -> None:
    """Look at what a page draws, in a narrow and in a wide window."""
    page = await context.new_page()
    await page.goto(address)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for fault in (CROWDED, SQUEEZED, BEYOND, UNEXPLAINED):
            assert await page.evaluate(fault) == [], (address, width)
    await page.close()


# What a box says while it is empty, where it is wider than the box.
HINTS = """() => [...document.querySelectorAll('input[placeholder]')].filter(box => {
    const style = getComputedStyle(box), pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return pen.measureText(box.placeholder).width > room;
}).map(box => box.placeholder)"""


async def test_what_a_box_says_while_it_is_empty_is_not_cut(scripted: BrowserContext) -> None:
    page = await scripted.new_page()
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", "/units", "/search"):
            for lang in Lang:
                await page.goto(f"{path}?lang={lang}")
                assert await page.locator("input[placeholder]").count() == 1
                assert await page.evaluate(HINTS) == [], (path, lang, width)

"""`make pictures`: every kind of page of the demo's record, as it looks; and the two pictures of the README.

    python -m tests.pictures --only "a task"

Each kind in both languages, on a telephone and on a desk, as it stands today and as it stood on 30 June, goes into
build/pictures, named by all of that. A picture takes 300 KB at most: a longer page is cut. The README's own are of the
home page and of one task on two days, 150 KB at most, in pictures/.
"""

import argparse
import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from playwright.async_api import Browser, Page, async_playwright

from api.services.phrases import Lang
from tests.browser.conftest import PLAIN, QUIET, chromium
from tests.browser.test_looks import KINDS, WIDTHS
from tests.integration.commands import place, serving

ROOT: Final = Path(__file__).parents[1]
EACH: Final = ROOT / "build/pictures"
OF_README: Final = ROOT / "pictures"
DAYS: Final = {"today": "", "2023-06-30": "asOf=2023-06-30&effectiveOn=2023-06-30"}
LARGEST: Final = 300_000  # bytes of a picture
LARGEST_OF_README: Final = 150_000
TALLEST: Final = 6_000  # pixels
TASK: Final = "/plans/shanghai-credit-2023/tasks/21"


class Picture(NamedTuple):
    """What is taken, where it goes, and how wide the window is."""

    name: str
    address: str
    width: int


def pictures(only: str) -> Iterator[Picture]:
    """Every kind of page whose name holds `only`, on both days unless it names a day itself."""
    for kind, address in KINDS.items():
        if only not in kind:
            continue
        days = {"as-named": ""} if re.search("asOf|effectiveOn|position", address) else DAYS
        for day, clocks in days.items():
            for lang in Lang:
                for width in WIDTHS:
                    name = "-".join((kind.replace(" ", "-"), day, lang, str(width)))
                    yield Picture(name, "&".join(filter(None, (address, clocks, f"lang={lang}"))), width)


async def taken(page: Page, width: int, tallest: int, largest: int) -> bytes:
    """A picture of a page from its top on, of at most so many pixels and bytes."""
    await page.set_viewport_size({"width": width, "height": 800})
    height = min(tallest, await page.evaluate("document.documentElement.scrollHeight"))
    while True:
        clip = {"x": 0.0, "y": 0.0, "width": float(width), "height": float(height)}
        picture = await page.screenshot(full_page=True, clip=clip)  # pyright: ignore[reportArgumentType] - as it is
        if len(picture) <= largest:
            return picture
        height = height * 9 // 10


async def every_kind(browser: Browser, base: str, only: str) -> None:
    """Take all of them."""
    EACH.mkdir(parents=True, exist_ok=True)
    page = await browser.new_page()
    every = list(pictures(only))
    for number, one in enumerate(every, 1):
        await page.goto(f"{base}{one.address}")
        (EACH / f"{one.name}.png").write_bytes(await taken(page, one.width, TALLEST, LARGEST))
        print(f"{number} of {len(every)}  {one.name}")  # noqa: T201 - long work shows how far it has come


async def of_readme(browser: Browser, base: str) -> None:
    """The home page, and a task on two days beside each other."""
    OF_README.mkdir(exist_ok=True)
    page = await browser.new_page()
    await page.goto(f"{base}/?lang=en")
    (OF_README / "home.png").write_bytes(await taken(page, 1000, 800, LARGEST_OF_README))
    both: list[str] = []
    for clocks in DAYS.values():
        await page.goto(f"{base}{TASK}?{clocks}&lang=en")
        both.insert(0, base64.b64encode(await taken(page, 470, 640, LARGEST)).decode())
    beside = "".join(
        f'<img style="flex:none;width:470px;border:1px solid #7b8594" src="data:image/png;base64,{one}">'
        for one in both
    )
    page = await browser.new_page()  # one that no policy of ours keeps from having a style
    await page.set_content(f'<body style="margin:8px;display:flex;align-items:start;gap:16px;background:#fff">{beside}')
    (OF_README / "task-on-two-days.png").write_bytes(await taken(page, 1000, 660, LARGEST_OF_README))


async def main() -> None:
    """Serve the demo's record for as long as it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds of page whose name holds this")
    given = parser.parse_args()
    if chromium() is None:
        parser.error("there is no Chromium here; `make browser` installs it")
    with place() as folder:
        async with serving(folder, "demo", "--serve") as served, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *PLAIN])
            base = str(served.http.base_url).rstrip("/")
            await every_kind(browser, base, given.only)
            await of_readme(browser, base)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())

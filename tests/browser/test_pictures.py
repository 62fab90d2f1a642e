"""The pictures: of every kind of page, small enough to be looked at, and two that the README shows."""

import re
from pathlib import Path

from playwright.async_api import BrowserContext

from tests.browser.test_looks import KINDS
from tests.pictures import LARGEST, LARGEST_OF_README, OF_README, TALLEST, pictures, taken

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG"


def test_every_kind_of_page_is_taken_in_both_languages_at_both_widths_on_both_days() -> None:
    every = list(pictures(""))
    assert len({one.name for one in every}) == len(every)
    for kind in KINDS:
        own = [one for one in every if one.name.startswith(f"{kind.replace(' ', '-')}-")]
        assert len(own) >= 4, kind
    assert {one.address for one in every if one.name.startswith("a-task-today")} == {
        f"/plans/shanghai-credit-2023/tasks/21?&lang={lang}" for lang in ("zh", "en")
    }


async def test_a_long_page_is_cut_until_its_picture_is_small(scripted: BrowserContext) -> None:
    page = await scripted.new_page()
    await page.goto("/plans/shanghai-credit-2023")
    picture = await taken(page, 1280, TALLEST, LARGEST)
    assert picture.startswith(PNG)
    assert len(picture) <= LARGEST


def test_the_readme_shows_its_two_pictures() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert {ROOT / one for one in shown} == set(OF_README.iterdir())
    for one in shown:
        picture = (ROOT / one).read_bytes()
        assert picture.startswith(PNG)
        assert len(picture) <= LARGEST_OF_README, one

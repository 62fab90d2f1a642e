"""What a page says of the log is checked in the reader's browser; what was changed on the way is found."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.conftest import Site, signed

CHECKED = ["leaf", "included", "signed"]
PAGES = ["/proof", "/proof?asOf=2023-06-30", "/events/134"]


@pytest.fixture(autouse=True)
async def note(told: Site) -> None:
    """A note covers all there is."""
    await signed(told)


async def checked(page: Page, address: str) -> list[str]:
    """Press the button; which steps the page then tells of."""
    await page.goto(address)
    await page.locator("[data-check] button").click()
    last = page.locator("[data-said=signed], [data-said=failed], [data-said=unable]")
    await expect(last).to_be_visible()
    said = page.locator("[data-said]")
    return [await one.get_attribute("data-said") or "" for one in await said.all()]


@pytest.mark.parametrize("address", PAGES)
async def test_an_honest_server_is_checked_and_found_so(scripted: BrowserContext, told: Site, address: str) -> None:
    page = await scripted.new_page()
    assert await checked(page, address) == CHECKED
    key = (await told.http.get("/log/key", follow_redirects=True)).text.strip()
    await expect(page.locator("[data-said=signed]")).to_contain_text(sha256(key.encode()).hexdigest())


async def test_every_place_of_the_log_is_checked(scripted: BrowserContext, told: Site) -> None:
    page = await scripted.new_page()
    size = told.running.reader.head.size
    for position in (1, 2, 3, 255, 256, 257, 512, size - 1):
        assert await checked(page, f"/proof?position={position}") == CHECKED, position


def _flipped(text: str) -> str:
    return ("1" if text[0] != "1" else "2") + text[1:]


CHANGES: dict[str, tuple[str, Callable[[Any], Any], list[str]]] = {
    "its bytes": ("leaf", lambda leaf: leaf | {"recordedAt": "2023-01-01T00:00:00Z"}, ["failed"]),
    "its hash": ("proof", lambda proof: proof | {"leafHash": _flipped(proof["leafHash"])}, ["failed"]),
    "its place": ("proof", lambda proof: proof | {"index": proof["index"] - 1}, ["failed"]),
    "a hash of the proof": (
        "proof",
        lambda proof: proof | {"hashes": [_flipped(proof["hashes"][0]), *proof["hashes"][1:]]},
        ["leaf", "failed"],
    ),
    "a hash too many": ("proof", lambda proof: proof | {"hashes": [*proof["hashes"], "00" * 32]}, ["leaf", "failed"]),
    "a hash too few": ("proof", lambda proof: proof | {"hashes": proof["hashes"][:-1]}, ["leaf", "failed"]),
    "the signature": (
        "proof",
        lambda proof: proof | {"checkpoint": proof["checkpoint"][:-20] + "AAAA" + proof["checkpoint"][-16:]},
        ["leaf", "included", "failed"],
    ),
    "the name of the log": (
        "proof",
        lambda proof: proof | {"checkpoint": proof["checkpoint"].replace("demo", "Demo", 1)},
        ["leaf", "failed"],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_on_the_way_is_found(scripted: BrowserContext, told: Site, what: str) -> None:
    of, change, steps = CHANGES[what]
    page = await scripted.new_page()

    async def changed(route: Route) -> None:
        answer = await told.http.get(route.request.url, headers={"Accept": "application/json"})
        await route.fulfill(status=200, content_type="application/json", body=json.dumps(change(answer.json())))

    await page.route(f"**/v1/events/*/{of}", changed)
    assert await checked(page, "/proof") == steps


async def test_a_server_that_does_not_answer_is_no_liar(scripted: BrowserContext) -> None:
    page = await scripted.new_page()
    await page.route("**/v1/events/*/proof", lambda route: route.fulfill(status=503, body=""))
    assert await checked(page, "/proof") == ["unable"]


async def test_without_script_nothing_of_it_is_there(plain: BrowserContext) -> None:
    page = await plain.new_page()
    await page.goto("/proof")
    await expect(page.locator("[data-check]")).to_be_hidden()
    await expect(page.locator("[data-field=note]")).to_be_visible()

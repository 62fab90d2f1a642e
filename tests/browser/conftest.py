"""The machine's own Chromium, before the demo's record, told once. Where there is none, these tests are left out."""

import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.conftest import Site

HERE = Path(__file__).parent
AXE = HERE.parents[1] / "build/browser/node_modules/axe-core/axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
PLAIN = ("--disable-gpu", "--disable-quic", *(("--no-sandbox",) if os.geteuid() == 0 else ()))  # root has no sandbox
LEFT_OUT = pytest.StashKey[int]()


def chromium() -> str | None:
    """Where this machine's Chromium is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none."""
    ours = [item for item in items if HERE in item.path.parents]
    if ours and chromium() is None:
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)
        config.stash[LEFT_OUT] = len(ours)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes says what it left out to the one that speaks for all."""
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say, last of all, what was left out and how to have it."""
    count = config.stash.get(LEFT_OUT, 0)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if count and reporter:
        reporter.write_line(f"left out {count} browser tests: there is no Chromium here; `make browser` installs it")


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """Chromium, as it is installed here."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *PLAIN])
        yield started
        await started.close()


@pytest.fixture
async def plain(browser: Browser, told: Site) -> AsyncGenerator[BrowserContext]:
    """A window in which no page can run a script."""
    context = await browser.new_context(java_script_enabled=False, base_url=str(told.http.base_url), locale="zh-CN")
    yield context
    await context.close()


@pytest.fixture
async def scripted(browser: Browser, told: Site) -> AsyncGenerator[BrowserContext]:
    """A window in which the tests can look around by script; the pages bring none of their own."""
    context = await browser.new_context(base_url=str(told.http.base_url), locale="zh-CN")
    yield context
    await context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The program that looks for what keeps people out."""
    assert AXE.is_file(), "axe-core is not installed: `make browser` does that"
    return AXE.read_text("utf-8")


async def on_a_phone(context: BrowserContext, address: str) -> Page:
    """A page in the window of a telephone."""
    page = await context.new_page()
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(address)
    return page

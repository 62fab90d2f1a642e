"""The pages for developers need nothing but this server."""

import re

import pytest

from api.description.docs import ASSETS
from tests.conftest import Site

PAGES = ["/docs", "/graphql"]
LINKS = re.compile(r'(?:src|href)="([^"]*)"')
ELSEWHERE = re.compile(r"(?:https?:)?//[a-z]", re.IGNORECASE)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_and_all_that_it_links_come_from_here(shared: Site, path: str) -> None:
    page = await shared.http.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not ELSEWHERE.search(page.text)
    links = [link for link in LINKS.findall(page.text) if link != "data:,"]
    assert len(links) >= 5
    for link in links:
        assert link.startswith("/"), link
        assert (await shared.http.get(link)).status_code == 200, link


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_lets_the_browser_ask_nobody_else(shared: Site, path: str) -> None:
    page = await shared.http.get(path)
    policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not ELSEWHERE.search(page.headers["Content-Security-Policy"])
    assert "<script>" not in page.text
    assert " style=" not in page.text


async def test_an_asset_is_kept_for_good_under_a_name_that_holds_its_hash(shared: Site) -> None:
    page = (await shared.http.get("/docs")).text
    for link in [link for link in LINKS.findall(page) if link.startswith("/assets/")]:
        asset = await shared.http.get(link)
        assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert asset.headers["Content-Type"] in {"text/css; charset=utf-8", "text/javascript; charset=utf-8"}
        unchanged = await shared.http.get(link, headers={"If-None-Match": asset.headers["ETag"]})
        assert unchanged.status_code == 304
        assert re.search(r"\.[0-9a-f]{16}\.(css|js)$", link)


@pytest.mark.parametrize("name", ["docs.js", "docs.html", "package.json", "..%2Fmain.py", "docs.0123456789abcdef.js"])
async def test_nothing_else_is_served_as_an_asset(shared: Site, name: str) -> None:
    await shared.problem(404, f"/assets/{name}")


async def test_a_page_takes_no_parameters(shared: Site) -> None:
    assert (await shared.problem(400, "/docs", url="elsewhere"))["code"] == "unknown_parameter"


def test_no_file_of_ours_names_another_host() -> None:
    ours = [path for path in ASSETS.iterdir() if path.suffix in {".html", ".js", ".css", ".json"}]
    assert len(ours) >= 8
    assert [path.name for path in ours if ELSEWHERE.search(path.read_text())] == []

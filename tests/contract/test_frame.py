"""What stands around every page: one day for both clocks, the reader's language, errors as pages, words for sharing."""

import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from api.main import service
from api.pages.data import FOR_PEOPLE
from tests.conftest import Site, database_of, serving, settings_for, signed

PLAN = "/plans/shanghai-credit-2023"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
BAND = re.compile(r'data-field="band">(.*?)</p>', re.DOTALL)


def band_of(page: httpx.Response) -> str:
    """What a page says of its day, without marks."""
    assert page.status_code == 200
    return "".join(re.sub("<[^>]*>", "", one) for one in BAND.findall(page.text))


@pytest.mark.parametrize(
    ("path", "on", "location"),
    [
        ("/units", "2023-06-30", "/units?effectiveOn=2023-06-30&asOf=2023-06-30"),
        ("/units", "2023-12-31", "/units"),
        ("/units", "2024-03-01", "/units?effectiveOn=2024-03-01"),
        ("/units", "2023-03-30", "/units?effectiveOn=2023-03-30"),
        (
            PLAN,
            "2023-06-30&q=信用&lang=en",
            f"{PLAN}?q=%E4%BF%A1%E7%94%A8&effectiveOn=2023-06-30&asOf=2023-06-30&lang=en",
        ),
    ],
)
async def test_one_day_stands_for_both_clocks(told: Site, path: str, on: str, location: str) -> None:
    """Today is the newest; of a day that was not recorded yet, or is still to come, effectiveOn alone is told."""
    answer = await told.http.get(f"{path}?on={on}")
    assert (answer.status_code, answer.headers["Location"]) == (302, location)
    assert (await told.http.get(location)).status_code == 200


async def test_whatever_an_address_holds_its_day_leads_nowhere_else(told: Site) -> None:
    for path in ("/units/%0d%0aSet-Cookie:a=b", "/units/市科委", "/units/a b"):
        answer = await told.http.get(f"{path}?on=2023-06-30")
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/units/")
        assert "Set-Cookie" not in answer.headers


async def test_a_day_is_given_once_and_as_a_day(told: Site) -> None:
    for query in ("on=2023-06-30&effectiveOn=2023-06-30", "on=2023-06-30&position=300", "on=June"):
        page = await told.http.get(f"/units?{query}")
        assert page.status_code == 400
        assert ">bad_parameter<" in page.text


async def test_every_page_that_shows_another_day_says_so_above_all_else(told: Site) -> None:
    for query, said in {
        "": "",
        "effectiveOn=2023-12-31": "",
        "asOf=2023-06-30&effectiveOn=2023-06-30": "旧版：这是2023年6月30日的情况 · 回到最新",
        "asOf=2023-06-30": "旧版：这是2023年6月30日的情况 · 回到最新",
        "effectiveOn=2023-06-30": "按现有记录回看：2023年6月30日的情况 · 回到最新",
        "effectiveOn=2024-03-01": "按现有记录预看：2024年3月1日的情况 · 回到最新",
        "asOf=2023-07-31&effectiveOn=2023-06-30": "旧版：2023年6月30日的情况，依据截至2023年7月31日的记录 · 回到最新",
        "position=361&effectiveOn=2023-06-30&lang=en": "Old version: 30 June 2023, by the record as of ",
    }.items():
        for path in ("/", PLAN, f"{PLAN}/tasks/21", "/units", "/districts/310115", "/changes", "/data", "/proof"):
            band = band_of(await told.http.get(f"{path}?{query}"))
            assert band == said if not query.startswith("position") else band.startswith(said), (path, query)


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "zh-Hans"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr,en;q=0.5", "en"),
        ("fr", "zh-Hans"),
        ("*", "zh-Hans"),
    ],
)
async def test_who_names_no_language_is_answered_in_that_which_he_prefers(told: Site, header: str, lang: str) -> None:
    page = await told.http.get("/units", headers={"Accept-Language": header})
    assert f'<html lang="{lang}">' in page.text
    assert "Accept-Language" in page.headers["Vary"]
    links = re.findall(r'href="(/[^"]*)"', page.text)
    assert {one for one in links if "lang=" in one and "/feeds/" not in one} == {
        f"/units?lang={'en' if lang == 'zh-Hans' else 'zh'}"
    }
    for asked, fixed in (("zh", "zh-Hans"), ("en", "en")):
        page = await told.http.get("/units", params={"lang": asked}, headers={"Accept-Language": header})
        assert f'<html lang="{fixed}">' in page.text


async def test_a_language_is_remembered_as_what_it_comes_to(told: Site) -> None:
    """However it is asked for: the key holds the language, never the header."""
    etags = {
        header: (await told.http.get("/districts", headers={"Accept-Language": header})).headers["ETag"]
        for header in ("en", "en-US,en;q=0.9", "zh", "zh-TW,zh;q=0.5")
    }
    assert etags["en"] == etags["en-US,en;q=0.9"] != etags["zh"] == etags["zh-TW,zh;q=0.5"]
    plain = [await told.http.get("/v1/districts", headers={"Accept-Language": header}) for header in ("en", "zh")]
    assert plain[0].headers["ETag"] == plain[1].headers["ETag"]
    assert "Accept-Language" not in plain[0].headers["Vary"]


@pytest.mark.parametrize(
    ("address", "status", "sentences", "way"),
    [
        ("/none", 404, ("这个地址没有内容", "There is nothing at this address"), "/"),
        ("/units/none", 404, ("记录中没有这个名称或编号", "nothing of this name"), "/units"),
        ("/districts/999999", 404, ("记录中没有这个名称或编号", "nothing of this name"), "/districts"),
        (f"{PLAN}/tasks/999", 404, ("记录中没有这个名称或编号", "nothing of this name"), PLAN),
        ("/plans/none/tasks/1", 404, ("记录中没有这个名称或编号", "nothing of this name"), "/"),
        ("/units?none=1&after=a", 400, ("本站不认识的条件", "unknown here"), "/units?after=a"),
        (f"{PLAN}?reportedStatus=done", 400, ("写法不对", "not written as it should"), PLAN),
        ("/units?asOf=2999-01-01", 400, ("它还没有到来", "lies in the future"), "/units"),
        (
            "/units?asOf=2023-01-01",
            404,
            ("公开记录从2023年4月3日开始", "begins on 3 April 2023"),
            "/units?effectiveOn=2023-01-01",
        ),
        (
            f"{PLAN}?effectiveOn=2023-03-01",
            404,
            ("它还不存在", "it was not there yet"),
            f"{PLAN}?effectiveOn=2023-03-28",
        ),
        ("/units//a", 404, ("这个地址没有内容", "There is nothing at this address"), "/"),
        ("/units?after=a&after=b", 400, ("出现了两次", "the same condition twice"), "/"),
    ],
)
async def test_an_error_is_a_page_in_the_readers_language_that_leads_on(
    told: Site, address: str, status: int, sentences: tuple[str, str], way: str
) -> None:
    for lang, sentence in zip(("zh", "en"), sentences, strict=True):
        page = await told.http.get(address, headers={**BROWSER, "Accept-Language": lang})
        assert page.status_code == status
        assert page.headers["Content-Type"].startswith("text/html")
        (said,) = re.findall(r'data-field="said">([^<]*)<', page.text)
        assert sentence in unescape(said)
        assert 'class="invented"' in page.text
        found = [unescape(one) for one in re.findall(r'<li><a href="([^"]*)"', page.text)]
        assert way in found
        assert {"/units", "/districts", "/data", "/proof"} <= set(found)
        for one in found:
            assert (await told.http.get(one)).status_code == 200, one


async def test_a_program_is_told_of_an_error_as_ever(told: Site) -> None:
    for path in ("/none", "/v1/none", "/static/none", "/v1/units/none", "/units//a"):
        problem = await told.http.get(path, headers={"Accept": "application/json, text/html;q=0.5"})
        kind = "text/html" if path.startswith("/units") else "application/problem+json"
        assert problem.headers["Content-Type"].startswith(kind), path
    for path in ("/v1/none", "/static/none", "/feeds/none.atom"):
        problem = await told.http.get(path, headers={**BROWSER, "Accept-Language": "zh"})
        assert problem.headers["Content-Type"] == "application/problem+json", path


@pytest.mark.parametrize("path", ["/", PLAN, f"{PLAN}/tasks/21", "/units", "/districts/310115", "/data", "/about"])
async def test_a_page_that_is_shared_says_what_it_is(told: Site, path: str) -> None:
    base = str(told.http.base_url).rstrip("/")
    page = (await told.http.get(path, params={"lang": "en"})).text
    said = {name: unescape(value) for name, value in re.findall('<meta property="og:([^"]*)" content="([^"]*)">', page)}
    (title,) = re.findall("<title>(.*?)</title>", page.partition("</head>")[0], re.DOTALL)
    (description,) = re.findall('<meta name="description" content="([^"]*)">', page)
    assert said["url"] == f"{base}{path}?lang=en"
    assert unescape(title).startswith(said["title"])
    assert said["description"] == unescape(description)
    picture = await told.http.get(said["image"])
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["Cache-Control"].endswith("immutable")
    assert picture.content.startswith(b"\x89PNG")
    assert re.findall('rel="icon" href="(.*?)"', page)[0].startswith("data:image/svg+xml,")


async def test_a_page_of_a_past_day_is_shared_as_the_page_that_it_is_of(told: Site) -> None:
    """It holds nothing of where it is served, so that all servers of a record tell it in the same bytes."""
    page = (await told.http.get(PLAN, params={"asOf": "2023-06-30", "lang": "en"})).text
    assert f'<meta property="og:url" content="{PLAN}?lang=en">' in page
    assert str(told.http.base_url).rstrip("/") not in page


async def test_the_first_page_has_one_box_to_search_in_and_so_has_every_other(told: Site) -> None:
    for path in ("/", "/search", "/search?q=21", "/units", f"{PLAN}/tasks/21"):
        assert (await told.http.get(path)).text.count('type="search"') == 1, path


async def test_about_says_by_which_id_the_office_is_known_where_no_unit_has_it(told: Site) -> None:
    page = (await told.http.get("/about")).text
    assert "编号为 <code>shanghai-credit-office</code>" in page


async def test_about_names_the_unit_that_publishes(server: str, folder: Path) -> None:
    async with (
        database_of(server, "imported") as dsn,
        service(settings_for(dsn, folder, office="shi-fa-zhan-gai-ge-wei")) as running,
        serving(running) as site,
    ):
        page = (await site.http.get("/about")).text
    assert "<bdi>市发展改革委</bdi>" in page
    assert "shi-fa-zhan-gai-ge-wei" not in page.partition("<main")[2].partition("</main>")[0]


async def test_data_counts_the_rows_of_what_it_offers(told: Site) -> None:
    for moment in ("", "asOf=2023-07-31&effectiveOn=2023-07-31"):
        page = (await told.http.get(f"/data?{moment}")).text
        rows = dict(re.findall(r'data-download="(\w+)".*?data-field="rows">(\d*)<', page))
        assert len(rows) == 5
        assert rows.pop("events") == ""
        for name, count in rows.items():
            listed = f"/v1/export/{name}.csv?plan=shanghai-credit-2023&{moment}"
            assert len((await told.http.get(listed)).text.splitlines()) - 1 == int(count), name
    assert page.count("/v1/export/") == len(FOR_PEOPLE) * 5 + 2


async def test_the_first_sentence_of_the_proof_answers_in_60_characters(told: Site) -> None:
    await signed(told)
    for lang, word in (("zh", "签名"), ("en", "signed")):
        page = (await told.http.get("/proof", params={"lang": lang})).text
        (answer,) = re.findall(r'data-field="answer">([^<]*)<', page)
        assert word in answer
        assert len(answer) <= 60

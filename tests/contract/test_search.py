"""Search finds by the characters of a name, by a number, by words; whatever is asked, it answers, and soon."""

import asyncio
import re
import time
from html import unescape

import pytest

from api.pages.search import stretch_in
from tests.conftest import Site

ANSWER = re.compile(r'data-field="answer">(.*?)</p>', re.DOTALL)
TAGS = re.compile(r"<[^>]*>")


async def found(site: Site, q: str, **others: str) -> tuple[str, list[str], list[str]]:
    """What the page says, the tasks that it lists, and whatever else."""
    page = await site.http.get("/search", params={"q": q, **others})
    assert page.status_code == 200, page.text
    said = [unescape(TAGS.sub("", one)) for one in ANSWER.findall(page.text)]
    return (
        said[0] if said else "",
        re.findall('data-task="([^"]*)"', page.text),
        re.findall('data-found="([^"]*)"', page.text),
    )


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("卫健委", ["shi-wei-sheng-jian-kang-wei"]),
        ("卫 健 委", ["shi-wei-sheng-jian-kang-wei"]),
        ("市卫生健康委", ["shi-wei-sheng-jian-kang-wei"]),
        ("委健卫", []),
    ],
)
async def test_a_unit_is_found_by_characters_of_its_name_in_their_order(
    told: Site, q: str, expected: list[str]
) -> None:
    said, _, others = await found(told, q)
    assert others == expected
    assert said.endswith("1个单位。") if expected else said == f"没有找到与“{q}”相符的内容。"


async def test_a_unit_is_found_by_another_name_of_it(told: Site) -> None:
    aliased = [one for one in (await told.get("/v1/units", limit=200))["items"] if one["aliases"]]
    assert aliased
    for unit in aliased:
        assert unit["id"] in (await found(told, unit["aliases"][0]))[2]


async def test_the_closest_comes_first(told: Site) -> None:
    _, _, others = await found(told, "长宁")
    assert others == ["zhang-ning-qu-ren-min-zheng-fu", "310105"] or others[-1] == "310105"
    assert stretch_in("长宁", "长宁区人民政府") == 2
    assert stretch_in("长府", "长宁区人民政府") == 7
    assert stretch_in("府长", "长宁区人民政府") is None


@pytest.mark.parametrize("q", ["21", "任务21", "任务 21", "第21项", "２１", "task 21"])
async def test_a_number_leads_to_the_task_and_says_who_is_to_do_it(told: Site, q: str) -> None:
    page = (await told.http.get("/search", params={"q": q})).text
    assert re.findall('data-task="([^"]*)"', page)[0] == "shanghai-credit-2023/21"
    assert 'href="/plans/shanghai-credit-2023/tasks/21"' in page
    those = (await told.get("/v1/plans/shanghai-credit-2023/tasks/21"))["assignments"]
    assert {one["role"] for one in those} == {"responsible"}
    said = TAGS.sub("", re.findall(r"<small>(.*?)</small>", page.partition('data-task="')[2], re.DOTALL)[0]).strip()
    assert said.startswith("、".join(one["assignee"]["name"] for one in those[:2]))
    assert said.endswith("负责")


@pytest.mark.parametrize("q", ["融资", "融资 平台", "ＡＰＰ", "“信用就医”"])
async def test_words_find_the_tasks_that_the_list_finds(told: Site, q: str) -> None:
    _, tasks, _ = await found(told, q)
    listed = (await told.get("/v1/plans/shanghai-credit-2023/tasks.json", q=q))["items"]
    assert tasks == [one["id"] for one in listed][:30]


async def test_a_plan_is_found_by_its_title(told: Site) -> None:
    assert (await found(told, "2023信用要点"))[2] == ["shanghai-credit-2023"]


async def test_a_past_moment_is_searched_as_it_stood_and_the_search_stays_there(told: Site) -> None:
    assert (await found(told, "金融监管局", effectiveOn="2023-05-01"))[0]
    page = (await told.http.get("/search", params={"q": "21", "effectiveOn": "2023-05-01", "lang": "en"})).text
    assert '/plans/shanghai-credit-2023/tasks/21?effectiveOn=2023-05-01&amp;lang=en"' in page
    assert '<input type="hidden" name="effectiveOn" value="2023-05-01">' in page


async def test_what_finds_nothing_says_so_and_says_what_to_type(told: Site) -> None:
    for q in ("没有这样的东西", "", "  "):
        page = (await told.http.get("/search", params={"q": q})).text
        assert "可以输入任务编号" in page
        assert 'href="/search?q=21"' in page


HOSTILE = (
    *("%", "_", "%%%%", "*", "\\", "'; DROP TABLE units; --", "<script>x()</script>", "{{ 7 * 7 }}", "(.*)+$"),
    *("\u202e21", "\ufdd0", "\x1b[31m", "9" * 200, "0", "-1", "信" * 200, "信 " * 100, "😀", "\u200b", "e\u0301"),
)


@pytest.mark.parametrize("q", HOSTILE)
async def test_whatever_is_asked_is_answered_in_words_and_taken_for_words(told: Site, q: str) -> None:
    page = await told.http.get("/search", params={"q": q, "lang": "en"})
    assert page.status_code in {200, 400}
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script>x" not in page.text
    assert not {"\u202e", "\x1b", "\ufdd0"} & set(page.text)


async def test_what_is_too_long_is_refused_on_a_page(told: Site) -> None:
    page = await told.http.get("/search", params={"q": "信" * 2_000})
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert (await told.http.get("/search", params={"none": "1"})).status_code == 400


async def test_a_search_through_many_units_lets_others_be_answered(site: Site) -> None:
    """Six thousand names are looked through in steps of a few milliseconds."""
    for begin in range(0, 6_000, 500):
        await site.record(
            *(
                {"type": "unit.register", "unit": f"no-{at}", "name": f"第{at}号卫生健康服务单位", "reason": "试"}
                for at in range(begin, begin + 500)
            )
        )
    await found(site, "卫健委")  # what is read once is remembered

    async def alive() -> float:
        longest = 0.0
        for _ in range(30):
            begin = time.perf_counter()
            assert (await site.http.get("/health/live")).status_code == 200
            longest = max(longest, time.perf_counter() - begin)
        return longest

    asked = [asyncio.create_task(found(site, "卫健" + "单位"[: at % 3])) for at in range(4)]
    assert await alive() < 0.5
    for said, _, others in await asyncio.gather(*asked):
        assert "6001个单位" in said or "6000个单位" in said
        assert len(others) == 30

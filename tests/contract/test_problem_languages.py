"""What goes wrong is told to programs in the language that they prefer: English, unless that is Chinese."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.http.audience import NOBODY, listener
from api.services.phrases import Lang, catalogue
from api.services.problems import Trouble, body, headers
from tests.codes import problem_codes
from tests.conftest import Site, problem_of

PLAN = "/v1/plans/shanghai-credit-2023"
CHINESE = re.compile("[\u4e00-\u9fff]")
# At every door: REST, what cannot be read, feeds, the log's files, exports, GraphQL, health, and what writes.
WRONG = [
    ("GET", f"{PLAN}/tasks?none=1", 400, "unknown_parameter"),
    ("GET", f"{PLAN}/tasks?limit=1.0", 400, "bad_parameter"),
    ("GET", f"{PLAN}/tasks?reportedStatus=done", 400, "bad_parameter"),
    ("GET", f"{PLAN}/tasks/999", 404, "unknown_id"),
    ("GET", f"{PLAN}?effectiveOn=2023-01-01", 404, "not_at_this_moment"),
    ("GET", f"{PLAN}?asOf=2022-01-01", 404, "before_the_record"),
    ("GET", f"{PLAN}?asOf=2999-01-01", 400, "bad_moment"),
    ("GET", "/v1/events/99999", 404, "unknown_id"),
    ("GET", "/v1/nothing", 404, "not_found"),
    ("GET", "/v1//plans", 404, "unknown_address"),
    ("GET", "/v1/plans?limit=1&limit=2", 400, "repeated_parameter"),
    ("GET", "/v1/commands", 405, "method_not_allowed"),
    ("DELETE", f"{PLAN}/tasks", 405, "method_not_allowed"),
    ("POST", "/v1/commands", 401, "token_needed"),
    ("POST", "/nothing", 404, "not_found"),
    ("GET", "/feeds/none.atom", 404, "not_found"),
    ("GET", "/feeds/events.atom?none=1", 400, "unknown_parameter"),
    ("GET", "/v1/stream?none=1", 400, "unknown_parameter"),
    ("GET", "/log/none/tile/0/000", 404, "unknown_id"),
    ("GET", "/v1/export/none.csv", 404, "unknown_address"),
    ("GET", "/v1/export/tasks.csv?plan=none", 404, "unknown_id"),
    ("GET", "/graphql?none=1", 400, "unknown_parameter"),
    ("POST", "/graphql", 415, "unsupported_media_type"),
    ("GET", "/v1/evidence?of=/none", 400, "bad_parameter"),
    ("GET", "/schemas/none.json", 404, "not_found"),
]


async def asked(site: Site, method: str, address: str, language: str | None) -> httpx.Response:
    """What a program is answered that prefers a language."""
    return await site.http.request(method, address, headers={"Accept-Language": language} if language else {})


@pytest.mark.parametrize(("method", "address", "status", "code"), WRONG)
async def test_a_problem_is_told_in_the_language_that_is_preferred(
    told: Site, method: str, address: str, status: int, code: str
) -> None:
    english = await asked(told, method, address, None)
    chinese = await asked(told, method, address, "zh-CN,zh;q=0.9,en;q=0.8")
    ours, theirs = problem_of(english, status), problem_of(chinese, status)
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == ("en", "zh-Hans")
    assert not CHINESE.search(ours["title"] + ours["detail"])
    assert CHINESE.search(theirs["title"])
    assert CHINESE.search(theirs["detail"])
    assert {ours["code"], theirs["code"]} == {code}
    assert {one["type"] for one in (ours, theirs)} == {f"urn:planrecord:problem:{code}"}
    assert [one["pointer"] for one in ours["errors"]] == [one["pointer"] for one in theirs["errors"]]
    for answer in (english, chinese):
        assert "Accept-Language" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "no-store"
    again = problem_of(await asked(told, method, address, "*"), status)
    assert again | {"traceId": ""} == ours | {"traceId": ""}


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", Lang.EN),
        ("*", Lang.EN),
        ("fr", Lang.EN),
        ("zh;q=0", Lang.EN),
        ("en-GB,en;q=0.9,zh;q=0.8", Lang.EN),
        ("*, zh;q=0.5", Lang.EN),
        ("en, zh", Lang.EN),
        ("zh", Lang.ZH),
        ("zh, en", Lang.ZH),
        ("zh-TW", Lang.ZH),
        ("zh-Hans-CN, en;q=0.5", Lang.ZH),
        ("fr, zh;q=0.3", Lang.ZH),
        ("en;q=0.1, zh;q=0.5", Lang.ZH),
    ],
)
def test_english_is_told_unless_chinese_is_preferred(header: str, lang: Lang) -> None:
    assert listener(NOBODY, "GET", {b"accept-language": header.encode()}).lang == lang


async def test_what_a_sentence_holds_is_told_in_both_languages(told: Site) -> None:
    for address, values in {
        f"{PLAN}/tasks?none=1": ("none", "asOf", "reportedStatus"),
        f"{PLAN}/tasks/999": ("shanghai-credit-2023/999",),
        f"{PLAN}?effectiveOn=2023-01-01": ("2023-03-28", "2023-01-01"),
        "/v1/commands": ("OPTIONS, POST",),
        f"{PLAN}/tasks?reportedStatus=done": ("reportedStatus", "done", "not_started"),
    }.items():
        for language in ("en", "zh"):
            problem = (await asked(told, "GET", address, language)).json()
            assert all(value in problem["detail"] for value in values), (address, language, problem["detail"])


async def test_who_ask_at_the_same_time_are_each_told_in_their_own_language(told: Site) -> None:
    """Who asks the same shares the answer, and nothing that goes wrong is kept for others."""
    for turn in range(5):
        address = f"/v1/plans/none-{turn}/tasks"
        languages = ["en", "zh", None, "zh-CN", "fr", "zh"]
        answers = await asyncio.gather(*(asked(told, "GET", address, one) for one in languages))
        assert [one.headers["Content-Language"] for one in answers] == [
            "en",
            "zh-Hans",
            "en",
            "zh-Hans",
            "en",
            "zh-Hans",
        ]
        assert [bool(CHINESE.search(one.json()["detail"])) for one in answers] == [
            False,
            True,
            False,
            True,
            False,
            True,
        ]


async def test_what_goes_well_is_the_same_in_whatever_language_it_is_asked(told: Site) -> None:
    answers = [await asked(told, "GET", PLAN, one) for one in ("en", "zh", None)]
    assert len({one.content for one in answers}) == len({one.headers["ETag"] for one in answers}) == 1
    assert not any("Content-Language" in one.headers for one in answers)
    assert "Accept-Language" not in answers[0].headers["Vary"]


async def test_a_head_has_the_headers_of_its_problem(told: Site) -> None:
    for language in ("en", "zh"):
        get, head = [await asked(told, method, "/v1/plans/none", language) for method in ("GET", "HEAD")]
        assert head.headers["Content-Language"] == get.headers["Content-Language"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert head.content == b""


async def test_who_would_connect_where_nothing_is_is_told_in_his_language(told: Site) -> None:
    for language, lang in (("en", "en"), ("zh", "zh-Hans")):
        url = f"ws://127.0.0.1:{told.http.base_url.port}/nowhere"
        with pytest.raises(InvalidStatus) as caught:
            async with connect(url, additional_headers={"Accept-Language": language}, proxy=None):
                pass
        refused = caught.value.response
        assert (refused.status_code, refused.headers["Content-Language"]) == (404, lang)
        assert bool(CHINESE.search(refused.body.decode())) == (language == "zh")


@pytest.mark.parametrize("code", sorted(problem_codes()))
def test_every_code_has_a_sentence_in_both_languages(code: str) -> None:
    sentences: Any = catalogue()[f"code.{code}"]
    assert CHINESE.search(sentences["zh"])
    assert not CHINESE.search(sentences["en"])
    told = Trouble(400, code, "why it is so")
    assert sentences["zh"] in body(told, "", Lang.ZH).decode()
    assert b"why it is so" in body(told, "", Lang.EN)
    assert headers(told, Lang.ZH)["Content-Language"] == "zh-Hans"

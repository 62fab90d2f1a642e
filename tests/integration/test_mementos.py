"""A resource is browsed through time as RFC 7089 has it: negotiated by Accept-Datetime, listed in a time map."""

import re
from typing import Any

import pytest

from tests.conftest import PLAN, Site, problem_of

TASK_21 = f"{PLAN}/tasks/21"
RESOURCES = [
    PLAN,
    TASK_21,
    "/v1/units/shang-hai-yin-bao-jian-ju",
    "/v1/districts/310115",
    "/v1/platforms/yi-wang-tong-ban",
]


async def then(site: Site, path: str, text: str) -> Any:
    """Where the resource is found as it was then, and the answer there."""
    way = await site.http.get(path, headers={"Accept-Datetime": text})
    assert way.status_code == 302, way.text
    assert "Accept-Datetime" in way.headers["Vary"]
    assert f'<{path}>; rel="original timegate"' in way.headers["Link"]
    assert f'<{path}/timemap>; rel="timemap"' in way.headers["Link"]
    found = await site.http.get(way.headers["Location"])
    assert found.status_code == 200, found.text
    return found


@pytest.mark.parametrize("path", RESOURCES)
async def test_a_resource_is_found_as_it_was_at_a_date(told: Site, path: str) -> None:
    found = await then(told, path, "Fri, 30 Jun 2023 04:00:00 GMT")
    asked = await told.get(path, asOf="2023-06-30T04:00:00Z")
    assert {**found.json(), "meta": None} == {**asked, "meta": None}
    assert found.headers["Memento-Datetime"] == "Thu, 15 Jun 2023 02:00:00 GMT"
    assert found.json()["meta"]["position"] == asked["meta"]["position"]


@pytest.mark.parametrize("path", RESOURCES)
async def test_a_date_before_the_record_is_its_first_moment_and_one_to_come_its_last(told: Site, path: str) -> None:
    first = await then(told, path, "Sat, 01 Jan 2000 00:00:00 GMT")
    assert first.headers["Memento-Datetime"] == "Mon, 03 Apr 2023 01:00:00 GMT"
    last = await then(told, path, "Mon, 01 Jan 2035 00:00:00 GMT")
    now = await told.get(path)
    assert {**last.json(), "meta": None} == {**now, "meta": None}


@pytest.mark.parametrize("path", RESOURCES)
async def test_a_time_map_lists_every_moment_and_each_leads_back_to_itself(told: Site, path: str) -> None:
    answer = await told.http.get(f"{path}/timemap")
    assert answer.headers["Content-Type"] == "application/link-format"
    gate, map_, *mementos = answer.text.split(",\n")
    assert gate == f'<{path}>; rel="original timegate"'
    assert map_.startswith(f'<{path}/timemap>; rel="self"; type="application/link-format"; from="Mon, 03 Apr 2023')
    assert "first" in mementos[0]
    assert "last" in mementos[-1]
    for one in mementos:
        found = re.fullmatch(r'<(\S+)>; rel="(?:first )?(?:last )?memento"; datetime="([^"]+)"', one)
        assert found
        answer = await told.http.get(found[1])
        assert answer.headers["Memento-Datetime"] == found[2]
        back = await then(told, path, found[2])
        assert back.json()["meta"]["position"] == answer.json()["meta"]["position"]
    if path == TASK_21:
        assert len(mementos) >= 4, "its reports are moments too"


async def test_a_clock_in_the_address_is_never_overruled(told: Site) -> None:
    header = {"Accept-Datetime": "Fri, 30 Jun 2023 04:00:00 GMT"}
    answer = await told.http.get(TASK_21, params={"position": 700}, headers=header)
    assert answer.status_code == 200
    assert answer.json()["meta"]["position"] == 700


async def test_the_head_is_no_memento_and_a_negotiated_answer_is_not_taken_for_it(told: Site) -> None:
    assert "Memento-Datetime" not in (await told.http.get(TASK_21)).headers
    await then(told, TASK_21, "Fri, 30 Jun 2023 04:00:00 GMT")
    assert (await told.http.get(TASK_21)).status_code == 200


@pytest.mark.parametrize("text", ["yesterday", "2023-06-30", "Fri, 31 Jun 2023 04:00:00 GMT", "x" * 5_000])
async def test_what_is_no_http_date_is_refused(told: Site, text: str) -> None:
    answer = await told.http.get(TASK_21, headers={"Accept-Datetime": text})
    assert problem_of(answer, 400)["errors"][0]["pointer"] == "Accept-Datetime"


async def test_what_is_not_there_has_no_mementos(told: Site) -> None:
    header = {"Accept-Datetime": "Fri, 30 Jun 2023 04:00:00 GMT"}
    assert problem_of(await told.http.get(f"{PLAN}/tasks/999", headers=header), 404)["code"] == "unknown_id"
    assert (await told.problem(404, f"{PLAN}/tasks/999/timemap"))["code"] == "unknown_id"

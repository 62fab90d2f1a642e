"""Cursors that were given out are followed; whatever else is sent as one is refused, and is never our mistake."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import PLAN, TASK, Site, problem_of
from tests.contract.test_lists import address, asked, lists

REWORD = {"type": "task.reword", "task": TASK, "reason": "试"}
CURSORS = [path for path in lists() if "cursor" in {one["name"] for one in lists()[path]["parameters"]}]
NOT_OURS = ["", "x", "%", "a b", "信用", "====", "A" * 5_000, "bnVsbA", "e30", "W10", "WzFd", "\x00", "WyJ0YXNrcyJd!!"]
FOREIGN: list[Any] = [None, True, -1, 0, 2**53, 2**63, 2**64, 10**40, 1.5, "x", "", "\x00", "2023-02-30", [], [[]], {}]
LIST, VERSION, POSITION, DAY, FILTER, PLACE, CLOCKS = range(7)


def opened(cursor: str) -> list[Any]:
    found: list[Any] = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return found


def closed(parts: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def cursor_in(address_: str) -> str:
    """The cursor that the address of a page names."""
    return parse_qs(urlsplit(address_).query)["cursor"][0]


async def following(site: Site, path: str) -> tuple[str, dict[str, str]] | None:
    """The cursor after a list's first item, and the other parameters beside it; None if that is all there is."""
    address_: str | None = (await asked(site, path, limit=1)).json()["next"]
    if not address_:
        return None
    given = {name: values[0] for name, values in parse_qs(urlsplit(address_).query).items()}
    return given.pop("cursor"), given


async def status(site: Site, path: str, cursor: str, **given: str) -> tuple[int, str]:
    """The status and the code of the answer to a page that is asked for with a cursor."""
    answer = await site.http.get(address(path), params={**given, "cursor": cursor})
    return answer.status_code, "" if answer.status_code == 200 else problem_of(answer, answer.status_code)["code"]


async def test_nearly_every_list_gives_a_cursor(told: Site) -> None:
    alone = [path for path in CURSORS if await following(told, path) is None]
    assert alone == ["/v1/plans", "/v1/districts/{code}/history", "/v1/platforms/{platform}/history"]


@pytest.mark.parametrize("path", CURSORS)
async def test_what_was_never_given_out_is_refused(told: Site, path: str) -> None:
    given = (await following(told, path) or ("", {}))[1]
    for cursor in NOT_OURS:
        assert await status(told, path, cursor, **given) == (400, "bad_cursor"), cursor


@pytest.mark.parametrize("path", CURSORS)
@pytest.mark.parametrize("part", range(7))
async def test_a_part_of_another_type_is_never_our_mistake(told: Site, path: str, part: int) -> None:
    cursor, given = await following(told, path) or ("", {})
    for foreign in FOREIGN if cursor else []:
        parts = opened(cursor)
        parts[part] = foreign
        good = {200} if part == CLOCKS and foreign == "" else set[int]()  # as if it were asked without clocks
        assert (await status(told, path, closed(parts), **given))[0] in {400, 410} | good, foreign


@pytest.mark.parametrize("path", CURSORS)
async def test_a_place_of_other_types_is_never_our_mistake(told: Site, path: str) -> None:
    cursor, given = await following(told, path) or ("", {})
    places: list[Any] = opened(cursor)[PLACE] if cursor else []
    for number, place in enumerate(places):
        for foreign in FOREIGN:
            parts = opened(cursor)
            parts[PLACE][number] = foreign
            said = await status(told, path, closed(parts), **given)
            same = type(foreign) is type(place)  # another place of the right type may well be one
            assert said in {(400, "bad_cursor"), (400, "malformed")} or (same and said == (200, "")), (number, foreign)


@pytest.mark.parametrize("path", CURSORS)
async def test_a_cursor_of_an_earlier_release_is_gone(told: Site, path: str) -> None:
    cursor, given = await following(told, path) or ("", {})
    if cursor:
        parts = opened(cursor)
        parts[VERSION] += 1
        assert await status(told, path, closed(parts), **given) == (410, "retired_cursor")


async def test_a_cursor_belongs_to_one_list_and_one_filter(told: Site) -> None:
    tasks, units = "/v1/plans/{plan}/tasks", "/v1/units"
    of_tasks, _ = await following(told, tasks) or ("", {})
    of_units, _ = await following(told, units) or ("", {})
    another = (400, "cursor_of_another_list")
    assert await status(told, units, of_tasks) == another
    assert await status(told, tasks, of_units) == another
    assert await status(told, tasks, of_tasks, part="3") == another
    assert await status(told, tasks, of_tasks, sort="-number") == another
    assert await status(told, tasks, of_tasks, limit="7") == (200, "")
    of_21 = str((await told.get(f"{PLAN}/tasks/21/reports", limit=1))["next"])
    cursor = cursor_in(of_21)
    assert (await told.problem(400, f"{PLAN}/tasks/25/reports", cursor=cursor))["code"] == "cursor_of_another_list"


async def test_a_cursor_goes_on_at_its_own_moment_alone(told: Site) -> None:
    tasks = "/v1/plans/{plan}/tasks"
    page = (await asked(told, tasks, limit=1, position=500, effectiveOn="2023-08-01")).json()
    cursor = cursor_in(page["next"])
    assert (await told.get(page["next"]))["meta"]["position"] == 500
    assert await status(told, tasks, cursor, position="500", effectiveOn="2023-08-01") == (200, "")
    assert await status(told, tasks, cursor, position="500", effectiveOn="2023-08-01") == (200, "")
    for clock in ({"position": "501"}, {"asOf": "2023-08-01"}, {"effectiveOn": "2023-08-01"}, {"position": "500"}):
        assert await status(told, tasks, cursor, **clock) == (400, "cursor_of_another_moment"), clock


async def test_the_clocks_of_the_first_page_may_be_sent_again_whatever_they_mean_by_now(site: Site) -> None:
    tasks = "/v1/plans/{plan}/tasks"
    today = (await site.get("/v1/plans"))["meta"]["effectiveOn"]
    resent: list[dict[str, str]] = [{}, {"asOf": today}, {"effectiveOn": today}]
    pages = [(await asked(site, tasks, limit=1, **clocks)).json() for clocks in resent]
    await site.record(REWORD | {"text": "改"})
    for clocks, page in zip(resent, pages, strict=True):
        cursor, position = cursor_in(page["next"]), page["meta"]["position"]
        while cursor:
            page = (await asked(site, tasks, limit=40, cursor=cursor, **clocks)).json()  # noqa: PLW2901 - the next one
            assert page["meta"]["position"] == position
            cursor = cursor_in(page["next"]) if page["next"] else ""
    assert await status(site, tasks, cursor_in(pages[0]["next"]), asOf=today) == (400, "cursor_of_another_moment")


async def test_graphql_goes_on_with_all_its_arguments_sent_again(site: Site) -> None:
    today = (await site.get("/v1/plans"))["meta"]["effectiveOn"]
    plan = TASK.partition("/")[0]
    task = 'tasks(plan: "%s", first: 1%s) { nodes { id } meta { position } pageInfo { endCursor } }'
    for clocks in ("", f', asOf: {{date: "{today}"}}', f', effectiveOn: "{today}"'):
        first = (await site.ask(f"{{ {task % (plan, clocks)} }}"))["tasks"]
        await site.record(REWORD | {"text": f"改{clocks}"})
        after = f'{clocks}, after: "{first["pageInfo"]["endCursor"]}"'
        second = (await site.ask(f"{{ {task % (plan, after)} }}"))["tasks"]
        assert second["meta"] == first["meta"], clocks
        assert ("@" in second["nodes"][0]["id"]) == ("@" in first["nodes"][0]["id"]) == bool(clocks)


async def test_a_past_id_may_be_sent_beside_the_clocks_that_it_came_from(told: Site) -> None:
    clocks = ', asOf: {date: "2023-06-30"}'
    past = (await told.ask(f'{{ task(id: "{TASK}"{clocks}) {{ id }} }}'))["task"]["id"]
    assert (await told.ask(f'{{ task(id: "{past}"{clocks}) {{ id }} }}'))["task"]["id"] == past
    wrong = {"query": f'{{ task(id: "{past}", asOf: {{date: "2023-09-30"}}) {{ id }} }}'}
    body = (await told.http.post("/graphql", json=wrong)).json()
    assert body["errors"][0]["extensions"]["code"] == "id_of_another_moment"


async def test_what_changed_goes_on_between_the_same_moments_alone(told: Site) -> None:
    cursor, given = await following(told, "/v1/diff") or ("", {})
    assert given == {
        "from": "500",
        "fromEffectiveOn": "2023-10-12",
        "to": "530",
        "toEffectiveOn": "2023-10-12",
        "limit": "1",
    }
    later = (400, "cursor_of_another_moment")
    assert await status(told, "/v1/diff", cursor, **(given | {"to": "531"})) == later
    assert await status(told, "/v1/diff", cursor, **(given | {"toEffectiveOn": "2023-10-13"})) == later
    assert await status(told, "/v1/diff", cursor, **(given | {"from": "501"})) == (400, "cursor_of_another_list")

"""What changed between two moments over REST is what somebody finds who reads both and compares."""

from typing import Any, cast

import pytest

from tests.conftest import PLAN, TASK, Site

PLAN_ID = PLAN.rpartition("/")[2]
SPANS: list[tuple[str, str]] = [("2023-06-30", "2023-12-31"), ("352", "480"), ("2023-08-01T00:00:00Z", "2023-10-31")]
UNTOLD = {"version", "meta", "taskCounts"}  # what is counted stands at the tasks
BY_NAMING = {"tasks"}  # what units, districts and platforms have by being named in a task


def clock(text: str) -> dict[str, str]:
    return {"position": text} if text.isdigit() else {"asOf": text}


async def shown(site: Site, path: str, moment: str) -> dict[str, Any]:
    """A view's fields at a moment; none if it is not there."""
    answer = await site.http.get(path, params=clock(moment))
    fields: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return uncounted(fields)


def uncounted(value: Any) -> Any:
    """Without what no difference tells, however deep."""
    if isinstance(value, list):
        return [uncounted(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: uncounted(one) for name, one in fields.items() if name not in UNTOLD}
    return value


async def listed(site: Site, path: str, moment: str, key: str = "id") -> dict[str, dict[str, Any]]:
    page = await site.get(path, limit=200, **clock(moment))
    assert page["next"] is None
    return {one[key]: uncounted(one) for one in page["items"]}


def compared(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    names = dict.fromkeys([*before, *after])
    found = [{"field": name, "before": before.get(name), "after": after.get(name)} for name in names]
    return [one for one in found if one["before"] != one["after"]]


@pytest.mark.parametrize("span", SPANS, ids=str)
async def test_one_things_diff_is_the_comparison_of_its_two_views(told: Site, span: tuple[str, str]) -> None:
    units = await listed(told, "/v1/units", span[1])
    paths = [
        PLAN,
        *(f"{PLAN}/tasks/{key}" for key in (1, 3, 21, 25, 28, 32, 67)),
        *(f"/v1/units/{unit}" for unit in list(units)[::6]),
        "/v1/units/guo-jia-jin-rong-jian-du-guan-li-zong-ju-shang-hai-jian-guan-ju",
        "/v1/districts/310115",
        "/v1/platforms/yi-wang-tong-ban",
    ]
    for path in paths:
        before, after = await shown(told, path, span[0]), await shown(told, path, span[1])
        answer = await told.http.get(f"{path}/diff", params={"from": span[0], "to": span[1]})
        if not before and not after:
            assert answer.status_code == 404, path
            continue
        found = answer.json()
        assert found["changes"] == compared(before, after), path
        outcome = "added" if not before else "removed" if not after else "changed" if found["changes"] else "unchanged"
        assert found["change"] == outcome


async def everything(site: Site, **query: str) -> list[Any]:
    page = await site.get("/v1/diff", limit=200, **query)
    items = page["items"]
    while page["next"]:
        page = await site.get(page["next"])
        items += page["items"]
    return items


@pytest.mark.parametrize("span", SPANS, ids=str)
async def test_everything_is_the_comparison_of_all_lists(told: Site, span: tuple[str, str]) -> None:
    items = await everything(told, **{"from": span[0], "to": span[1]})
    found = {(one["kind"], one["id"]): one["changes"] for one in items}
    assert len(found) == len(items)
    expected: dict[tuple[str, str], Any] = {}
    for kind, path, key in (
        ("task", f"{PLAN}/tasks", "id"),
        ("unit", "/v1/units", "id"),
        ("district", "/v1/districts", "code"),
        ("platform", "/v1/platforms", "id"),
    ):
        before, after = await listed(told, path, span[0], key), await listed(told, path, span[1], key)
        for one in before.keys() | after.keys():
            changes = compared(before.get(one, {}), after.get(one, {}))
            own = [each for each in changes if kind == "task" or each["field"] not in BY_NAMING]
            if own:
                expected[kind, one] = own
    for key_, changes in expected.items():
        told_ = [one for one in found[key_] if key_[0] == "task" or one["field"] not in BY_NAMING]
        assert told_ == changes, key_
    assert {key_ for key_ in found if key_[0] in {"task", "unit", "district", "platform"}} == expected.keys()


async def test_each_kind_can_be_asked_for_alone(told: Site) -> None:
    span = {"from": "2023-06-30", "to": "2023-12-31"}
    whole = await everything(told, **span)
    for kind in {one["kind"] for one in whole}:
        assert await everything(told, kind=kind, **span) == [one for one in whole if one["kind"] == kind]
    reports = [one for one in whole if one["kind"] == "report"]
    assert len(reports) > 100
    assert all("text" not in str(one["changes"]) for one in reports), "what may have to be forgotten is not told here"


async def test_the_facts_behind_a_change_are_those_of_its_stream_in_between(told: Site) -> None:
    for one in await everything(told, **{"from": "360", "to": "500"}, plan=PLAN_ID):
        for fact in one["facts"]:
            event = await told.get(f"/v1/events/{fact['position']}")
            assert 360 < fact["position"] <= 500
            assert event["type"] == fact["type"]
            assert event["cause"]["reason"] == fact["reason"]
        if one["kind"] in {"report", "unit"} and one["change"] == "added":
            assert one["facts"], one["id"]


async def test_the_effective_clock_alone_may_move(told: Site) -> None:
    now = {"from": "759", "to": "759", "fromEffectiveOn": "2023-06-30", "toEffectiveOn": "2023-12-31"}
    found = {one["id"]: one for one in await everything(told, **now, kind="unit")}
    unit = found["shang-hai-yin-bao-jian-ju"]
    assert [change["field"] for change in unit["changes"]] == ["successors"]
    assert [fact["effectiveOn"] for fact in unit["facts"]] == ["2023-07-20"]
    assert await everything(told, **(now | {"fromEffectiveOn": "2023-12-31"})) == []


async def test_what_changed_between_two_pinned_moments_may_be_kept(real: Site) -> None:
    pins = {"from": "100", "fromEffectiveOn": "2023-03-28", "to": "352", "toEffectiveOn": "2023-12-31"}
    for path in (f"{PLAN}/tasks/21/diff", "/v1/diff"):
        assert (await real.http.get(path, params=pins)).headers["Cache-Control"] == "public, max-age=3600"


async def test_a_span_names_its_ends_and_stays_as_it_is_once_both_are_pinned(told: Site) -> None:
    answer = await told.http.get(f"{PLAN}/tasks/21/diff", params={"from": "2023-06-30"})
    meta = answer.json()["meta"]
    then = (await told.get(f"{PLAN}/tasks/21", asOf="2023-06-30"))["meta"]
    assert meta["log"] == then["log"]
    assert meta["from"] == {
        "position": 361,
        "root": then["root"],
        "asOf": "2023-06-15T02:00:00.000000Z",
        "effectiveOn": "2023-06-30",
    }
    assert meta["to"]["effectiveOn"] == "2023-12-31"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Log-Position"] == str(meta["to"]["position"])
    pinned = await told.http.get(meta["self"])
    assert pinned.json()["changes"] == answer.json()["changes"]
    assert pinned.json()["meta"]["self"] == meta["self"]


@pytest.mark.parametrize("path", [f"{PLAN}/tasks/21/diff", "/v1/diff", f"{PLAN}/diff"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (400, "bad_parameter", "from")),
        ({"from": "2022-06-30"}, (404, "before_the_record", "from")),
        ({"from": "2023-06-30", "to": "2022-06-30"}, (404, "before_the_record", "to")),
        ({"from": "2024-06-30"}, (400, "bad_moment", "from")),
        ({"from": "2023-06-30", "to": "2024-06-30"}, (400, "bad_moment", "to")),
        ({"from": "999999"}, (400, "bad_moment", "from")),
        ({"from": "0"}, (400, "bad_moment", "from")),
        ({"from": "400", "to": "300"}, (400, "bad_moment", "from")),
        ({"from": "30 June"}, (400, "bad_moment", "from")),
        ({"from": "2023-06-30T00:00:00 08:00"}, (400, "bad_moment", "from")),
        ({"from": "400", "fromEffectiveOn": "x"}, (400, "bad_moment", "fromEffectiveOn")),
        ({"from": "400", "toEffectiveOn": "2023-02-30"}, (400, "bad_moment", "toEffectiveOn")),
        ({"from": "400", "asOf": "2023-06-30"}, (400, "unknown_parameter", "asOf")),
        ({"from": "400", "effectiveOn": "2023-06-30"}, (400, "unknown_parameter", "effectiveOn")),
        ({"from": "9" * 30}, (400, "bad_moment", "from")),
    ],
    ids=str,
)
async def test_a_span_that_is_none_is_refused_by_the_name_of_its_end(
    told: Site, path: str, query: dict[str, str], expected: tuple[int, str, str]
) -> None:
    problem = await told.problem(expected[0], path, **query)
    assert (problem["code"], problem["errors"][0]["pointer"]) == expected[1:]


async def test_what_was_never_there_is_a_404(told: Site) -> None:
    span = {"from": "400", "to": "500"}
    assert (await told.problem(404, f"{PLAN}/tasks/999/diff", **span))["code"] == "unknown_id"
    assert (await told.problem(404, "/v1/diff", plan="x", **span))["code"] == "unknown_id"
    early = await told.problem(404, f"/v1/plans/{TASK.replace('/', '/tasks/')}/diff", **{"from": "1", "to": "2"})
    assert early["code"] == "not_at_this_moment"


async def test_a_diff_names_the_facts_of_joined_subjects_wherever_they_changed_what_is_shown(told: Site) -> None:
    span = {"from": "352", "to": "759", "fromEffectiveOn": "2023-03-28", "toEffectiveOn": "2023-12-31"}
    for one in await everything(told, **span):
        assert one["facts"], f"{one['kind']} {one['id']} changed, and nobody knows why"
        if one["kind"] == "task":
            alone = await told.get(f"{PLAN}/tasks/{one['id'].rpartition('/')[2]}/diff", **span)
            assert (alone["changes"], alone["facts"]) == (one["changes"], one["facts"]), one["id"]


async def test_a_unit_that_was_renamed_is_named_behind_its_tasks_new_names(site: Site) -> None:
    (first,) = (await site.get(f"{PLAN}/tasks/21"))["assignments"][:1]
    unit = first["assignee"]["id"]
    size = (await site.get("/v1/plans"))["meta"]["position"]
    await site.record({"type": "unit.rename", "unit": unit, "name": "新名称", "reason": "更名"})
    found = await site.get(f"{PLAN}/tasks/21/diff", **{"from": str(size)})
    assert [one["field"] for one in found["changes"]] == ["assignments", "answered"]
    assert [(one["type"], one["reason"]) for one in found["facts"]] == [("unit.renamed.v1", "更名")]

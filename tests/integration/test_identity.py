"""An id is one unit's for life, and a subject that others name cannot be taken from under them."""

from typing import Any

import pytest

from domain.bundled import bundled_plan
from tests.conftest import Site, problem_of

PLAN = bundled_plan()


def an_import(text: str, **fields: Any) -> dict[str, Any]:
    """A second plan that is like the first."""
    return {
        "type": "plan.import",
        "plan": "another",
        "text": text,
        "issuer": PLAN.issuer,
        "issuedOn": "2024-03-28",
        "reason": "另一份",
        **fields,
    }


async def test_a_name_that_sounds_like_a_known_unit_gets_an_id_of_its_own(empty_site: Site) -> None:
    await empty_site.clock("2024-04-01T09:00:00+08:00")
    await empty_site.record(an_import(PLAN.text.replace("| 市科委牵头 |", "| 市交委牵头 |")))
    assert (await empty_site.get("/v1/units/shi-jiao-wei"))["name"] == "市教委"
    assert (await empty_site.get("/v1/units/shi-jiao-wei-2"))["name"] == "市交委"


@pytest.mark.parametrize(
    "ids",
    [{"市航天委": "shi-ke-wei", "市极地局": "shi-ji-di-ju"}, {"市航天委": "x", "市极地局": "x"}],
)
async def test_one_id_is_never_given_to_two_names(site: Site, ids: dict[str, str]) -> None:
    text = PLAN.text.replace("| 市知识产权局牵头 |", "| 市航天委牵头 |").replace("| 市教委牵头 |", "| 市极地局牵头 |")
    assert text.count("市航天委") >= 1
    assert text.count("市极地局") >= 1
    problem = problem_of(await site.send(an_import(text, unitIds=ids)), 422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("already_exists", "/unitIds")


@pytest.mark.parametrize("stream", ["task:shanghai-credit-2023/21", "plan:shanghai-credit-2023", "unit:shi-ke-wei"])
async def test_what_others_stand_on_cannot_be_voided(site: Site, stream: str) -> None:
    await site.clock("2023-08-10T09:00:00+08:00")
    report = {"type": "progress.report", "period": "2023-Q2", "status": "completed", "narrative": "已完成"}
    await site.record(
        report | {"task": "shanghai-credit-2023/21", "unit": "shi-yi-bao-ju"},
        report | {"task": "shanghai-credit-2023/22", "unit": "shi-ke-wei"},
    )
    first = (await site.get("/v1/events", stream=stream, limit="1"))["items"][0]["position"]
    problem = problem_of(await site.send({"type": "fact.void", "target": first, "reason": "试"}), 422)
    assert problem["code"] == "still_referred_to"


async def test_nor_can_what_replaced_it(site: Site) -> None:
    stream = "unit:shi-ke-wei"
    first = (await site.get("/v1/events", stream=stream, limit="1"))["items"][0]["position"]
    again = {"type": "unit.register", "unit": "shi-ke-wei", "name": "市科技委", "reason": "更正", "replaces": first}
    position = (await site.record(again))["position"]
    problem = problem_of(await site.send({"type": "fact.void", "target": position, "reason": "试"}), 422)
    assert problem["code"] == "still_referred_to"


async def test_what_the_log_could_not_read_again_is_never_recorded(site: Site) -> None:
    size = (await site.get("/health/ready"))["position"]
    text = PLAN.text.replace("2023年上海市社会信用体系建设工作要点", "2024年上海市社会信用体系建设工作要点")
    text = text.replace("深化市场准营承诺即入制改革,", "深化市场准营承诺即入制改革," + "长" * 9_000)
    problem = problem_of(await site.send(an_import(text)), 422)
    assert problem["code"] == "unrecordable"
    assert (await site.get("/health/ready"))["position"] == size
    assert (await site.get("/v1/plans"))["items"][0]["counts"]["tasks"] == 67

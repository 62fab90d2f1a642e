"""A plan in StratML as its own schema judges it: at the import, at the year's end, and at a past moment."""

from importlib import import_module
from typing import Any, Final

import pytest

from tests.conftest import TASK, Site
from tests.feeds import fetched
from tests.interop.conftest import schema
from tests.interop.test_feeds import HOSTILE, faults
from tests.stratml import ADDRESS

SCHEMA: Final = "stratml-part2-20160216.xsd"
etree: Any = import_module("lxml.etree")  # whose types nobody publishes


def judge() -> Any:
    """The schema of StratML Part 2."""
    path = schema(SCHEMA)
    assert path is not None
    return etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.standard(SCHEMA)
def test_the_schema_finds_what_is_wrong() -> None:
    assert faults(judge(), b"<PerformancePlanOrReport/>")


@pytest.mark.standard(SCHEMA)
@pytest.mark.parametrize("query", ["", "?lang=en"])
async def test_the_imported_plan_is_stratml(shared: Site, query: str) -> None:
    assert faults(judge(), (await fetched(shared, f"{ADDRESS}{query}")).content) == []


@pytest.mark.standard(SCHEMA)
@pytest.mark.parametrize("query", ["", "?lang=en", "?asOf=2023-06-30", "?position=700&effectiveOn=2023-05-31"])
async def test_the_plan_of_the_told_year_is_stratml_at_every_moment(told: Site, query: str) -> None:
    assert faults(judge(), (await fetched(told, f"{ADDRESS}{query}")).content) == []


@pytest.mark.standard(SCHEMA)
@pytest.mark.usefixtures("words_of_old")
async def test_hostile_words_and_a_withdrawn_task_are_stratml(site: Site) -> None:
    await site.record(
        {"type": "task.reword", "task": TASK, "text": HOSTILE, "reason": HOSTILE},
        {"type": "unit.rename", "unit": "shi-ke-wei", "name": HOSTILE, "reason": HOSTILE},
        {"type": "task.withdraw", "task": "shanghai-credit-2023/3", "reason": HOSTILE},
    )
    assert faults(judge(), (await fetched(site, ADDRESS)).content) == []

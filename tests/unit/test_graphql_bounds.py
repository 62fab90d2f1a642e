"""What an answer may cost, and what is remembered of it, have bounds."""

import msgspec
import pytest

from api.graphql import remembered
from api.graphql.parsed import read
from api.graphql.projection import Cost
from api.graphql.world import MOST, Budget
from api.problems import Trouble


def test_lists_may_hold_so_many_items_and_no_more() -> None:
    budget = Budget()
    budget.spend(MOST)
    with pytest.raises(Trouble) as refused:
        budget.spend(1)
    assert (refused.value.status, refused.value.code) == (400, "too_complex")


def test_what_is_remembered_is_forgotten_when_it_is_too_much() -> None:
    memory, raw = remembered._Memory(), msgspec.Raw(b"{}")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    one = remembered._Kept(object(), "", None, raw)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for number in range(4):
        memory.keep((0, number), one, remembered.MOST // 3)
    assert list(memory.kept) == [(0, 3)]


def test_a_page_costs_what_each_of_its_items_costs() -> None:
    assert Cost(once=5, each=7).of(100) == 705


@pytest.mark.parametrize("text", ["{ tusk }", "{", "query ($a: Int) { __typename }", "subscription { plans }", "{ }"])
async def test_what_is_wrong_with_a_text_is_said(text: str) -> None:
    errors = await read(text)
    assert isinstance(errors, list)
    assert errors

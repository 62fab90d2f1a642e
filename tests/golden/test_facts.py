"""A leaf of every fact ever released, as exact bytes. Append-only: a file is added behind all others, never changed."""

import msgspec
import pytest

from domain.commands import FACTS
from domain.fact import tag
from events.codec import canonical, decode, encode
from projections.views.events import BESIDE, LogEntry, event_view
from tests.golden.leaves import POSITIONS, RELEASED, RELEASED_ROOT, root_of

every_leaf = pytest.mark.parametrize("name", RELEASED)
every_current_leaf = pytest.mark.parametrize("name", sorted(FACTS))


def test_every_fact_has_a_leaf_here() -> None:
    assert set(FACTS) <= set(RELEASED)


@every_leaf
def test_a_leaf_decodes_forever(name: str) -> None:
    assert tag(decode(RELEASED[name]).fact).rpartition(".")[0] == name.rpartition(".")[0]


@every_current_leaf
def test_a_leaf_of_a_current_fact_is_printed_again_byte_for_byte(name: str) -> None:
    assert encode(decode(RELEASED[name])) == RELEASED[name]


@every_leaf
def test_the_item_of_a_leaf_is_the_leaf_for_ever(name: str) -> None:
    item = msgspec.to_builtins(event_view(LogEntry(RELEASED[name], None, (1, 1)), {}))
    assert canonical({field: value for field, value in item.items() if field not in BESIDE}) == RELEASED[name]


def test_the_leaves_have_the_root_they_always_had() -> None:
    size, kept = RELEASED_ROOT.read_text().split()
    assert root_of(int(size)) == kept


def test_a_leaf_is_added_behind_all_others() -> None:
    assert [*range(101, 101 + len(RELEASED))] == POSITIONS

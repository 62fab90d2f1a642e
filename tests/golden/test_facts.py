"""A leaf of every fact ever released, as exact bytes. Append-only: a file here is added, never changed or removed."""

from pathlib import Path

import pytest

from domain.commands import FACTS
from domain.fact import tag
from events.codec import decode, encode
from events.merkle import extend, root

FOLDER = Path(__file__).with_name("facts")
RELEASED = {file.stem: file.read_bytes() for file in sorted(FOLDER.glob("*.json"))}
every_leaf = pytest.mark.parametrize("name", RELEASED)
every_current_leaf = pytest.mark.parametrize("name", sorted(FACTS))

ROOT = "7c9ae851f8cb27e11b4d9cc25e0f25fedba9434bd69f12e14ed4145fe43f2d27"
"""Of the leaves in the order of their names; it changes when a fact is added, and for no other reason."""


def test_every_fact_has_a_leaf_here() -> None:
    assert set(FACTS) <= set(RELEASED)


@every_leaf
def test_a_leaf_decodes_forever(name: str) -> None:
    assert tag(decode(RELEASED[name]).fact).rpartition(".")[0] == name.rpartition(".")[0]


@every_current_leaf
def test_a_leaf_of_a_current_fact_is_printed_again_byte_for_byte(name: str) -> None:
    assert encode(decode(RELEASED[name])) == RELEASED[name]


def test_the_leaves_have_the_root_they_always_had() -> None:
    assert root(extend((), 0, RELEASED.values())[0]).hex() == ROOT

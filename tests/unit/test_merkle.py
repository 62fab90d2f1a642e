"""The running root against RFC 6962, a second implementation, and itself."""

from random import Random
from typing import Any

import pytest
from hypothesis import given as whenever
from hypothesis import settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # pyright: ignore[reportMissingTypeStubs]

from api.auditing.leaves import tree_hash
from events.merkle import NodePlace, TreeNode, extend, leaf_hash, node_hash, root, subtrees

VECTORS = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]
"""The leaves of Certificate Transparency's reference tests, each with the root of the tree that ends with it."""


def of(entries: list[bytes]) -> bytes:
    return root(extend((), 0, entries)[0])


def test_the_empty_log_has_the_hash_of_nothing() -> None:
    assert root(()).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, len(VECTORS) + 1))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    entries = [bytes.fromhex(leaf) for leaf, _ in VECTORS[:size]]
    assert of(entries).hex() == VECTORS[size - 1][1]


def second_opinion(entries: list[bytes]) -> bytes:
    tree: Any = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return bytes(tree.get_root())


def test_a_second_implementation_finds_the_same_root_at_every_size() -> None:
    random = Random(6962)  # noqa: S311 - examples, not secrets
    entries = [random.randbytes(random.randrange(100)) for _ in range(71)]
    for size in range(71):
        assert of(entries[:size]) == second_opinion(entries[:size]), size


@whenever(st.lists(st.binary(max_size=40), max_size=130))
@settings(max_examples=60, deadline=None)
def test_a_second_implementation_finds_the_same_root_of_random_leaves(entries: list[bytes]) -> None:
    assert of(entries) == second_opinion(entries) == tree_hash(entries)


@whenever(st.lists(st.binary(max_size=8), max_size=70), st.lists(st.integers(0, 70)))
@settings(deadline=None)
def test_a_log_that_grows_in_pieces_has_the_root_of_one_grown_at_once(entries: list[bytes], cuts: list[int]) -> None:
    frontier, size, nodes = (), 0, list[TreeNode]()
    for end in [*sorted(cut for cut in cuts if cut <= len(entries)), len(entries)]:
        (frontier, more), size = extend(frontier, size, entries[size:end]), end
        nodes += more
    assert (frontier, nodes) == extend((), 0, entries)
    assert root(frontier) == of(entries)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 1000])
def test_the_frontier_holds_one_hash_for_each_bit_of_the_size(size: int) -> None:
    assert len(extend((), 0, [b"x"] * size)[0]) == size.bit_count() == len(subtrees(size))


LEAVES = [number.to_bytes(2) for number in range(300)]
NODES = extend((), 0, LEAVES)[1]


def test_every_full_node_comes_once_and_is_the_root_of_its_leaves() -> None:
    every = {(level, number) for level in range(9) for number in range(len(LEAVES) >> level)}
    assert sorted(NodePlace(one.level, one.number) for one in NODES) == sorted(every)
    for level, number, hash_ in NODES:
        assert hash_ == tree_hash(LEAVES[number << level : (number + 1) << level]), (level, number)


def test_the_nodes_of_a_larger_log_make_the_root_at_every_size_before() -> None:
    kept = {NodePlace(one.level, one.number): one.hash for one in NODES}
    for size in range(len(LEAVES) + 1):
        frontier = tuple(kept[place] for place in subtrees(size))
        assert root(frontier) == tree_hash(LEAVES[:size]), size
        assert frontier == extend((), 0, LEAVES[:size])[0], size


@whenever(st.integers(0, 2**40))
def test_the_nodes_that_make_a_root_cover_its_leaves_from_the_first_to_the_last(size: int) -> None:
    end = 0
    for level, number in subtrees(size):
        assert number << level == end
        end += 1 << level
    assert end == size


def test_a_leaf_and_a_node_of_the_same_bytes_differ() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)

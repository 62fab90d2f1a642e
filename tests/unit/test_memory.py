"""One memory: bounded in bytes, its overhead counted, and nothing depends on its having room."""

import gc
import tracemalloc
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from projections.as_of import statement_of
from projections.memory import OVERHEAD, Memory
from projections.views.subjects import TABLES
from projections.wanted import wanted


def test_what_was_put_is_there_and_what_was_not_is_not() -> None:
    memory = Memory(100_000)
    memory.put("a", 1, 10)
    assert memory.get("a") == 1
    assert memory.get("b") is None
    assert memory.size == 10 + OVERHEAD


def test_what_is_asked_for_stays_and_what_is_not_goes() -> None:
    memory = Memory(100_000)
    for number in range(1_000):
        memory.put(number, number, 1_000)
        assert memory.get(0) == 0
        assert memory.size <= memory.bound
    assert memory.get(999) == 999
    assert memory.get(1) is None


def test_what_is_only_offered_pushes_out_nothing_but_its_like() -> None:
    memory = Memory(100_000)
    memory.put("part", 1, 1_000)
    memory.offer("asked for again", 2, 1_000)
    assert memory.get("asked for again") == 2
    for number in range(1_000):
        memory.offer(number, number, 1_000)
        assert memory.size <= memory.bound
    assert [memory.get(key) for key in ("part", "asked for again", 0, 999)] == [1, 2, None, 999]


def test_one_value_does_not_take_all_the_room() -> None:
    memory = Memory(100_000)
    memory.put("small", 1, 100)
    memory.put("large", 2, 90_000)
    assert memory.get("small") == 1
    assert memory.get("large") is None


def test_several_at_once_are_what_they_are_one_by_one() -> None:
    memory = Memory(20_000)
    for number in range(40):
        memory.put(number, str(number), 400)
        assert memory.several([number, -1]) == [str(number), None]
        assert memory.several([0, 0]) == ["0", "0"]
        assert memory.size <= memory.bound


def test_what_is_made_is_made_once_while_there_is_room() -> None:
    for bound, times in ((100_000, 1), (0, 3)):
        memory, made = Memory(bound), list[int]()

        def make(made: list[int] = made) -> str:
            made.append(1)
            return "a"

        assert [memory.made("a", make, len) for _ in range(3)] == ["a", "a", "a"]
        assert len(made) == times


def test_putting_again_does_not_count_twice() -> None:
    memory = Memory(100_000)
    for weight in (100, 9_000, 5_000):
        memory.put("a", weight, weight)
    assert (memory.get("a"), memory.size) == (5_000, 5_000 + OVERHEAD)
    memory.drop("a")
    assert (memory.get("a"), memory.size) == (None, 0)


def test_without_room_nothing_is_kept() -> None:
    memory = Memory(0)
    memory.put("a", 1, 0)
    assert memory.get("a") is None


@given(st.lists(st.tuples(st.sampled_from(["put", "offer", "get", "drop"]), st.integers(0, 30), st.integers(0, 1_000))))
def test_its_size_is_that_of_what_it_holds_and_never_above_its_bound(steps: list[tuple[str, int, int]]) -> None:
    memory = Memory(8_000)  # a few of them, so that they grow old
    put: dict[int, int] = {}
    for step, key, weight in steps:
        match step:
            case "put" | "offer":
                {"put": memory.put, "offer": memory.offer}[step](key, (key, weight), weight)
                put[key] = weight
            case "get":
                assert memory.get(key) in {None, (key, put.get(key))}
            case _:
                memory.drop(key)
        assert memory.size <= memory.bound
    for key, weight in put.items():  # one by one: what is found may push out another
        found, size = memory.get(key) is not None, memory.size
        memory.drop(key)
        assert size - memory.size == found * (weight + OVERHEAD)
    assert memory.size == 0


def test_small_values_take_no_more_than_is_counted() -> None:
    memory = Memory(4_000_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(50_000):
        body = b"x" * 50 + number.to_bytes(4)
        memory.put(("kind", f"name {number}", number), body, len(body))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken <= memory.bound


def test_statements_take_no_more_than_is_counted() -> None:
    memory = Memory(100_000_000)
    statement_of(Memory(0), tuple(wanted(one, key="a").form for one in TABLES), "digest")
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for tables in combinations(TABLES, 3):
        # GraphQL gives the tables of a statement names of its own
        forms = [wanted(one._replace(name=f"{number}"), key="a").form for number, one in enumerate(tables)]
        statement_of(memory, tuple(forms), "digest")
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken <= 1.2 * memory.size

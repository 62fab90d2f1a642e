"""The leaf: one fact, one spelling. RFC 8785 bytes, and a parser that takes nothing else."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import given as whenever
from hypothesis import settings
from hypothesis import strategies as st

from domain.commands import FACTS
from domain.fact import tag
from domain.task import TaskReworded
from domain.values import SHANGHAI
from events.codec import MAX_LEAF, LeafError, canonical, decode, encode
from events.recorded import Cause, Recorded
from tests.unit.histories import anything
from tests.unit.samples import SAMPLES
from tests.unit.saying import ADOPTED, OFFICE, REQUEST

INSTANT = datetime(2023, 8, 10, 4, 0, 0, 120, tzinfo=UTC)
LIMIT = 2**53

keys = st.text(st.characters(max_codepoint=127))
scalars = st.none() | st.booleans() | st.integers(-LIMIT + 1, LIMIT - 1) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


def recorded(text: str = "新。", at: datetime = INSTANT, **changed: Any) -> Recorded:
    cause = Cause("task.reword", REQUEST, None, "沪信用办〔2023〕1号")
    one = Recorded(7, "task:credit-2023/1", 2, OFFICE, at, ADOPTED, 5, cause, TaskReworded(text))
    return msgspec.structs.replace(one, **changed)


@whenever(values)
@settings(max_examples=400, deadline=None)
def test_canonical_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "text", ["𠮷野家😀", "\x00\x01\x1f\x7f\x80\u2028\u2029", '\\"/\b\f\n\r\t', "\ufeff\uffff", "é/e\u0301"]
)
def test_texts_at_the_edges_of_unicode_are_rfc_8785_too(text: str) -> None:
    assert canonical([text, {"a": text}]) == rfc8785.dumps([text, {"a": text}])


def test_keys_come_in_order_whatever_their_number() -> None:
    assert canonical({"b": 1, "a": 2, "B": 3, "aa": 4, "": 5}) == b'{"":5,"B":3,"a":2,"aa":4,"b":1}'


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("a float", 1.5),
        ("a float that is whole", 1.0),
        ("a float inside", {"a": [1, {"b": 0.1}]}),
        ("2^53", LIMIT),
        ("-2^53", -LIMIT),
        ("an integer beyond 2^53 inside", [{"a": LIMIT + 1}]),
        ("a key that is not ASCII", {"键": 1}),
        ("an astral key", {"a": {"😀": 1}}),
        ("a key that is no text", {1: 1}),
        ("half of a surrogate pair", "\ud83d"),
        ("half of a surrogate pair inside", {"a": ["x\ude00"]}),
        ("a date", date(2023, 3, 28)),
        ("bytes", b"x"),
        ("a set", {"a"}),
    ],
)
def test_what_has_no_canonical_form_is_refused(what: str, value: Any) -> None:
    with pytest.raises(LeafError):
        assert canonical(value) is None, what


@pytest.mark.parametrize("value", [LIMIT - 1, -LIMIT + 1])
def test_the_largest_integers_are_taken(value: int) -> None:
    assert canonical(value) == str(value).encode()


def test_there_is_a_sample_of_every_fact() -> None:
    assert {tag(one) for one in SAMPLES} == set(FACTS)


@pytest.mark.parametrize("fact", SAMPLES, ids=repr)
def test_every_fact_is_read_as_it_was_written(fact: Any) -> None:
    one = recorded(fact=fact)
    entry = encode(one)
    assert decode(entry) == one
    assert encode(decode(entry)) == entry


@whenever(anything)
@settings(max_examples=100, deadline=None)
def test_random_histories_are_read_as_they_were_written(facts: list[Recorded]) -> None:
    assert [decode(encode(one)) for one in facts] == facts


@pytest.mark.parametrize("fact", SAMPLES, ids=tag)
def test_a_leaf_is_rfc_8785_and_has_all_its_keys(fact: Any) -> None:
    entry = encode(recorded(fact=fact))
    leaf = msgspec.json.decode(entry)
    assert rfc8785.dumps(leaf) == entry
    assert set(leaf) == {
        "v", "position", "stream", "version", "type", "actor", "recordedAt", "effectiveOn", "replaces", "cause", "data",
    }  # fmt: skip
    assert set(leaf["cause"]) == {"command", "request", "reason", "authority"}
    assert leaf["type"] == tag(fact)
    assert "type" not in leaf["data"]


def test_what_is_absent_is_null() -> None:
    cause = Cause("progress.report", REQUEST, None, None)
    leaf = msgspec.json.decode(encode(recorded(replaces=None, cause=cause)))
    assert (leaf["replaces"], leaf["cause"]["reason"], leaf["cause"]["authority"]) == (None, None, None)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2023, 8, 10, 4, tzinfo=UTC), "2023-08-10T04:00:00.000000Z"),
        (datetime(2023, 8, 10, 12, tzinfo=SHANGHAI), "2023-08-10T04:00:00.000000Z"),
        (datetime(2023, 8, 10, 4, 0, 0, 1, tzinfo=UTC), "2023-08-10T04:00:00.000001Z"),
        (datetime(2023, 8, 10, 4, 0, 0, 120000, tzinfo=UTC), "2023-08-10T04:00:00.120000Z"),
    ],
)
def test_an_instant_has_six_digits_and_z(at: datetime, written: str) -> None:
    assert msgspec.json.decode(encode(recorded(at=at)))["recordedAt"] == written


@whenever(st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC)), st.integers(-14, 14))  # noqa: DTZ001
@settings(deadline=None)
def test_one_instant_has_one_spelling_in_every_zone(at: datetime, hours: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(hours=hours)))
    assert encode(recorded(at=at)) == encode(recorded(at=elsewhere))
    assert decode(encode(recorded(at=at))).recorded_at == at


ENTRY = encode(recorded())


def test_the_leaf_that_the_next_tests_spoil_is_this_one() -> None:
    assert ENTRY.decode() == (
        '{"actor":"shanghai-credit-office","cause":{"authority":"沪信用办〔2023〕1号","command":"task.reword",'
        '"reason":null,"request":"0189dd21-4a00-7000-8000-000000000001"},"data":{"text":"新。"},'
        '"effectiveOn":"2023-03-28","position":7,"recordedAt":"2023-08-10T04:00:00.000120Z","replaces":5,'
        '"stream":"task:credit-2023/1","type":"task.reworded.v1","v":1,"version":2}'
    )
    assert decode(ENTRY) == recorded()


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("a blank after a comma", ',"position"', ', "position"'),
        ("a line at the end", ',"version":2}', ',"version":2}\n'),
        ("a blank inside data", '{"text":', '{ "text":'),
        ("another order of keys", '"v":1,"version":2', '"version":2,"v":1'),
        (
            "another order in the cause",
            '"command":"task.reword","reason":null',
            '"reason":null,"command":"task.reword"',
        ),
        ("an unknown key", '"v":1', '"u":1,"v":1'),
        ("an unknown key in the cause", '"reason":null', '"reason":null,"remark":null'),
        ("an unknown key in data", '"text":"新。"', '"text":"新。","texts":1'),
        ("a type inside data", '"text":"新。"', '"text":"新。","type":"task.reworded.v1"'),
        ("a missing key", '"replaces":5,', ""),
        ("a missing key in the cause", '"reason":null,', ""),
        ("a missing key in data", '"text":"新。"', ""),
        ("a key twice", '"v":1,', '"v":1,"v":1,'),
        ("a key twice in data", '"text":"新。"', '"text":"旧。","text":"新。"'),
        ("a key twice in the cause", '"reason":null', '"reason":null,"reason":null'),
        ("three digits of a second", "04:00:00.000120Z", "04:00:00.000Z"),
        ("no digits of a second", "04:00:00.000120Z", "04:00:00Z"),
        ("seven digits of a second", ".000120Z", ".0001200Z"),
        ("a zone in place of Z", ".000120Z", ".000120+00:00"),
        ("another zone", "04:00:00.000120Z", "12:00:00.000120+08:00"),
        ("no zone", ".000120Z", ".000120"),
        ("a blank in place of T", "10T04", "10 04"),
        ("a small z", ".000120Z", ".000120z"),
        ("a date with a time", '"2023-03-28"', '"2023-03-28T00:00:00Z"'),
        ("a date without hyphens", '"2023-03-28"', '"20230328"'),
        ("a day that is not", '"2023-03-28"', '"2023-02-30"'),
        ("a UUID in capitals", "0189dd21", "0189DD21"),
        ("a UUID without hyphens", "0189dd21-4a00-7000-8000-000000000001", UUID(int=REQUEST.int).hex),
        ("an integer as a float", '"position":7', '"position":7.0'),
        ("an integer with an exponent", '"position":7', '"position":7e0'),
        ("an integer as a text", '"position":7', '"position":"7"'),
        ("position 0", '"position":7', '"position":0'),
        ("version 0", '"version":2', '"version":0'),
        ("an integer beyond 2^53", '"position":7', '"position":9007199254740993'),
        ("another leaf version", '"v":1', '"v":2'),
        ("an escape that is not needed", "新。", "\\u65b0。"),
        ("an escaped slash", "credit-2023/1", "credit-2023\\/1"),
        ("half of a surrogate pair", "新。", "\\ud83d"),
        ("a text beyond its limit", "新。", "新" * 8001),
        ("no text at all", "新。", ""),
        ("a type that nobody knows", "task.reworded.v1", "task.reworded.v2"),
        ("null for data", '{"text":"新。"}', "null"),
        ("a list for data", '{"text":"新。"}', "[]"),
        ("an end too early", ',"version":2}', ""),
    ],
)
def test_a_leaf_with_any_other_spelling_is_refused(what: str, old: str, new: str) -> None:
    spoilt = ENTRY.replace(old.encode(), new.encode())
    assert spoilt != ENTRY
    with pytest.raises(LeafError):
        assert decode(spoilt) is None, what


def test_a_leaf_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(LeafError, match="utf-8"):
        decode(ENTRY.replace("新".encode(), b"\xe6\x96("))


@whenever(st.integers(0, len(ENTRY) - 1), st.integers(1, 127))
@settings(max_examples=300, deadline=None)
def test_no_two_entries_are_read_as_the_same_fact(place: int, other: int) -> None:
    spoilt = bytearray(ENTRY)
    spoilt[place] = (spoilt[place] ^ other) % 128 if spoilt[place] < 128 else spoilt[place]
    try:
        found = decode(bytes(spoilt))
    except LeafError:
        return
    assert encode(found) == bytes(spoilt)


def test_a_leaf_holds_65535_bytes_and_no_more() -> None:
    room = MAX_LEAF - len(encode(recorded("")))
    assert len(encode(recorded("x" * room))) == MAX_LEAF
    with pytest.raises(LeafError, match="65536 bytes"):
        encode(recorded("x" * (room + 1)))

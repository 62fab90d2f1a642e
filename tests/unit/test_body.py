"""From a request's bytes to commands: strict JSON, and pointers to what is wrong."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from api.http.body import check_json, checked, decoded, whole_body
from api.http.clients import Receive
from api.http.question import Question, question_of
from api.services.problems import Trouble
from domain.commands import decode_commands
from domain.directory import RenameUnit

RENAME = '{"type":"unit.rename","unit":"a","name":"甲委","reason":"更名"}'


def told(ask: Callable[[], Any]) -> Trouble:
    with pytest.raises(Trouble) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", '"a"', "-0.5e3", ' {"a" : [1, {"a": 2}], "b": {"a": 3}} ', '{"𠮷😀":"\\u0061"}']
)
def test_json_is_taken(text: str) -> None:
    check_json(text.encode())


@pytest.mark.parametrize(
    ("what", "text", "twice"),
    [
        ("at the top", '{"a":1,"a":1}', "a"),
        ("with something between", '{"a":1,"b":2,"a":3}', "a"),
        ("in a list", '[{"a":1},{"b":1,"b":1}]', "b"),
        ("deep inside", '{"a":{"b":{"c":1,"c":2}}}', "c"),
        ("written in two ways", '{"a":1,"\\u0061":2}', "a"),
        ("an empty one", '{"":1,"":2}', ""),
    ],
)
def test_a_key_given_twice_is_refused(what: str, text: str, twice: str) -> None:
    found = told(lambda: check_json(text.encode()))
    assert (found.status, found.code) == (400, "duplicate_key"), what
    assert f"the key {twice!r} is given twice" in found.detail


@pytest.mark.parametrize(
    ("body", "byte"),
    [(b'"\xff"', 1), (b'{"a":"\xe7\x94"}', 6), (b"\x80", 0), (b'"\xed\xa0\x80"', 1), (b'"\xc0\xaf"', 1)],
)
def test_broken_utf8_is_refused_at_its_byte(body: bytes, byte: int) -> None:
    found = told(lambda: check_json(body))
    assert (found.status, found.code) == (400, "broken_utf8")
    assert f"byte {byte} " in found.detail


def test_another_encoding_is_refused() -> None:
    assert told(lambda: check_json('{"a":"甲"}'.encode("gb18030"))).code == "broken_utf8"
    assert told(lambda: check_json('{"a":"b"}'.encode("utf-16"))).code == "broken_utf8"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused(number: str) -> None:
    found = told(lambda: check_json(f'{{"a":[{number}]}}'.encode()))
    assert (found.status, found.code) == (400, "broken_json")
    assert f"{number} is no JSON number" in found.detail


@pytest.mark.parametrize("text", ["", " ", "{", '{"a":1,}', "{'a':1}", "{} {}", "\ufeff{}", "01", '"a\nb"', "// a\n{}"])
def test_broken_json_is_refused_with_its_place(text: str) -> None:
    found = told(lambda: check_json(text.encode()))
    assert (found.status, found.code) == (400, "broken_json")
    assert "at line 1, column " in found.detail


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
def test_absurd_depth_is_refused(opening: str) -> None:
    found = told(lambda: check_json(opening.encode() * 100_000))
    assert (found.status, found.code) == (400, "broken_json")


def test_one_command_and_a_list_of_them_are_read_alike() -> None:
    expected = [RenameUnit(unit="a", name="甲委", reason="更名")]
    assert decoded(decode_commands, RENAME.encode()) == expected
    assert decoded(decode_commands, f"\n [{RENAME}]".encode()) == expected


@pytest.mark.parametrize(
    ("what", "text", "pointer"),
    [
        ("an unknown command", RENAME.replace("unit.rename", "unit.vanish"), "/type"),
        ("an unknown command in a list", f"[{RENAME},{RENAME.replace('unit.rename', 'x')}]", "/1/type"),
        ("a field of the wrong type", RENAME.replace('"甲委"', "3"), "/name"),
        ("an id of the wrong form", RENAME.replace('"a"', '"A B"'), "/unit"),
        ("an empty name in a list", f"[{RENAME.replace('甲委', '')}]", "/0/name"),
        ("an unknown field", RENAME.replace('"reason"', '"remark"'), ""),
        ("a missing field", RENAME.replace('"name":"甲委",', ""), ""),
        ("no command at all", "{}", ""),
        ("a number", "3", ""),
        ("a day that is not", RENAME.replace('"更名"', '"更名","effectiveOn":"2023-02-30"'), "/effectiveOn"),
        ("a position below 1", RENAME.replace('"更名"', '"更名","replaces":0'), "/replaces"),
    ],
)
def test_what_is_not_as_expected_is_pointed_at(what: str, text: str, pointer: str) -> None:
    check_json(text.encode())
    found = told(lambda: decoded(decode_commands, text.encode()))
    assert (found.status, found.code, found.faults[0].pointer) == (400, "malformed", pointer), what


def test_a_pointer_leads_into_lists_of_lists() -> None:
    report = (
        '{"type":"progress.report","task":"p/1","unit":"a","period":"2023","status":"completed",'
        '"evidence":[{"url":"https://a.invalid/"},{"url":"ftp://a"}]}'
    )
    found = told(lambda: decoded(decode_commands, f"[{report}]".encode()))
    assert found.faults[0].pointer == "/0/evidence/1/url"


def asked(media_type: str = "application/json") -> Question:
    return question_of(
        {"method": "POST", "raw_path": b"/v1/commands", "query_string": b""},
        {b"host": b"example.org", b"content-type": media_type.encode()},
    )


def receiving(*parts: bytes, then: dict[str, Any] | None = None) -> Receive:
    """A client that sends these parts, and `then` something else than the end."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": one, "more_body": True} for one in parts]
    messages.append(then or {"type": "http.request", "body": b"", "more_body": False})
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left)

    return receive


async def test_a_body_that_says_it_is_json_is_read() -> None:
    assert await whole_body(asked("application/json; charset=utf-8"), receiving(b'{"a":', b"1}"), 100, 1) == b'{"a":1}'


async def test_a_body_of_another_media_type_is_refused() -> None:
    with pytest.raises(Trouble, match="send application/json, not text/plain") as caught:
        await whole_body(asked("text/plain"), receiving(b"{}"), 100, 1)
    assert (caught.value.status, caught.value.code) == (415, "unsupported_media_type")


async def test_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    assert len(await whole_body(asked(), receiving(b"x" * 1_000), 1_000, 1)) == 1_000
    with pytest.raises(Trouble, match="a body has at most 1,000 bytes") as caught:
        await whole_body(asked(), receiving(*[b"x" * 1_000_000] * 41, then={"type": "never received"}), 1_000, 1)
    assert (caught.value.status, caught.value.code) == (413, "too_large")


async def test_a_body_that_is_cut_short_is_refused() -> None:
    with pytest.raises(Trouble) as caught:
        await whole_body(asked(), receiving(b'{"a"', then={"type": "http.disconnect"}), 100, 1)
    assert (caught.value.status, caught.value.code) == (400, "cut_short")


async def test_a_body_that_dribbles_is_waited_for_no_longer_than_a_setting() -> None:
    async def dribbling() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(Trouble) as caught:
        await whole_body(asked(), dribbling, 1_000_000, 0.1)
    assert (caught.value.status, caught.value.code) == (408, "too_slow")


@pytest.mark.parametrize("size", [30, 300_000])
async def test_a_long_body_is_checked_like_a_short_one(size: int) -> None:
    await checked(b"[" + b"1," * size + b"1]")
    with pytest.raises(Trouble, match="given twice"):
        await checked(b'{"a":1,' + b" " * size + b'"a":2}')


def test_finding_a_key_that_comes_twice_takes_no_longer_the_more_keys_there_are() -> None:
    """40,000 keys took minutes while each was counted among all."""
    keys = ",".join(f'"{number}":0' for number in range(40_000))
    began = time.process_time()
    assert told(lambda: check_json(f'{{{keys},"39999":1}}'.encode())).code == "duplicate_key"
    assert time.process_time() - began < 1


@pytest.mark.parametrize("text", ['{"a":"\\u0000"}', '{"\\u0000":1}', '["x\\\\\\u0000"]'])
def test_the_character_nul_is_refused(text: str) -> None:
    found = told(lambda: check_json(text.encode()))
    assert (found.status, found.code) == (400, "malformed")
    assert "NUL" in found.detail


def test_a_backslash_before_u0000_is_no_nul() -> None:
    check_json(b'["\\\\u0000"]')


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    found = told(lambda: check_json(b"1" * 5_000))
    assert (found.status, found.code) == (400, "broken_json")

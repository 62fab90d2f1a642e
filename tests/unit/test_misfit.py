"""What msgspec says of a value that does not fit, said again in words for people."""

import datetime as dt
from enum import Enum
from typing import Annotated, Any, Final, Literal

import msgspec
import pytest
from msgspec import Meta

from domain.misfit import Misfit, misfit


class Size(Enum):
    """A value of a few."""

    SMALL = "small"
    LARGE = "large"


class Box(msgspec.Struct, tag="box", tag_field="type", forbid_unknown_fields=True):
    """Something with a size, or a text with a form of its own."""

    size: Size
    code: Annotated[str, Meta(pattern="^[0-9]{3}$", description="Three digits, as 007.")] | None = None
    until: dt.date | None = None


class Bag(msgspec.Struct, tag="bag", tag_field="type"):
    """Something else, in which boxes lie."""

    boxes: list[Box] = []
    named: dict[str, Box] = {}


class Pair(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Two numbers."""

    first: int
    second: int


THREE: Final = Annotated[str, Meta(pattern="^[0-9]{3}$")]
MESSAGES: Final[list[tuple[str, Any, str, str]]] = [
    ("5", str, "", "give a text, not a number"),
    ("5", str | None, "", "give a text, not a number"),
    ("1.5", int | None, "", "give a whole number, not a number with a fraction"),
    ('"x"', int, "", "give a whole number, not a text"),
    ("null", float, "", "give a number, not null"),
    ('"x"', bool, "", "give true or false, not a text"),
    ("5", None, "", "leave it out"),
    ("[]", dict[str, int], "", "give an object, not a list"),
    ("{}", list[int], "", "give a list, not an object"),
    ("0", Annotated[int, Meta(ge=1)], "", "give a whole number of at least 1"),
    ("201", Annotated[int, Meta(le=200)], "", "give a whole number of at most 200"),
    ("0", Annotated[float, Meta(gt=0)], "", "give a number above 0"),
    ("1", Annotated[float, Meta(lt=1)], "", "give a number below 1"),
    ("1", Annotated[int, Meta(multiple_of=2)], "", "give a whole number that is a multiple of 2"),
    ('""', Annotated[str, Meta(min_length=1)], "", "give a text of at least 1 character"),
    ('"xxx"', Annotated[str, Meta(max_length=2)], "", "give a text of at most 2 characters"),
    ("[]", Annotated[list[int], Meta(min_length=1)], "", "give a list of at least 1 entry"),
    ("{}", Annotated[dict[str, int], Meta(min_length=2)], "", "give an object of at least 2 fields"),
    ("[1]", tuple[int, int], "", "give a list of 2 entries"),
    ("[1]", Pair, "", "give a list of at least 2 entries, not 1"),
    ("[1,2,3]", Pair, "", "give a list of at most 2 entries"),
    ('"x"', THREE, "", "give a text of the form '^[0-9]{3}$'"),
    ('"x"', dt.date, "", "give a date, as 2023-06-30"),
    ('"x"', dt.datetime, "", "give an instant with its zone, as 2023-06-30T12:00:00+08:00"),
    (
        '"2023-06-30T12:00:00"',
        Annotated[dt.datetime, Meta(tz=True)],
        "",
        "give an instant with its zone, as 2023-06-30T12:00:00+08:00",
    ),
    ('"x"', Literal["a", "b", "c"], "", "give a, b or c, not x"),
    ("5", Literal[1, 2], "", "give 1 or 2, not 5"),
    ("1e999", float, "", "give a number that is not so large"),
    ("[1,]", list[int], "", "send JSON that can be read: trailing comma in array at byte 3"),
    ("[1", list[int], "", "send the JSON to its end"),
    ('"x"', dt.timedelta, "", "give a value of the form that is described"),
    ("{}", Box | Bag, "", "give the field type, which is missing"),
    ('{"type":"hat"}', Box | Bag, "/type", "give bag or box, not hat"),
    ('{"type":5}', Box | Bag, "/type", "give bag or box"),
    ('{"type":"box"}', Box | Bag, "", "give the field size, which is missing"),
    ('{"type":"box","size":"huge"}', Box | Bag, "/size", "give small or large, not huge"),
    ('{"type":"box","size":5}', Box | Bag, "/size", "give small or large, not a number"),
    ('{"type":"box","size":"small","code":"7"}', Box | Bag, "/code", "give it in its form: Three digits, as 007"),
    ('{"type":"box","size":"small","until":"x"}', Box | Bag, "/until", "give a date, as 2023-06-30"),
    (
        '{"type":"box","size":"small","a":1}',
        Box,
        "",
        "leave out the field a, which is unknown here; known here: type, size, code, until",
    ),
    ('{"type":"box","size":"small","a":1}', Box | Bag, "", "leave out the field a, which is unknown here"),
    (
        '[{"type":"bag","boxes":[{"type":"box","size":""}]}]',
        list[Box | Bag],
        "/0/boxes/0/size",
        "give small or large",
    ),
    (
        '{"type":"bag","named":{"a/b":{"type":"box","size":"x"}}}',
        Box | Bag,
        "/named/.../size",
        "give small or large, not x",
    ),
    ('{"x":1}', dict[THREE, int], "", "for each key, give a text of the form '^[0-9]{3}$'"),
]


def wrong(text: str, type_: Any) -> msgspec.DecodeError:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(text, type=type_)
    return caught.value


@pytest.mark.parametrize(("text", "type_", "pointer", "sentence"), MESSAGES)
def test_a_message_becomes_a_sentence_that_says_what_to_do(text: str, type_: Any, pointer: str, sentence: str) -> None:
    found = misfit(wrong(text, type_), type_)
    assert (found.pointer, found.sentence) == (pointer, sentence)


def test_without_the_type_its_values_are_not_known() -> None:
    assert misfit(wrong('"x"', Size)).sentence == "give a value that is known here, not x"


@pytest.mark.parametrize("name", ["`", " - at `$.b`", "a\nb", "a b"])
def test_what_was_sent_is_not_taken_for_a_place(name: str) -> None:
    error = wrong(msgspec.json.encode({"type": "box", "size": "small", name: 1}).decode(), Box)
    assert misfit(error).field == name


def test_what_was_sent_is_repeated_up_to_a_bound() -> None:
    name = "a " * 1_000
    error = wrong(msgspec.json.encode({"type": "box", "size": "small", name: 1}).decode(), Box)
    assert name[:80] in misfit(error).sentence
    assert name[:81] not in misfit(error).sentence
    error = wrong(msgspec.json.encode({"type": "box", "size": name}).decode(), Box)
    assert misfit(error, Box).given == f"{name[:80]}…"


def test_a_pointer_is_written_as_rfc_6901_has_it() -> None:
    assert Misfit(("a/b", "~c", "0"), "give it").pointer == "/a~1b/~0c/0"

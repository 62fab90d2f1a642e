"""What does not fit its type, in words for people: msgspec's own name Python's types, which nobody else has to know."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import inspect


class Misfit(NamedTuple):
    """A value that does not fit: the steps that lead to it from the outermost one, and what to do about it.

    `given` is what was sent instead, or a word for its kind; empty if there is none. `field` is the field of the object
    at `path` that is missing, or is none of its fields. What was sent is repeated up to 80 characters.
    """

    path: tuple[str, ...]
    wish: str
    given: str = ""
    field: str = ""

    @property
    def pointer(self) -> str:
        """Where it is, as a JSON pointer (RFC 6901); `...` is any value of an object whose keys are free."""
        return "".join(f"/{one.replace('~', '~0').replace('/', '~1')}" for one in self.path)

    @property
    def sentence(self) -> str:
        """What to do, and what was given instead."""
        return f"{self.wish}, not {self.given}" if self.given else self.wish


_REPEATED: Final = 80
_DAY: Final = "a date, as 2023-06-30"
_INSTANT: Final = "an instant with its zone, as 2023-06-30T12:00:00+08:00"
_WANTED: Final = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a decimal number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "date": _DAY,
    "datetime": _INSTANT,
}
_GIVEN: Final = _WANTED | {  # beside null, which is sent under this name
    "int": "a number",
    "float": "a number with a fraction",
}
_COUNTED: Final = {"str": ("character", "characters"), "array": ("entry", "entries"), "object": ("field", "fields")}
_BOUNDS: Final = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}


def misfit(error: msgspec.DecodeError, type_: Any = None) -> Misfit:
    """What a message of msgspec means; `type_`, which was expected, tells the values and fields that are known."""
    message, path, is_key = _placed(str(error))
    expected = _Expected(type_, path, is_key=is_key)
    for pattern, meaning in _MEANINGS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            wish, given, field = meaning(expected, *found.groups(default=""))
            return Misfit(path, f"for each key, {wish}" if is_key else wish, given, field)
    return Misfit(path, message)  # ours: what a type of ours says itself


def _placed(message: str) -> tuple[str, tuple[str, ...], bool]:
    """A message without its place; the place as steps; whether it is about the keys of what is there."""
    found = re.fullmatch(r"(.*) - at (`key` in )?`\$([^`]*)`", message, re.DOTALL)
    if found is None:
        return message, (), False
    steps = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", found[3])
    return found[1], tuple(name or index for name, index in steps), found[2] is not None


class _Expected:
    """What a type expects at a place. Types that may stand there are told alike: which was meant is not known."""

    def __init__(self, type_: Any, path: Sequence[str], *, is_key: bool) -> None:
        self._path = path
        self._above = _at(type_, path[:-1]) if type_ is not None and path else []
        self._here = _at(type_, path) if type_ is not None else []
        if is_key:
            self._here = [
                two for one, _ in self._here if isinstance(one, inspect.DictType) for two in _flat(one.key_type)
            ]

    @property
    def values(self) -> list[str]:
        """The values that are known: of an enumeration, or the names of the objects that may stand there."""
        last = self._path[-1] if self._path else ""
        named = [one for one, _ in self._above if isinstance(one, inspect.StructType) and one.tag_field == last]
        return sorted(str(one.tag) for one in named) or list(dict.fromkeys(_values(one for one, _ in self._here)))

    @property
    def fields(self) -> list[str]:
        """The fields of the object, where it can only be one."""
        objects = [one for one, _ in self._here if isinstance(one, inspect.StructType)]
        if len(objects) != 1:
            return []
        (one,) = objects
        return [*([one.tag_field] if one.tag_field else []), *(field.encode_name for field in one.fields)]

    @property
    def description(self) -> str:
        """What a text with a form of its own is described as."""
        described = [text for one, text in self._here if isinstance(one, inspect.StrType) and one.pattern and text]
        return described[0] if described else ""


_Types = list[tuple[inspect.Type, str]]  # what may stand at a place, each with its description


@cache
def _info(type_: Any) -> inspect.Type:
    return inspect.type_info(type_)


def _at(type_: Any, path: Sequence[str]) -> _Types:
    found = list(_flat(_info(type_)))
    for step in path:
        found = [below for one, _ in found for inner in _below(one, step) for below in _flat(inner)]
    return found


def _flat(one: inspect.Type, description: str = "") -> Iterator[tuple[inspect.Type, str]]:
    """A type without what is said about it, or each of several."""
    match one:
        case inspect.Metadata():
            said = cast("dict[str, Any]", one.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType]
            yield from _flat(one.type, said.get("description", description))
        case inspect.UnionType():
            for each in one.types:
                yield from _flat(each, description)
        case _:
            yield one, description


def _below(one: inspect.Type, step: str) -> Iterable[inspect.Type]:
    match one:
        case inspect.StructType():
            return [field.type for field in one.fields if field.encode_name == step]
        case inspect.ListType() | inspect.VarTupleType():
            return [one.item_type]
        case inspect.DictType():
            return [one.value_type]
        case _:
            return []


def _values(types: Iterable[inspect.Type]) -> Iterator[str]:
    for one in types:
        match one:
            case inspect.EnumType():
                yield from (str(member.value) for member in one.cls)
            case inspect.LiteralType():
                yield from map(str, one.values)
            case _:
                pass


_Meaning = tuple[str, str, str]  # what to do, what was given instead, which field it is about


def _kind(expected: _Expected, kinds: str, given: str) -> _Meaning:
    """`int | null` → a whole number: that a field may be left out needs no saying where it was not."""
    wanted = [_WANTED.get(kind, "another value") for kind in kinds.split(" | ") if kind != "null"]
    known = expected.values or wanted
    return (f"give {_one_of(known)}", _GIVEN.get(given, given), "") if known else ("leave it out", "", "")


def _bound(_: _Expected, kind: str, bound: str, number: str) -> _Meaning:
    return f"give {_WANTED[kind]} {_BOUNDS[bound]} {number.removesuffix('.0')}", "", ""


def _multiple(_: _Expected, kind: str, number: str) -> _Meaning:
    return f"give {_WANTED[kind]} that is a multiple of {number.removesuffix('.0')}", "", ""


def _length(_: _Expected, kind: str, bound: str, number: str) -> _Meaning:
    one, several = _COUNTED[kind]
    return f"give {_WANTED[kind]} {_BOUNDS[bound]} {number} {one if number == '1' else several}", "", ""


def _entries(_: _Expected, bound: str, number: str, given: str) -> _Meaning:
    return f"give a list of {bound}{number} entries", given, ""


def _form(expected: _Expected, pattern: str) -> _Meaning:
    described = expected.description
    return (
        f"give it in its form: {described.rstrip('.')}" if described else f"give a text of the form {pattern}",
        "",
        "",
    )


def _value(expected: _Expected, given: str) -> _Meaning:
    return f"give {_one_of(expected.values or ['a value that is known here'])}", _short(given.strip("'\"")), ""


def _one_of(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _missing(_: _Expected, name: str) -> _Meaning:
    return f"give the field {name}, which is missing", "", name


def _unknown(expected: _Expected, name: str) -> _Meaning:
    fields = expected.fields
    known = f"; known here: {', '.join(fields)}" if fields else ""
    return f"leave out the field {_short(name)}, which is unknown here{known}", "", name


def _short(text: str) -> str:
    return text if len(text) <= _REPEATED else f"{text[:_REPEATED]}…"


def _always(wish: str) -> Callable[..., _Meaning]:
    return lambda *_: (wish, "", "")


def _broken(_: _Expected, why: str, byte: str) -> _Meaning:
    return f"send JSON that can be read: {why} at byte {byte}", "", ""


# The messages of msgspec as its source has them, each with what it means.
_MEANINGS: Final[Sequence[tuple[str, Callable[..., _Meaning]]]] = (
    (r"Expected `([^`]+)`(?:, got `([^`]+)`)?", _kind),
    (r"Expected `(int|float)` (>=|<=|>|<) (\S+)", _bound),
    (r"Expected `(int|float)` that's a multiple of (\S+)", _multiple),
    (r"Expected `(str|array|object)` of length (>=|<=) (\d+)", _length),
    (r"Expected `array` of (at least |at most )?length (\d+(?: to \d+)?)(?:, got (\d+))?", _entries),
    (r"Expected `str` matching regex (.*)", _form),
    (r"Expected `datetime` with a timezone component", _always(f"give {_INSTANT}")),
    (r"Expected `datetime` with no timezone component", _always("give an instant without a zone")),
    (r"Invalid RFC3339 encoded datetime", _always(f"give {_INSTANT}")),
    (r"Invalid RFC3339 encoded date", _always(f"give {_DAY}")),
    (r"Invalid (?:enum )?value (.*)", _value),
    (r"Object missing required field `(.*)`", _missing),
    (r"Object contains unknown field `(.*)`", _unknown),
    (r"(?:Integer value|Number) out of range", _always("give a number that is not so large")),
    (r"JSON is malformed: (.*) \(byte (\d+)\)", _broken),
    (r"Input data was truncated", _always("send the JSON to its end")),
    (r"(?:Expected|Invalid|Timestamp|Duration|Only units) .*", _always("give a value of the form that is described")),
)

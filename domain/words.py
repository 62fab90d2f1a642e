"""What words are: text that people can read, and that does not turn the text around it into something else."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

from domain.errors import NotWords
from domain.record import Command
from domain.values import BIDI, NO_CHARACTERS

_UNSEEN: Final = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f{BIDI}{NO_CHARACTERS}]")
_READABLE: Final = frozenset("LNPS")  # letters, digits, punctuation, symbols: the first letter of Unicode's categories


def check_words(command: Command) -> None:
    """Refuse a command in whose fields stands what nobody sees, or that is no word; NotWords names the field."""
    for field, value in cast("dict[str, Any]", msgspec.to_builtins(command)).items():
        if field not in command.CLEANED:
            for pointer, text in _texts(f"/{field}", value):
                _check(pointer, text, lines=field in command.LINES)


def check_text(text: str, pointer: str, most: int) -> None:
    """Refuse one line of words, as `check_words` does, and one of more than `most` characters."""
    if len(text) > most:
        raise NotWords(f"this text has {len(text):,} characters, and at most {most:,} are taken", pointer=pointer)
    _check(pointer, text, lines=False)


def escaped(text: str) -> str:
    """A text for people to see, in which what nobody sees stands by its code: facts of old may hold it."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else f"⟨U+{ord(found[0]):04X}⟩", text)


def _texts(pointer: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield pointer, name
            yield from _texts(f"{pointer}/{name}", inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(cast("list[Any]", value)):
            yield from _texts(f"{pointer}/{place}", inner)


def _check(pointer: str, text: str, *, lines: bool) -> None:
    for found in _UNSEEN.finditer(text):
        if not (lines and found[0] == "\n"):
            where = f"U+{ord(found[0]):04X} as character {found.start() + 1}"
            raise NotWords(f"this text has {where}, which nobody sees: leave it out", pointer=pointer)
    if not any(unicodedata.category(one)[0] in _READABLE for one in text):
        raise NotWords("this text has no letter, digit, punctuation mark or symbol: give words", pointer=pointer)

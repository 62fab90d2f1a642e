"""Step 1: the document as lines, freed of what is invisible, each with its number in the original."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from domain.document import form
from domain.document.draft import Doubt, UnreadableDocument
from domain.values import BIDI, NO_CHARACTERS

_LINE_BREAK: Final = re.compile("\r\n|\r|\n")
_PIECE_BREAK: Final = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")  # a new piece, but no new line for an editor
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0e\ufe0f\ufeff]")
_CONTROL: Final = re.compile(f"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f{NO_CHARACTERS}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNREADABLE: Final = re.compile(
    f"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd{BIDI}{NO_CHARACTERS}]"
)
_QUOTES: Final = str.maketrans("“”„‟″「」『』‘’", '"""""""""' + "''")
_WORD_END: Final = re.compile(r"[A-Za-z]\Z")
_WORD_START: Final = re.compile(r"[A-Za-z]")
_EXCERPT: Final = 300


class Line(msgspec.Struct, frozen=True):
    """A cleaned, non-blank piece of the document and the number of the line it stands in, from 1."""

    number: int
    text: str


class Passage(msgspec.Struct, frozen=True):
    """Text put together from one or more lines."""

    text: str
    lines: tuple[int, ...]


def text_of(source: bytes) -> str:
    """Decode UTF-8 bytes; UnreadableDocument names the first bad line and byte, or the encoding it looks like."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocument("this is UTF-16, not UTF-8: save the document as UTF-8 and try again")
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        where = f"line {line}, byte offset {error.start} (byte 0x{source[error.start]:02x})"
        raise UnreadableDocument(f"not UTF-8 at {where}{_advice(source)}") from None


def _advice(source: bytes) -> str:
    try:
        text = source.decode("gb18030")
    except UnicodeDecodeError:
        return ": save the document as plain text in UTF-8 and try again"
    han = sum("\u4e00" <= character <= "\u9fff" for character in text[:10_000])
    hint = "; it looks like GB18030 (GBK)" if 3 * han >= len(text[:10_000]) else ""
    return f"{hint}: save the document as plain text in UTF-8 and try again"


def cleaned(source: str) -> tuple[list[Line], list[Doubt]]:
    """List the lines with words in order, and a doubt about characters that no reader could read.

    Page numbers, rules and bars without a word are left out here: a document may consist of little else.
    """
    lines: list[Line] = []
    for number, raw in enumerate(_LINE_BREAK.split(_visible(source)), 1):
        for piece in _PIECE_BREAK.split(raw) if _PIECE_BREAK.search(raw) else (raw,):
            text = piece.strip()
            if text.strip(form.RULES) and not (len(text) <= form.LONGEST_NOISE and form.NOISE.fullmatch(text)):
                lines.append(Line(number, text))
    return lines, list(_unreadable(source))


def _visible(source: str) -> str:
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _INVISIBLE.sub("", source)))


def _unreadable(source: str) -> Iterable[Doubt]:
    if _UNREADABLE.search(source) is None:
        return
    found = {number: _UNREADABLE.search(line) for number, line in enumerate(_LINE_BREAK.split(source), 1)}
    bad = {number: match[0] for number, match in found.items() if match}
    points = ", ".join(sorted({f"U+{ord(character):04X}" for character in bad.values()})[:8])
    yield Doubt("unreadable_character", tuple(bad), f"Characters that cannot be read stand here: {points}.")


def folded(text: str) -> str:
    """Fold text for comparison only: no blanks, one width, one kind of quotation mark."""
    return "".join(unicodedata.normalize("NFKC", text).split()).translate(_QUOTES)


def joined(pieces: Sequence[Line]) -> Passage:
    """Put lines that a page cut apart together again: Chinese without a blank, Latin words with one."""
    return Passage("".join(_seamed(pieces)), tuple(dict.fromkeys(piece.number for piece in pieces)))


def divided(pieces: Sequence[Line], pattern: re.Pattern[str], start: int = 0) -> list[Passage]:
    """List what `pattern` finds in the joined lines from offset `start`, each with the lines it stands in."""
    parts = _seamed(pieces)
    ends = list(accumulate(map(len, parts)))
    found: list[Passage] = []
    for match in pattern.finditer("".join(parts), start):
        if match[0].strip():
            first, last = (bisect_right(ends, at) for at in (match.start(), match.end() - 1))
            numbers = tuple(dict.fromkeys(piece.number for piece in pieces[first : last + 1]))
            found.append(Passage(match[0].strip(), numbers))
    return found


def _seamed(pieces: Sequence[Line]) -> list[str]:
    parts: list[str] = []
    for piece in pieces:
        latin = bool(parts) and _WORD_END.search(parts[-1]) and _WORD_START.match(piece.text)
        parts.append(f" {piece.text}" if latin else piece.text)
    return parts


def quote(text: str) -> str:
    """Set words of the document in an English sentence; what is very long is cut, its line says where it stands."""
    return f"“{text}”" if len(text) <= _EXCERPT else f"“{text[:_EXCERPT]}…”"

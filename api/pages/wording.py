"""Two wordings word by word: what is gone and what has come, a Chinese character being a word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, Final

from markupsafe import Markup

from api.pages.visit import Visit

_WORD: Final = re.compile(r"[0-9A-Za-z.%]+|\s+|.", re.DOTALL)
_MOST: Final = 90_000  # pairs of words that are compared: what matches badly takes some 20 ms for so many
Differing = tuple[str, str, str]  # what stays, what is gone, what has come


def pieces(before: str, after: str) -> Iterator[Differing]:
    """Both texts piece by piece. Of what differs too much, all between what both begin and end with is one piece."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    middle = old[start : len(old) - end], new[start : len(new) - end]
    yield "".join(old[:start]), "", ""
    yield from _between(*middle)
    yield "".join(old[len(old) - end :]), "", ""


def word_by_word(before: str, after: str, visit: Visit[Any]) -> Markup:
    """The later wording with what is gone struck through and what has come underlined."""
    shown = [
        visit.words(stays) if stays else Markup("{}{}").format(_tagged("del", gone, visit), _tagged("ins", come, visit))
        for stays, gone, come in pieces(before, after)
        if stays or gone or come
    ]
    return Markup("").join(shown)


def _between(old: list[str], new: list[str]) -> Iterator[Differing]:
    if len(old) * len(new) > _MOST:
        yield "", "".join(old), "".join(new)
        return
    for kind, begun, ended, since, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[begun:ended]), "".join(new[since:until])
        yield (gone, "", "") if kind == "equal" else ("", gone, come)


def _alike(old: list[str], new: list[str]) -> int:
    """How many words both begin with."""
    same = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        same += 1
    return same


def _tagged(tag: str, text: str, visit: Visit[Any]) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(tag, visit.words(text)) if text else Markup("")

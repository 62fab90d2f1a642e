"""Full text without words: Chinese has no blanks between them, so a text is found by its characters and their pairs."""

import unicodedata
from itertools import pairwise
from typing import Final

LOOKED_UP: Final = (
    4  # words that are looked up: each is one more way into an index, and all are checked on what is found
)


def searchable(text: str) -> str:
    """A text as it is compared: compatibility forms and case made alike, so that Ａ finds a."""
    return unicodedata.normalize("NFKC", text).casefold()


def grams_of(text: str) -> set[str]:
    """Every character of a text and every pair of neighbours within its words."""
    return set[str]().union(*map(_grams, searchable(text).split()))


def rarest(text: str) -> list[set[str]]:
    """The grams of each of the longest words of a text, of a few of them: few texts hold what is long."""
    words = dict.fromkeys(searchable(text).split())
    return [_grams(word) for word in sorted(words, key=len, reverse=True)[:LOOKED_UP]]


def pairs_of(text: str) -> set[str]:
    """Of the grams of every text that holds this one as few as tell it: its pairs, and a word of one character."""
    return {gram for word in searchable(text).split() for gram in (map("".join, pairwise(word)) if word[1:] else word)}


def _grams(word: str) -> set[str]:
    return set(word).union(map("".join, pairwise(word)))


def holds(text: str, asked: str) -> bool:
    """Whether a text holds every word asked for."""
    within = searchable(text)
    return all(word in within for word in searchable(asked).split())

"""Full text without words: Chinese has no blanks between them, so a text is found by its characters and their pairs."""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise


def searchable(text: str) -> str:
    """A text as it is compared: compatibility forms and case made alike, so that Ａ finds a."""
    return unicodedata.normalize("NFKC", text).casefold()


def grams_of(text: str) -> set[str]:
    """Every character of a text and every pair of neighbours within its words."""
    return {gram for word in searchable(text).split() for gram in _grams(word)}


def _grams(word: str) -> Iterable[str]:
    yield from word
    for first, second in pairwise(word):
        yield first + second


def holds(text: str, asked: str) -> bool:
    """Whether a text holds every word asked for."""
    within = searchable(text)
    return all(word in within for word in searchable(asked).split())

"""What pages and feeds say in their own words, in both languages; the plan's words are never translated."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup, escape

from domain.values import SHANGHAI
from domain.words import escaped

_DIGITS: Final = "〇一二三四五六七八九"
_TEN: Final = 10


class Lang(StrEnum):
    """The language around the plan's words."""

    ZH = "zh"
    EN = "en"

    @property
    def tag(self) -> str:
        """As HTML names it (BCP 47)."""
        return "zh-Hans" if self is Lang.ZH else "en"


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Each phrase by its key, in each language."""
    return tomllib.loads(files("api.services").joinpath("phrases.toml").read_text("utf-8"))


def phrase(lang: Lang, key: str, /, **values: Any) -> Markup:
    """A phrase with its values put in; what is no markup already is escaped."""
    if not values:
        return _alone(lang, key)
    # Escaped first, so that the plain `format` may put them in: the one that escapes is five times as slow.
    shown = {name: escape(seen(value)) for name, value in values.items()}
    return Markup(catalogue()[key][lang].format(**shown))  # noqa: S704 - the catalogue is ours, the values are escaped


@cache
def _alone(lang: Lang, key: str) -> Markup:
    """A phrase that takes no values, of which a page has most."""
    return Markup(catalogue()[key][lang].format())  # noqa: S704 - the catalogue is ours


def plain(lang: Lang, key: str, /, **values: Any) -> str:
    """A phrase with its values put in, as plain text: for what is no page."""
    return catalogue()[key][lang].format(**values)


class Sentence:
    """A phrase with its values, to be said once it is known in which language; a value may be a sentence, too."""

    def __init__(self, key: str, /, **values: Any) -> None:
        self._key = key
        self._values = values

    def said(self, lang: Lang) -> str:
        """It, in a language, as plain text."""
        return plain(lang, self._key, **self._spoken(lang))

    def shown(self, lang: Lang) -> Markup:
        """It, in a language, on a page: what somebody gave stands apart from the words."""
        own = {name: one.said(lang) for name, one in self._values.items() if isinstance(one, Sentence)}
        others = {name: Markup("<bdi>{}</bdi>").format(seen(one)) for name, one in self._values.items()}
        return phrase(lang, self._key, **others | own)

    def _spoken(self, lang: Lang) -> dict[str, Any]:
        return {name: one.said(lang) if isinstance(one, Sentence) else one for name, one in self._values.items()}


def seen(value: Any) -> Any:
    """What a page shows: of plain text, what nobody sees by its code. Markup was made of such."""
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def day_text(lang: Lang, day: date) -> str:
    """A day as people write it."""
    if lang is Lang.ZH:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%B %Y}"


def instant_words(lang: Lang, instant: datetime) -> str:
    """An instant to the minute, in Shanghai: 2023年12月28日 14:00."""
    at = instant.astimezone(SHANGHAI)
    between = " " if lang is Lang.ZH else ", "
    return f"{day_text(lang, at.date())}{between}{at:%H:%M}"


def period_text(lang: Lang, period: str) -> str:
    """A period of a report, `2023`, `2023-Q4` or `2023-06`, as people write it: 2023年第四季度, Q4 2023."""
    year, _, part = period.partition("-")
    if not part:
        return f"{year}年度" if lang is Lang.ZH else year
    if part.startswith("Q"):
        return f"{year}年第{numeral(int(part[1:]))}季度" if lang is Lang.ZH else f"{part} {year}"
    month = date(int(year), int(part), 1)
    return f"{year}年{month.month}月" if lang is Lang.ZH else f"{month:%B} {year}"


def numeral(number: int) -> str:
    """1 to 99 as the plan numbers its parts and measures: 一, 十六."""
    tens, ones = divmod(number, _TEN)
    if tens >= _TEN:
        return str(number)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones or not tens else "")

"""One visit to a page: what was asked, in which language, and the links that carry it on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from markupsafe import Markup
from msgspec import Meta

from api.http.asking import Clocks, asked, clocks
from api.http.question import Ask
from api.services.phrases import Lang, day_text, instant_words, period_text, phrase, seen
from domain.values import shanghai_day
from projections.as_of import AsOf, Moment, Rows
from projections.wanted import Wanted

CARRIED: Final = ("asOf", "position", "effectiveOn", "lang")  # by every link, as they were asked

COLONS: Final = {Lang.ZH: Markup("："), Lang.EN: Markup(": ")}
COMMAS: Final = {Lang.ZH: Markup("、"), Lang.EN: Markup(", ")}


class PageQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every page takes: both clocks, and the language around the plan's words."""

    lang: Annotated[Lang, Meta(description="zh, or en for English around the plan's Chinese words.")] = Lang.ZH


Q = TypeVar("Q", bound=PageQuery)


class Visit(Generic[Q]):
    """What a page was asked, and how it speaks and links."""

    def __init__(self, request: Ask, type_: type[Q]) -> None:
        self.request = request
        # A form sends a field that was left empty as an empty value: nothing was asked with it.
        self.query = {name: value for name, value in request.question.query if value}
        self.given = asked(self.query, type_)
        self.lang = self.given.lang
        self.path: str = request.question.path

    @property
    def asked(self) -> AsOf:
        """The moment that is asked for."""
        return clocks(self.given)

    async def rows(self, wanted: Sequence[Wanted]) -> tuple[Moment, Rows]:
        """The rows that stand at the moment that is meant."""
        return await self.request.reader.rows(self.asked, wanted)

    @property
    def past(self) -> bool:
        """Whether a moment is named: the page is not that of the record as it stands now."""
        return any(name in self.query for name in CARRIED if name != "lang")

    @property
    def own(self) -> dict[str, str]:
        """The parameters that only this page takes."""
        carried = {*CARRIED, "minPosition"}
        return {name: value for name, value in self.query.items() if name not in carried}

    def t(self, key: str, **values: Any) -> Markup:
        """A phrase in the page's language."""
        return phrase(self.lang, key, **values)

    def link(self, path: str, **own: object) -> str:
        """An address on this site, at the moment and in the language asked for, with its own parameters and no others.

        A carried parameter can be set anew; None leaves it out.
        """
        carried = {name: self.query[name] for name in CARRIED if name in self.query}
        return address(path, {**own, **carried} | own)

    def day(self, day: date) -> Markup:
        """A day, as people of the page's language write it."""
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), day_text(self.lang, day))

    def instant(self, instant: datetime | str) -> Markup:
        """An instant, to the minute, in Shanghai."""
        at = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), instant_words(self.lang, at))

    def period(self, period: str) -> Markup:
        """A period of a report, as people of the page's language write it."""
        return Markup("{}").format(period_text(self.lang, period))

    def words(self, text: str) -> Markup:
        """Words of the plan or of the record, which stay Chinese; they turn nothing around that stands beside them."""
        lang = "" if self.lang is Lang.ZH else Markup(' lang="zh-Hans"')
        return Markup("<bdi{}>{}</bdi>").format(lang, seen(text))

    def key(self, text: str) -> Markup:
        """What a program calls something."""
        return Markup("{}").format(text)

    def listed(self, items: Sequence[Markup]) -> Markup:
        """Several, with commas between."""
        return COMMAS[self.lang].join(items)


def address(path: str, query: Mapping[str, object]) -> str:
    """A path with those parameters that have a value."""
    said = {name: str(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(said)}" if said else path


def in_language(path: str, lang: Lang, own: Mapping[str, object] | None = None) -> str:
    """The one address of a page in a language, as it stands now, with its own parameters."""
    return address(path, {**(own or {}), **({} if lang is Lang.ZH else {"lang": lang.value})})


def recorded_day(query: Mapping[str, str], moment: Moment) -> str:
    """What the control for the recorded clock holds: a day, or nothing where the newest record is asked for."""
    if "asOf" in query:
        return query["asOf"] if len(query["asOf"]) == len("2023-06-30") else str(shanghai_day(moment.as_of))
    return str(shanghai_day(moment.as_of)) if "position" in query else ""

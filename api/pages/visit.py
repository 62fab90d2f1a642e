"""One visit to a page: what was asked, in which language, and the links that carry it on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape
from msgspec import Meta

from api.http.asking import Clocks, asked, clocks
from api.http.question import Ask
from api.services.phrases import Lang, day_text, instant_words, period_text, phrase, seen
from api.services.problems import Fault, Trouble, echo
from domain.errors import WrongDate
from domain.values import parse_date, shanghai_day
from projections.as_of import AsOf, Moment, Rows
from projections.wanted import Wanted

_DAY: Final = len("2023-06-30")
CARRIED: Final = ("asOf", "position", "effectiveOn", "lang")  # by every link, as they were asked

COLONS: Final = {Lang.ZH: Markup("："), Lang.EN: Markup(": ")}
COMMAS: Final = {Lang.ZH: Markup("、"), Lang.EN: Markup(", ")}
SEMICOLONS: Final = {Lang.ZH: Markup("；"), Lang.EN: Markup("; ")}


class PageQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every page takes: both clocks, or one day for both, and the language around the plan's words."""

    on: Annotated[str | None, Meta(description="A day for both clocks: leads to the address that names them.")] = None
    lang: Annotated[Lang | None, Meta(description="zh or en. Default: what Accept-Language prefers.")] = None


class Moved(Exception):
    """What was asked has an address of its own: it is at `location`, for now."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


Q = TypeVar("Q", bound=PageQuery)


class Visit(Generic[Q]):
    """What a page was asked, and how it speaks and links."""

    def __init__(self, request: Ask, type_: type[Q]) -> None:
        self.request = request
        # A form sends a field that was left empty as an empty value: nothing was asked with it.
        self.query = {name: value for name, value in request.question.query if value}
        self.given = asked(self.query, type_)
        self.lang = request.question.audience.lang or Lang.ZH
        self.path: str = request.question.path
        self.parts = list[bytes]()  # what was drawn apart for it
        if self.given.on is not None:
            raise Moved(address(quote(self.path), {**self.own, **self.on(self.given.on), **self.language}))

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
    def carried(self) -> dict[str, str]:
        """The parameters that every link carries on."""
        return {name: self.query[name] for name in CARRIED if name in self.query}

    @property
    def own(self) -> dict[str, str]:
        """The parameters that only this page takes."""
        carried = {*CARRIED, "minPosition", "on"}
        return {name: value for name, value in self.query.items() if name not in carried}

    @property
    def language(self) -> dict[str, str]:
        """The language, where it was named."""
        return {"lang": self.query["lang"]} if "lang" in self.query else {}

    @property
    def spoken(self) -> dict[str, str]:
        """The language for what speaks Chinese unless another is named: feeds, files."""
        return {"lang": Lang.EN.value} if self.lang is Lang.EN else self.language

    def on(self, text: str) -> dict[str, str]:
        """Both clocks on one day: none of them for today; effectiveOn alone for a day before the record, or to come."""
        if "asOf" in self.query or "position" in self.query or "effectiveOn" in self.query:
            detail = "give on, a day for both clocks, or asOf, position and effectiveOn: not both"
            raise Trouble(400, "bad_parameter", detail, [Fault("on", detail)])
        try:
            day = parse_date(text)
        except WrongDate as error:
            detail = f"on: {echo(str(error))}"
            raise Trouble(400, "bad_parameter", detail, [Fault("on", detail)]) from error
        head = self.request.reader.head
        if day == head.today():
            return {}
        recorded = head.size and shanghai_day(head.recorded_at(1)) <= day < head.today()
        return {"effectiveOn": text} | ({"asOf": text} if recorded else {})

    def band(self, moment: Moment) -> Markup | None:
        """What a page that shows another day than today, or an older record, says of itself above all else."""
        head, day = self.request.reader.head, moment.effective_on
        named = self.query.get("asOf", "")
        if day == head.today() and moment.position == head.size:
            return None
        if named == day.isoformat():
            return self.t("band.past", day=self.day(day))
        if not named and "position" not in self.query:
            shown = self.day(day)
            return self.t("band.back", day=shown) if day < head.today() else self.t("band.ahead", day=shown)
        until = self.day(parse_date(named)) if len(named) == _DAY else self.instant(moment.as_of)
        return self.t("band.known", day=self.day(day), until=until)

    def t(self, key: str, **values: Any) -> Markup:
        """A phrase in the page's language."""
        return phrase(self.lang, key, **values)

    def link(self, path: str, **own: object) -> str:
        """An address on this site, at the moment and in the language asked for, with its own parameters and no others.

        A carried parameter can be set anew; None leaves it out.
        """
        return address(path, {**own, **self.carried} | own)

    def day(self, day: date) -> Markup:
        """A day, as people of the page's language write it."""
        return _timed(day.isoformat(), day_text(self.lang, day))

    def instant(self, instant: datetime | str) -> Markup:
        """An instant, to the minute, in Shanghai."""
        at = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        return _timed(at.isoformat(), instant_words(self.lang, at))

    def period(self, period: str) -> Markup:
        """A period of a report, as people of the page's language write it."""
        return Markup("{}").format(period_text(self.lang, period))

    def words(self, text: str) -> Markup:
        """Words of the plan or of the record, which stay Chinese; they turn nothing around that stands beside them."""
        lang = "" if self.lang is Lang.ZH else ' lang="zh-Hans"'
        return Markup(f"<bdi{lang}>{escape(seen(text))}</bdi>")  # noqa: S704 - it is escaped

    def key(self, text: str) -> Markup:
        """What a program calls something."""
        return Markup("{}").format(text)

    def listed(self, items: Sequence[Markup]) -> Markup:
        """Several, with commas between."""
        return COMMAS[self.lang].join(items)


def _timed(when: str, words: str) -> Markup:
    return Markup(f'<time datetime="{when}">{words}</time>')  # noqa: S704 - digits and our own words


def address(path: str, query: Mapping[str, object]) -> str:
    """A path with those parameters that have a value."""
    said = {name: str(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(said)}" if said else path


def in_language(path: str, lang: Lang, own: Mapping[str, object] | None = None) -> str:
    """The one address of a page in a language, as it stands now, with its own parameters."""
    return address(path, {**(own or {}), "lang": lang.value})


def recorded_day(query: Mapping[str, str], moment: Moment) -> str:
    """What the control for the recorded clock holds: a day, or nothing where the newest record is asked for."""
    if "asOf" in query:
        return query["asOf"] if len(query["asOf"]) == _DAY else str(shanghai_day(moment.as_of))
    return str(shanghai_day(moment.as_of)) if "position" in query else ""

"""What a feed says, whatever its form: its entries, newest first, and where the documents around it are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from api.services.phrases import Lang
from api.services.told import Names, PlainVoice, subject, task_path, telling
from projections.views.events import EventFilter, EventView, undone_in

LONGEST_VALUE: Final = 300  # characters of a field that a summary tells; the fact has the whole


class FeedEntry(msgspec.Struct, frozen=True):
    """A fact as an entry: what it says in words, and where it stands. `page` is that of its subject, if it has one.

    Paths are told, not addresses: the form says what stands before them.
    """

    fact: EventView
    id: str
    title: str
    act: str
    summary: str
    page: str | None

    @property
    def event(self) -> str:
        """The path of the fact itself."""
        return f"/v1/events/{self.fact.position}"

    @property
    def undoes(self) -> int | None:
        """The position of the fact that this one undoes, if any."""
        return undone_in(self.fact)


class FeedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a feed; its addresses are paths. `archive`: it never changes.

    `current` is the document that is subscribed to, `previous` the newest archive before this one that has entries,
    `following` the archive behind this one, which may not be there yet.
    """

    id: str
    title: str
    notice: str | None
    lang: Lang
    log: str
    origin: str
    license: str
    own: str
    current: str
    page: str
    previous: str | None
    following: str | None
    archive: bool
    updated: str
    entries: Sequence[FeedEntry]


def feed_id(log: str, about: EventFilter, lang: Lang) -> str:
    """The name of a feed for ever: by the log, the filter and the language, however they are asked for."""
    chosen = dict(_chosen(about)) | ({"lang": lang.value} if lang is not Lang.ZH else {})
    return f"urn:planrecord:{log}:events" + "".join(
        f";{name}={quote(value, safe='')}" for name, value in chosen.items()
    )


def _chosen(about: EventFilter) -> Iterator[tuple[str, str]]:
    for name, value in sorted(msgspec.structs.asdict(about).items()):
        match value:
            case None | False:
                pass
            case tuple():
                yield name, ",".join(sorted(set(map(str, value))))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            case True:
                yield name, "true"
            case _:
                yield name, str(value)


def page_of_feed(about: EventFilter, lang: Lang) -> str:
    """The path of the page that shows what a feed is of."""
    if about.task is not None:
        return _page_in(lang, task_path(about.task))
    for kind in ("unit", "district", "plan"):
        key: str | None = getattr(about, kind)
        if key is not None:
            return _page_in(lang, f"/{kind}s/{key}")
    return _page_in(lang, "/")


def _page_in(lang: Lang, path: str) -> str:
    return f"{path}?lang={lang.value}" if lang is not Lang.ZH else path


def feed_title(about: EventFilter, names: Names, voice: PlainVoice) -> str:
    """What a feed is of, in words."""
    streams: Mapping[str, str | None] = {
        "": about.stream,
        **{f"{kind}:": getattr(about, kind) for kind in ("plan", "task", "unit", "district")},
    }
    said = [subject(f"{kind}{key}", names, voice)[0] for kind, key in streams.items() if key is not None]
    said += [voice.t(f"fact.{one.rpartition('.')[0]}") for one in dict.fromkeys(about.type or ())]
    said += [voice.t("feed.authority", authority=_clipped(about.authority))] if about.authority is not None else []
    said += [voice.t("feed.corrections")] if about.corrections else []
    return voice.t("feed.title", site=voice.t("site.name"), what=" · ".join(said) or voice.t("feed.all"))


def feed_entry(log: str, fact: EventView, names: Names, voice: PlainVoice) -> FeedEntry:
    """A fact as an entry. It says what the leaf says in the open, and of what may be erased nothing but the digest."""
    said = telling(fact, names, voice)
    title = voice.t("feed.entry", subject=said.subject, act=said.act)
    lines = [voice.t("feed.detail", label=label, value=_clipped(value)) for label, value in said.details]
    day = voice.day(fact.effective_on)
    reported = fact.type.startswith("progress.")
    lines.append(voice.t("history.about", day=day) if reported else voice.t("history.effective", day=day))
    if fact.replaces is not None:
        lines.append(voice.t("feed.replaces", position=fact.replaces))
    for label, value in (
        (voice.t("history.reason"), fact.cause.reason),
        (voice.t("history.authority"), fact.cause.authority),
    ):
        lines += [voice.t("feed.detail", label=label, value=_clipped(voice.words(value)))] if value else []
    lines.append(voice.t("feed.leaf", position=fact.position, hash=fact.leaf_hash))
    page = None if said.path is None else _page_in(voice.lang, said.path)
    return FeedEntry(fact, f"urn:planrecord:{log}:{fact.position}", title, said.act, "\n".join(lines), page)


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

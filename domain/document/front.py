"""Step 5: title, caption of the table, cover letter and preamble."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from domain.document import form
from domain.document.draft import Doubt
from domain.document.lines import Line, Passage, folded, joined, quote
from domain.document.table import unknown

_WRAPPED: Final = 3  # a title or a caption may run over so many lines


class Title(msgspec.Struct, frozen=True):
    """The title, the lines that hold it, those of the table's caption, and both folded, as pages repeat them."""

    text: str | None
    lines: tuple[int, ...]
    caption: tuple[int, ...]
    heads: frozenset[str]
    doubts: tuple[Doubt, ...]


class FrontMatter(msgspec.Struct, frozen=True):
    """What stands before the first part."""

    preamble: str
    doubts: tuple[Doubt, ...]


def title_of(front: Sequence[Line], before_table: Sequence[Line]) -> Title:
    """Find the title on which its own line, a 《quotation》 in the cover letter and the table's caption agree."""
    ends = [at for at, line in enumerate(front, 1) if line.text[-1] in form.TITLE_ENDS]
    windows = [joined(front[end - size : end]) for end in ends for size in range(1, min(_WRAPPED, end) + 1)]
    own = {folded(window.text): window for window in windows if form.TITLE.fullmatch(window.text)}
    captions: dict[str, Passage] = {}
    told = {folded(words): words.strip() for words in form.QUOTED_TITLE.findall(joined(front).text)}
    for size in range(1, min(_WRAPPED, len(before_table)) + 1):
        caption = joined(before_table[-size:])
        if match := form.CAPTION.fullmatch(caption.text):
            captions[folded(match[1])] = caption
            told.setdefault(folded(match[1]), match[1].strip())
    text, doubts = _chosen(own, told)
    key = folded(text or "")
    title, caption = own.get(key), captions.get(key)
    heads = frozenset({key} | ({folded(caption.text)} if caption else set()))
    return Title(text, title.lines if title else (), caption.lines if caption else (), heads, tuple(doubts))


def _chosen(own: Mapping[str, Passage], told: Mapping[str, str]) -> tuple[str | None, list[Doubt]]:
    """Choose the title where the witnesses leave no choice; else None and a doubt."""
    agreed = [key for key in own if key in told]
    single = [window.text for window in own.values() if len(window.lines) == 1]
    if len(agreed) == 1:
        return own[agreed[0]].text, []
    if len(single) == 1 and form.YEAR.match(single[0]):
        return single[0], []
    if own:
        lines = tuple(sorted({line for window in own.values() for line in window.lines}))
        return None, [Doubt("title_unclear", lines, f"Several lines may be the title: {quote(' / '.join(single))}.")]
    if len(told) == 1:
        text = next(iter(told.values()))
        return text, [Doubt("title_missing", (), f"No line holds the title; it is quoted as {quote(text)}.")]
    return None, [Doubt("title_missing", (), "No line before the first part is a title of a work plan.")]


def front_of(front: Sequence[Line], title: Title) -> FrontMatter:
    """Read the preamble after the title; the cover letter before it and whatever else stands there become doubts."""
    if not title.lines:
        return FrontMatter("", tuple(unknown(line.number, line.text) for line in front))
    others = [line for line in front if folded(line.text) not in title.heads and line.number not in title.caption]
    after = [line for line in others if line.number > title.lines[-1]]
    cover = [line for line in others if line.number < title.lines[0]]
    last = max((at for at, line in enumerate(after, 1) if form.SENTENCE_END.search(line.text)), default=0)
    loose = tuple(unknown(line.number, line.text) for line in after[last:])
    return FrontMatter(joined(after[:last]).text, (*_cover(cover), *loose))


def _cover(cover: Sequence[Line]) -> Iterator[Doubt]:
    if cover:
        lines = tuple(dict.fromkeys(line.number for line in cover))
        words = quote(" ".join(line.text for line in cover))
        yield Doubt("cover_letter", lines, f"What stands before the title is not in the draft: {words}.")

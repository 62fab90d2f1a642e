"""The same document as other machines write it: whatever is invisible, or only looks different, changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.document import read
from domain.document.draft import Reading
from domain.document.lines import folded
from tests.unit.documents.small import SMALL, bundled

FULL_WIDTH = str.maketrans({mark: chr(ord(mark) + 0xFEE0) for mark in "0123456789,():|+"})
HEADER = "工作任务 | 序号"


def content(reading: Reading) -> list[str]:
    """Everything the draft says, folded, without line numbers."""
    parts = [(part.number, part.title) for part in reading.parts]
    measures = [(one.number, one.part, one.title, one.heading, one.text, one.unassigned) for one in reading.measures]
    tasks: list[Any] = [
        (one.number, one.text, one.part, one.measure, one.assignments, one.open_ended, one.due, one.targets)
        for one in reading.tasks
    ]
    return [folded(str(said)) for said in (reading.title, reading.preamble, *parts, *measures, *tasks)]


def before_headers(*lines: str) -> Callable[[str], str]:
    return lambda text: text.replace(f"\n{HEADER}", "\n" + "".join(f"{line}\n" for line in lines) + HEADER)


def cut(width: int) -> Callable[[str], str]:
    def wrapped(text: str) -> str:
        lines = text.split("\n")
        return "\n".join(line[at : at + width] for line in lines for at in range(0, len(line), width))

    return wrapped


VARIANTS: dict[str, Callable[[str], str]] = {
    "full-width punctuation, brackets, bars and digits": lambda text: text.translate(FULL_WIDTH),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "BOM": lambda text: "\ufeff" + text,
    "zero-width characters": lambda text: "".join(f"{mark}\u200b\u2060" for mark in text),
    "soft hyphens": lambda text: text.replace("信用", "信\u00ad用"),
    "tabs around bars": lambda text: text.replace(" | ", "\t|\t"),
    "no blanks around bars": lambda text: text.replace(" | ", "|"),
    "no-break and ideographic spaces": lambda text: text.replace(" | ", "\u00a0|\u3000").replace(
        "\n", "\n\u3000\u3000"
    ),
    "trailing spaces": lambda text: text.replace("\n", " \u3000\n"),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
    "a last line break": lambda text: text + "\n",
    "page numbers": before_headers("3", "- 3 -", "\u2014 3 \u2014", "第3页", "第 3 页 共 12 页", "3/12"),
    "form feeds on a line of their own": before_headers("\f"),
    "form feeds before the header": lambda text: text.replace(f"\n{HEADER}", f"\n\f{HEADER}"),
    "the title on every page": before_headers("2023年上海市社会信用体系建设工作要点"),
    "the caption on every page": before_headers("2023年上海市社会信用体系建设工作要点分工表"),
    "rules and empty rows": before_headers("| | | |", "------", "|---|---|---|---|"),
    "lines cut at 25 characters": cut(25),
    "lines cut at 38 characters": cut(38),
    "lines cut at 60 characters": cut(60),
}


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_bundled_plan_reads_the_same(change: Callable[[str], str]) -> None:
    original, changed = read(bundled()), read(change(bundled()))
    assert change(bundled()) != bundled()
    assert content(changed) == content(original)
    assert [doubt.kind for doubt in changed.doubts] == [doubt.kind for doubt in original.doubts]


def test_bytes_with_a_bom_read_as_text_does() -> None:
    assert read(b"\xef\xbb\xbf" + bundled().encode()) == read(bundled())


def test_published_words_keep_the_documents_own_punctuation() -> None:
    changed = read(bundled().translate(FULL_WIDTH))
    assert changed.tasks[1].text == read(bundled()).tasks[1].text.translate(FULL_WIDTH)
    assert changed.tasks[19].targets[0].literal == "41个主要执法领域".translate(FULL_WIDTH)
    assert changed.tasks[19].targets[0].value == "41"


def test_words_inside_a_line_keep_their_blanks() -> None:
    reading = read(SMALL.replace("编制信用承诺清单", "编制 信用承诺\u3000清单"))
    assert reading.tasks[3].text == "编制 信用承诺\u3000清单。"
    assert reading.doubts == ()


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = "\n\n" + SMALL.replace("一、服务中心工作\n1.", "一、服务中心工作\n\n\f\n- 2 -\n1.").replace("\n", "\r\n")
    tasks = read(text).tasks
    assert [task.line for task in tasks] == [line + 5 for line in (11, 12, 13, 15, 16)]

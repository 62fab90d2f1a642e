"""Whatever happens to the document, nothing raises, and every line is in the draft or in a doubt."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.document import read
from domain.document.draft import Reading, UnreadableDocument
from domain.document.lines import folded
from tests.unit.documents.small import SMALL, bundled

LINES: Final = bundled().split("\n")
NOISE: Final = ("- 3 -", "第3页", "17", "| | |", "附件")  # recognised, and so neither in the draft nor doubted
STRANGE: Final = (
    "乱码",
    "乙。",
    "市科委牵头",
    "一、又来",
    "3.又来。",
    "a | b",
    "(二)甲",
    "(二)甲 | 8 | 乙 | 丙 |",
    "8 | 乙。 | 市科委牵头 | |",
    "工作任务 | 序号 | 工作内容 | 责任单位 |",
    "序号 | 指标 | 数值 |",
    "2023年另一份工作要点",
)
ROLE_WORDS: Final = re.compile("按职责分工分别负责|按职责分别负责|按职责分工负责|牵头|负责|等(?=按)")
ORDINAL: Final = re.compile(r"\(?[一二三四五六七八九十]+[)、]")
WORDS: Final = re.compile(r"[\u4e00-\u9fffA-Za-z]+")
ROW: Final = re.compile(r"(?:[^|]*\|)?\d+\|")

places = st.integers(0, len(LINES) - 1)
mutations = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["delete", "double"]), places, places),
        st.tuples(st.sampled_from(["swap", "move"]), places, places),
        st.tuples(st.just("insert"), places, st.sampled_from(NOISE + STRANGE)),
    ),
    min_size=1,
    max_size=5,
)
Mutation = tuple[str, int, int | str]


def mutated(changes: Sequence[Mutation]) -> list[str]:
    lines = list(LINES)
    for kind, at, other in changes:
        here, there = at % len(lines), other % len(lines) if isinstance(other, int) else 0
        match kind, other:
            case "delete", _:
                del lines[here]
            case "double", _:
                lines.insert(here, lines[here])
            case "swap", _:
                lines[here], lines[there] = lines[there], lines[here]
            case "move", _:
                lines.insert(there, lines.pop(here))
            case _, words:
                lines.insert(here, str(words))
    return lines


def said(reading: Reading) -> str:
    """The words of the draft, each run of them between bars."""
    measures = [words for one in reading.measures for words in (one.title, one.heading, one.text)]
    literals = [one.literal for task in reading.tasks for one in task.assignments]
    titles = [reading.title or "", reading.preamble, *(part.title for part in reading.parts)]
    return "|".join(
        WORDS.findall(folded("|".join([*titles, *measures, *(task.text for task in reading.tasks), *literals])))
    )


def unaccounted(lines: Sequence[str], reading: Reading) -> Iterator[tuple[int, str]]:
    """Lines that no doubt names, although a word of theirs is not in the draft or their row is no task of it."""
    draft = said(reading)
    doubted = {line for doubt in reading.doubts for line in doubt.lines}
    rows = {task.line for task in reading.tasks}
    for number, line in enumerate(lines, 1):
        key = folded(line)
        if number in doubted or line in NOISE or "序号" in key:
            continue
        words = WORDS.findall(ORDINAL.sub("", ROLE_WORDS.sub("|", key), count=1))
        if (ROW.match(key) and number not in rows) or any(
            word not in draft and word.removesuffix("分工表") not in draft for word in words
        ):
            yield number, line


def test_the_check_itself_notices_a_lost_row_and_a_lost_word() -> None:
    reading = read(bundled())
    assert list(unaccounted(LINES, reading)) == []
    lost = msgspec.structs.replace(reading, tasks=reading.tasks[1:], doubts=())
    assert {1, 31} <= {number for number, _ in unaccounted(LINES, lost)}


@settings(max_examples=150, deadline=None)
@given(mutations)
@example([("delete", 28, 0)])
@example([("swap", 28, 6)])
@example([("insert", 41, "(二)甲")])
@example([("delete", 4, 0), ("delete", 26, 0)])
def test_every_line_of_a_mutated_plan_is_accounted_for(changes: Sequence[Mutation]) -> None:
    lines = mutated(changes)
    reading = read("\n".join(lines))
    assert reading.is_plan
    assert list(unaccounted(lines, reading)) == []


@settings(max_examples=150, deadline=None)
@given(places, st.integers(2, 200))
def test_a_line_cut_in_two_changes_nothing_or_is_doubted(at: int, cut: int) -> None:
    head, tail = LINES[at][:cut], LINES[at][cut:]
    original = read(bundled())
    reading = read("\n".join([*LINES[:at], head, tail, *LINES[at + 1 :]]))
    same = [(task.number, task.text, task.measure, task.assignments) for task in reading.tasks] == [
        (task.number, task.text, task.measure, task.assignments) for task in original.tasks
    ] and [(one.title, one.heading) for one in reading.measures] == [
        (one.title, one.heading) for one in original.measures
    ]
    assert same or len(reading.doubts) > len(original.doubts)


characters = st.characters(codec=None, exclude_categories=())
pieces = st.sampled_from([*LINES, *STRANGE, *NOISE, *SMALL.split("\n"), "|", "、", "(", ")", "会同", "等", "\f", "\r"])


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(characters), st.lists(st.one_of(pieces, st.text(characters, max_size=5))).map("\n".join)))
@example("\ud800")
@example("|\ud800|")
@example("1.")
@example("工作任务 | 序号 | 工作内容 | 责任单位 |\n1 | 、 | , | |")
@example("工作任务 | 序号 | 工作内容 | 责任单位 |\n1 | 。 | 会同 | |\n1 | 。 | 等、等 | |")
def test_no_text_raises_and_every_reading_can_be_published(text: str) -> None:
    reading = read(text)
    count = len(re.split("\r\n|\r|\n", text))
    assert all(1 <= line <= count for doubt in reading.doubts for line in doubt.lines)
    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading
    assert reading.is_plan == bool(reading.tasks)
    assert reading.is_plan or reading.doubts


@settings(max_examples=150, deadline=None)
@given(st.binary())
def test_bytes_are_read_as_their_text_or_refused(source: bytes) -> None:
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(UnreadableDocument, match="UTF-8"):
            read(source)
    else:
        assert read(source) == read(text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "市科委",
                "市量子局",
                "松江区",
                "青浦区人民政府",
                "、",
                ",",
                "等",
                "会同",
                "和",
                "牵头",
                "负责",
                "统筹",
                "(",
                ")",
                " ",
            ]
        )
    )
)
def test_no_word_of_a_cell_is_lost(words: list[str]) -> None:
    cell = "".join(words)
    reading = read(SMALL.replace("| 市司法局牵头 |", f"| {cell} |"))
    (task,) = (one for one in reading.tasks if one.number == 4)
    known = "|".join([*(one.literal for one in task.assignments), *(doubt.detail for doubt in reading.doubts)])
    rest = re.sub("牵头|负责|会同|等|和|由", "|", cell)
    assert all(word in folded(known) for word in WORDS.findall(rest))
    assert task.assignments or any(15 in doubt.lines for doubt in reading.doubts)

"""What is no plan is refused and says why; what is no text names the byte; no text raises."""

import time
from collections.abc import Callable

import pytest

from domain.document import read
from domain.document.draft import Reading, UnreadableDocument
from tests.unit.documents.small import SMALL, bundled, edited

HEADER = "工作任务 | 序号 | 工作内容 | 责任单位 |\n"
POEM = "床前明月光,\n疑是地上霜。\n举头望明月,\n低头思故乡。\n"

NO_PLANS: dict[str, tuple[str, str]] = {
    "nothing": ("", "document_empty"),
    "blanks": (" \n\u3000\n\ufeff\u200b\n", "document_empty"),
    "page numbers only": ("- 1 -\n第2页\n3/3\n", "document_empty"),
    "bars only": ("| | |\n||||\n", "document_empty"),
    "a poem": (POEM, "table_missing"),
    "prose": ("一、总体要求\n1.加强领导。各单位要高度重视。\n", "table_missing"),
    "an HTML page": (
        "<!DOCTYPE html>\n<html><body><table><tr><td>序号</td></tr></table></body></html>",
        "not_plain_text",
    ),
    "a PDF": ("%PDF-1.7\n%âãÏÓ\n1 0 obj", "not_plain_text"),
    "a CSV": ("工作任务,序号,工作内容,责任单位\n甲,1,乙,市科委牵头\n", "table_missing"),
    "a table without 序号": ("工作任务 | 工作内容 | 责任单位 |\n甲 | 乙。 | 市科委牵头 |\n", "table_missing"),
    "a table of something else": ("序号 | 指标 | 数值 |\n1 | 甲 | 2 |\n", "table_missing"),
    "columns in another order": (
        "序号 | 工作任务 | 工作内容 | 责任单位 |\n1 | 甲 | 乙。 | 市科委牵头 |\n",
        "table_missing",
    ),
    "a header without rows": (HEADER, "tasks_missing"),
    "a header with rows that cannot be read": (HEADER + "甲 | 乙 | 丙 | 丁 |\n", "tasks_missing"),
    "a plan whose table was left out": (SMALL.partition("工作任务 |")[0], "table_missing"),
    "a plan whose number column was left out": (edited("工作任务 | 序号 |", "工作任务 | 编号 |"), "table_missing"),
}


@pytest.mark.parametrize(("text", "kind"), NO_PLANS.values(), ids=NO_PLANS.keys())
def test_it_is_refused_with_the_reason(text: str, kind: str) -> None:
    reading = read(text)
    assert kind in {doubt.kind for doubt in reading.doubts}
    assert reading == Reading(is_plan=False, doubts=reading.doubts)


def test_binary_that_happens_to_decode_is_refused_and_its_characters_named() -> None:
    kinds = [doubt.kind for doubt in read(bytes(range(128))).doubts]
    assert kinds == ["table_missing", "unreadable_character"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SMALL.encode()[:40] + b"\xff" + SMALL.encode()[40:], "line 1, byte offset 40 (byte 0xff)"),
        (b"one\r\ntwo\n\xe4\xb8", "line 3, byte offset 9 (byte 0xe4)"),
        (b"\xed\xa0\x80", "line 1, byte offset 0"),
        (SMALL.encode("gb18030"), "GB18030"),
        (SMALL.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + SMALL.encode("utf-16-be"), "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1, byte offset 0"),
    ],
    ids=["a stray byte", "an end cut off", "a surrogate", "GB18030", "UTF-16", "UTF-16 big-endian", "a picture"],
)
def test_bytes_that_are_no_utf_8_are_refused_with_their_place(source: bytes, words: str) -> None:
    with pytest.raises(UnreadableDocument) as refusal:
        read(source)
    assert words in str(refusal.value)
    assert "UTF-8" in str(refusal.value)


def test_a_lone_surrogate_in_a_text_becomes_a_character_that_can_be_published() -> None:
    reading = read(edited("| 市司法局", "| 市\ud800法局"))
    assert reading.tasks[3].assignments[0].literal.encode() == "市\ufffd法局".encode()
    assert [doubt.kind for doubt in reading.doubts] == ["unknown_unit", "unreadable_character"]


HUGE: dict[str, Callable[[], str]] = {
    "one line of bars": lambda: "|" * 10_000_000,
    "lines of bars": lambda: "|\n" * 5_000_000,
    "bars with a word": lambda: "a|" * 5_000_000,
    "bars after a plan": lambda: bundled() + "\n" + "|" * 10_000_000,
    "leading bars": lambda: HEADER + "|" * 5_000_000 + "x",
    "a row that never ends": lambda: HEADER + "(一)题 | 1 | 甲\n" + "乙\n" * 200_000,
    "a title in pieces": lambda: HEADER + "".join(f"片 | {n} | 甲{n}。 | 市科委 |\n" for n in range(1, 20_000)),
    "a cell of brackets": lambda: HEADER + "1 | 甲。 | " + "(" * 1_000_000 + " | |",
    "a cell of one word": lambda: HEADER + "1 | 甲。 | " + "市科" * 500_000 + " | |",
    "a cell of 会同": lambda: HEADER + "1 | 甲。 | " + "会同" * 500_000 + " | |",
    "sentences nearly alike": lambda: (
        "1.题。"
        + "".join(f"句子甲乙丙丁{n}。" for n in range(30_000))
        + f"\n{HEADER}(一)题 | 1 | "
        + "".join(f"句子甲乙丙戊{n}。" for n in range(30_000))
        + " | 市科委 |"
    ),
    "quotation marks": lambda: ("《" + " " * 60) * 50_000 + f"\n{HEADER}1 | 甲。 | 乙 | |",
    "titles": lambda: "工作要点\n" * 100_000 + HEADER + "1 | 甲。 | 市科委 | |",
    "a word that no title is": lambda: "一" * 5_000_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
def test_time_grows_with_the_text_and_no_faster(text: Callable[[], str]) -> None:
    source = text()
    begin = time.process_time()
    read(source)
    assert time.process_time() - begin < 15  # a few seconds here; a square would take hours

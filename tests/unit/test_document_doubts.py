"""Nothing vanishes silently: each slip in a clean document is doubted by its kind, its lines and its words."""

from pathlib import Path
from typing import Final

import pytest

from domain.document import read
from tests.unit.documents.small import SMALL, bundled, edited, with_line, without_line

Expected = list[tuple[str, tuple[int, ...]]]
LINES: Final = SMALL.split("\n")
HEADER: Final = LINES[8]


def moved(number: int, to: int) -> str:
    return with_line(to, LINES[number - 1], without_line(number))


def test_the_small_plan_has_no_doubt() -> None:
    reading = read(SMALL)
    assert reading.is_plan
    assert reading.doubts == ()
    assert [(task.number, task.part, task.measure) for task in reading.tasks] == [
        (1, 1, 1),
        (2, 1, 1),
        (3, 1, 2),
        (4, 2, 3),
        (5, 2, 3),
    ]


SLIPS: dict[str, tuple[str, Expected, str]] = {
    "a strange line in the prose": (with_line(6, "乱码"), [("unknown_line", (6,))], "乱码"),
    "a strange line in the table": (with_line(13, "乱码"), [("unknown_line", (13,))], "乱码"),
    "a strange line at the end": (SMALL + "抄送:有关单位", [("unknown_line", (17,))], "抄送"),
    "a row in the prose": (with_line(6, "9 | 甲。 | 市科委牵头 | |"), [("unknown_line", (6,))], "甲"),
    "a title that is missing": (without_line(1), [("title_missing", ()), ("unknown_line", (1,))], "2024年示例市"),
    "two titles": (
        with_line(1, "2024年另一市工作要点", edited(LINES[7], "分工表")),
        [
            ("title_unclear", (1, 2)),
            ("unknown_line", (1,)),
            ("unknown_line", (2,)),
            ("unknown_line", (3,)),
            ("unknown_line", (9,)),
        ],
        "另一市",
    ),
    "a cover letter": (with_line(1, "各有关单位:"), [("cover_letter", (1,))], "各有关单位"),
    "a misspelt header": (edited(HEADER, HEADER[1:]), [("header_misspelt", (9,))], "作任务"),
    "a first page without its header": (
        with_line(15, HEADER, without_line(9)),
        [("header_missing", (9,))],
        "without its header",
    ),
    "a part without a row": (
        without_line(14),
        [("part_not_in_table", (6,)), ("part_differs", (7, 14))],
        "Part 2",
    ),
    "a part without prose": (
        without_line(6),
        [("part_differs", (6, 14)), ("part_not_in_prose", (13,))],
        "Part 2",
    ),
    "a measure without prose": (without_line(5), [("measure_not_in_prose", (12,))], "Measure 2"),
    "a measure without a row": (
        without_line(13),
        [("measure_not_in_table", (5,)), ("prose_not_in_table", (5,)), ("numbering_gap", (12, 14))],
        "Measure 2",
    ),
    "no prose at all": ("\n".join(LINES[:1] + LINES[7:]), [("prose_missing", ())], "No numbered point"),
    "a row twice": (with_line(13, LINES[11]), [("numbering_repeat", (12, 13))], "推动平台"),
    "a number twice": (
        edited("2 | 推动", "1 | 推动"),
        [("numbering_repeat", (11, 12)), ("numbering_gap", (12, 13))],
        "推动平台",
    ),
    "a number left out": (edited("5 | 开展", "7 | 开展"), [("numbering_gap", (15, 16))], "5 to 6"),
    "numbers out of order": (
        edited("2 | 推动", "3 | 推动", edited("(二)服务市民 | 3", "(二)服务市民 | 2")),
        [("numbering_order", (12, 13))],
        "Task 2",
    ),
    "a part row twice": (with_line(15, LINES[13]), [("numbering_repeat", (14, 15))], "Part 2"),
    "a part heading twice": (with_line(7, LINES[5]), [("numbering_repeat", (6, 7))], "Part 2"),
    "a point twice": (with_line(6, LINES[4]), [("numbering_repeat", (5, 6))], "服务市民"),
    "points out of order": (moved(5, 4), [("numbering_order", (4, 5))], "Point 1"),
    "a measure taken up again": (
        edited("\n5 | 开展", "\n(一)服务企业融资 | 5 | 开展"),
        [("numbering_repeat", (11, 16)), ("measure_differs", (16,))],
        "Measure 1",
    ),
    "a task under another measure": (
        edited("5 | 开展监督检查。", "5 | 推进信息归集共享。"),
        [("prose_not_in_table", (7,)), ("measure_differs", (16,))],
        "point 1",
    ),
    "tasks before any measure": (
        edited("(一)服务企业融资 | 1", "1"),
        [
            ("measure_not_in_table", (4,)),
            ("measure_differs", (11,)),
            ("task_without_measure", (11, 12)),
            ("measure_differs", (12,)),
        ],
        "1, 2",
    ),
    "tasks before any part": (
        without_line(9, without_line(3)),
        [("task_without_part", (9, 10, 11)), ("numbering_gap", (12,))],
        "1, 2, 3",
    ),
    "an empty cell of units": (edited("| 市司法局牵头 |", "| |"), [("unit_cell_empty", (15,))], "No unit"),
    "a cell too many": (
        edited("市司法局牵头 |", "市司法局牵头 | 年底 |"),
        [("prose_not_in_table", (7,)), ("numbering_gap", (13, 16)), ("row_unreadable", (15,))],
        "年底",
    ),
    "a row whose number is no number": (
        edited("\n5 | 开展", "\n五 | 开展"),
        [("prose_not_in_table", (7,)), ("unknown_line", (16,))],
        "开展监督检查",
    ),
    "a measure whose number is none": (
        edited("(二)服务市民", "(百百)服务市民"),
        [
            ("measure_not_in_table", (5,)),
            ("measure_differs", (13,)),
            ("measure_unreadable", (13,)),
            ("task_without_measure", (13,)),
        ],
        "百百",
    ),
    "a measure without its row": (with_line(14, "(九)甲"), [("row_unreadable", (14,))], "(九)甲"),
    "another title for a measure": (
        edited("2 | 推动", "(一)服务农户 | 2 | 推动"),
        [("measure_title_differs", (12,))],
        "服务农户",
    ),
    "a title that differs": (edited("(二)服务市民", "(二)服务居民"), [("prose_differs", (5, 13))], "服务居民"),
    "a part's title that differs": (
        edited("二、强化信用监管 |", "二、加强信用监管 |"),
        [("prose_differs", (6, 14))],
        "加强信用",
    ),
    "a text that differs": (
        edited("| 编制信用承诺清单", "| 编制信用承诺事项清单"),
        [("prose_differs", (7, 15))],
        "事项",
    ),
    "a sentence only in the prose": (
        edited("3.推广信用承诺。", "3.推广信用承诺。另行组织培训。"),
        [("prose_not_in_table", (7,))],
        "另行组织培训。",
    ),
    "a sentence only in the table": (
        edited("| 编制信用承诺清单。", "| 编制信用承诺清单。另行组织培训。"),
        [("table_not_in_prose", (15,))],
        "另行组织培训。",
    ),
    "another table": (
        SMALL + "序号 | 指标 | 数值 |\n6 | 甲。 | 乙 | |",
        [("columns_unknown", (17,)), ("unknown_line", (18,))],
        "指标",
    ),
    "a deadline that is not clear": (
        edited("| 编制信用", "| 年底前编制信用", edited("。编制信用", "。年底前编制信用")),
        [("deadline_unclear", (15,))],
        "年底前",
    ),
    "an unknown unit": (edited("市司法局", "市量子局"), [("unknown_unit", (15,))], "市量子局"),
    "an unknown role": (edited("市司法局牵头", "市司法局督办"), [("unknown_role", (15,))], "市司法局督办"),
    "a unit twice": (edited("市司法局牵头", "市司法局、市司法局牵头"), [("duplicate_unit", (15,))], "市司法局"),
    "a character that is none": (
        edited("开展监督检查。\n2024", "开展监\x00督检查。\n2024"),
        [("unreadable_character", (7,))],
        "U+0000",
    ),
    "a character that was lost": (
        edited("| 市司法局", "| 市\ufffd法局"),
        [("unknown_unit", (15,)), ("unreadable_character", (15,))],
        "U+FFFD",
    ),
}


@pytest.mark.parametrize(("text", "expected", "words"), SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_is_doubted(text: str, expected: Expected, words: str) -> None:
    reading = read(text)
    assert reading.is_plan
    assert [(doubt.kind, doubt.lines) for doubt in reading.doubts] == expected
    assert any(words in doubt.detail for doubt in reading.doubts)


def test_a_row_that_stands_twice_is_taken_once_and_two_texts_of_one_number_both() -> None:
    assert [task.number for task in read(with_line(13, LINES[11])).tasks] == [1, 2, 3, 4, 5]
    assert [task.number for task in read(edited("2 | 推动", "1 | 推动")).tasks] == [1, 1, 3, 4, 5]


@pytest.mark.parametrize("missing", [6, 14])
def test_a_heading_that_one_half_lost_moves_no_measure(missing: int) -> None:
    reading = read(without_line(missing))
    assert [(measure.number, measure.part) for measure in reading.measures] == [(1, 1), (2, 1), (3, 2)]
    assert [task.part for task in reading.tasks] == [1, 1, 1, 2, 2]


def test_a_sentence_in_clauses_may_be_shared_out_among_tasks() -> None:
    prose = edited("编制信用承诺清单。开展", "编制信用承诺清单;开展")
    assert read(edited("| 编制信用承诺清单。", "| 编制信用承诺清单;", prose)).doubts == ()


def test_a_document_without_a_caption_keeps_its_title() -> None:
    reading = read(without_line(8))
    assert (reading.title, reading.doubts) == (LINES[0], ())


def test_what_fills_pages_is_summed_up_and_keeps_its_lines() -> None:
    doubts = read(SMALL + "乱码\n" * 3_000).doubts
    assert len(doubts) == 1_001
    assert {line for doubt in doubts for line in doubt.lines} == set(range(17, 3_017))


def test_every_kind_of_doubt_is_documented_and_tried() -> None:
    page = (Path(__file__).parents[2] / "domain" / "document" / "DECISIONS.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.partition("## Kinds of doubt")[2].split("\n") if line.startswith("| `")]
    documented = {kind.strip("` ") for row in rows for kind in row.split(",")}
    refusals = {"document_empty", "not_plain_text", "table_missing", "tasks_missing"}
    assert documented == {kind for _, expected, _ in SLIPS.values() for kind, _ in expected} | refusals


def test_every_kind_that_the_bundled_plan_shows_is_also_tried_alone() -> None:
    tried = {kind for _, expected, _ in SLIPS.values() for kind, _ in expected}
    assert {doubt.kind for doubt in read(bundled()).doubts} <= tried

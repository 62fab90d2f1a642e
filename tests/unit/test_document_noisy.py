"""A noisy document of another year: full width, CRLF, BOM, pages, wrapped lines, wordings that the first plan lacks."""

from datetime import date
from pathlib import Path

import pytest

from domain.document import read
from domain.document.draft import Doubt, DraftTask, Reading

NOISY = Path(__file__).parent / "documents" / "noisy-2025.txt"


@pytest.fixture(scope="module")
def plan() -> Reading:
    return read(NOISY.read_bytes())


def who(task: DraftTask) -> str:
    return " ".join(f"{one.literal}={one.unit}:{one.role.value}" for one in task.assignments)


def test_the_fixture_is_as_noisy_as_it_says() -> None:
    raw = NOISY.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == raw.count(b"\n") > 0
    assert all(mark in raw.decode() for mark in "\uff0c\uff08\uff5c\u200b\u3000\f")


def test_a_wrapped_title_a_wrapped_preamble_and_wrapped_headings_are_whole(plan: Reading) -> None:
    assert plan.title == "2025年示例市社会信用体系建设工作要点"
    assert plan.preamble == "2025年\uff0c坚持以服务实体经济为主线\uff0c持续营造良好氛围。"
    assert [part.title for part in plan.parts] == ["夯实信用基础\uff0c提升服务能力", "加强诚信教育"]
    assert [one.heading for one in plan.measures] == ["加强信息归集", "优化融资服务", "开展示范创建", "弘扬诚信文化"]


def test_a_heading_on_a_line_of_its_own_stays_apart_from_the_text(plan: Reading) -> None:
    assert plan.measures[2].text == "3.开展示范创建\n支持各区开展示范创建。总结推广典型经验。"


def test_titles_and_texts_cut_by_pages_and_rows_are_whole(plan: Reading) -> None:
    assert plan.measures[1].title == "优化融资服务"
    assert [one.text for one in plan.tasks[3:5]] == ["完善白名单制度。", "支持各区开展示范创建。"]
    assert [one.measure for one in plan.tasks] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, "市发展改革委=市发展改革委:responsible 市大数据中心=市大数据中心:support 市财政局=市财政局:support"),
        (
            2,
            "市公共信用中心=市公共信用中心:lead 各行业主管部门=各行业主管部门:support 市大数据中心=市大数据中心:support",  # noqa: E501
        ),
        (3, "人行上海总部=人民银行上海总部:responsible 市发展改革委=市发展改革委:responsible"),
        (4, "市发展改革委=市发展改革委:lead 市税务局=市税务局:support"),
        (
            5,
            "浦东新区=浦东新区人民政府:responsible 徐汇区=徐汇区人民政府:responsible "  # noqa: ISC004
            "普陀区人民政府=普陀区人民政府:responsible",
        ),
        (6, "市发展改革委=市发展改革委:lead 市教委=市教委:by_duty 市民政局=市民政局:by_duty"),
        (7, "市委宣传部=市委宣传部:lead 市精神文明办=市精神文明办:support"),
        (8, "市量子信用研究院=None:lead"),
    ],
)
def test_every_wording_of_the_cell_is_read(plan: Reading, number: int, expected: str) -> None:
    assert who(plan.tasks[number - 1]) == expected


def test_open_lists_deadlines_and_targets_are_found(plan: Reading) -> None:
    assert [one.number for one in plan.tasks if one.open_ended] == [6]
    assert {one.number: one.due for one in plan.tasks if one.due} == {1: date(2025, 6, 30)}
    assert [target.literal for target in plan.tasks[1].targets] == ["三批", "30个重点领域", "全覆盖"]


def test_only_what_is_uncertain_is_doubted(plan: Reading) -> None:
    cover, *others = plan.doubts
    assert (cover.kind, cover.lines) == ("cover_letter", (1, 2, 3, 4))
    assert others == [
        Doubt("deadline_unclear", (35,), "Task 8 sets no single explicit date, so none was taken: “年底前”."),
        Doubt(
            "unknown_role", (35,), "What this asks of whom is not known here, so nobody was assigned: “市教委统筹推进”."
        ),
        Doubt("unknown_unit", (35,), "“市量子信用研究院” is not in the directory."),
    ]

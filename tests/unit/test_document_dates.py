"""Deadlines and targets: taken where the text is explicit, doubted or left where it is not."""

from datetime import date

import pytest

from domain.document.deadlines import due_of, targets_of

FULL_WIDTH = str.maketrans({mark: chr(ord(mark) + 0xFEE0) for mark in "0123456789"})


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("于2023年6月30日前完成目录编制。", date(2023, 6, 30)),
        ("2023年6月底前完成。", date(2023, 6, 30)),
        ("2024年2月底之前上线。", date(2024, 2, 29)),
        ("2023年12月1日以前上线。", date(2023, 12, 1)),
        ("于2023年6月30日前完成。".translate(FULL_WIDTH), date(2023, 6, 30)),
        ("于 2023 年 6 月 30 日前完成。", date(2023, 6, 30)),
    ],
)
def test_one_explicit_date_is_the_deadline(text: str, due: date) -> None:
    assert due_of(text) == (due, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("年底前完成。", "年底前"),
        ("2023年底前完成。", "2023年底前"),
        ("6月底前完成。", "6月底前"),
        ("6月30日前完成。", "6月30日前"),
        ("上半年完成。", "半年完成"),
        ("第三季度前完成。", "第三季度前"),
        ("年内完成。", "年内"),
        ("到2025年实现。", "到2025年"),
        ("不迟于6月。", "不迟于"),
        ("二〇二三年六月三十日前完成。", "二〇二三年六月三十日前"),
        ("2023年2月30日前完成。", "2023年2月30日前"),
        ("0023年2月3日前完成。", "0023年2月3日前"),
        ("2023年13月底前完成。", "2023年13月底前"),
        ("2023年6月30日前完成,2023年9月30日前验收。", "2023年6月30日前、2023年9月30日前"),
        ("2023年6月30日前完成,年底前验收。", "2023年6月30日前、年底前"),
    ],
)
def test_any_other_deadline_is_doubted_in_its_words(text: str, words: str) -> None:
    due, unclear = due_of(text)
    assert due is None
    assert words in unclear


@pytest.mark.parametrize(
    "text", ["编制2023年本市清单。", "2023年3月28日起施行。", "前沿技术。", "二期项目建设。", "", "推进事前承诺。"]
)
def test_a_text_without_a_deadline_has_none(text: str) -> None:
    assert due_of(text) == (None, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("在全市41个主要执法领域分两批推行。", [("41个主要执法领域", "41", "个主要执法领域"), ("两批", "2", "批")]),
        ("推进55个重点领域监管全覆盖。", [("55个重点领域", "55", "个重点领域"), ("全覆盖", "100", "%")]),
        ("分3批推进。", [("3批", "3", "批")]),
        ("分十二批推进。", [("十二批", "12", "批")]),
        ("全覆盖、全覆盖。", [("全覆盖", "100", "%")] * 2),
        ("055个重点领域。", [("055个重点领域", "55", "个重点领域")]),
        ("推出一批场景,二期项目,3家单位,0个领域,各领域。", []),
        ("", []),
    ],
)
def test_targets_are_certain_patterns_only(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(one.literal, one.value, one.unit) for one in targets_of(text)] == expected

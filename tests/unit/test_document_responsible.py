"""The cell 责任单位: who takes part, how, and what is said instead of a guess."""

import pytest

from domain.document import responsible
from domain.document.names import names_of
from domain.document.reference import REFERENCE, KnownUnit, Reference

NAMES = names_of(REFERENCE)
COMMA = "\uff0c"


def read(cell: str) -> tuple[str, list[tuple[str, str]]]:
    """`literal:role` of every unit, `literal?:role` where the directory lacks it; then the doubts."""
    found = responsible.read(cell, (1,), NAMES)
    words = [f"{one.literal}{'' if one.unit else '?'}:{one.role.value}" for one in found.assignments]
    return " ".join([*words, "…"] if found.open_ended else words), [(one.kind, one.detail) for one in found.doubts]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("市科委牵头", "市科委:lead"),
        ("市科委、市教委牵头", "市科委:lead 市教委:lead"),
        ("市科委牵头,市教委、市财政局按职责分工负责", "市科委:lead 市教委:by_duty 市财政局:by_duty"),
        (f"市科委牵头{COMMA}市教委按职责分工负责", "市科委:lead 市教委:by_duty"),
        ("市科委牵头;市教委配合。", "市科委:lead 市教委:support"),
        ("市科委按职责分工分别负责", "市科委:by_duty"),
        ("市科委按职责分别负责", "市科委:by_duty"),
        ("市科委按照各自职责负责", "市科委:by_duty"),
        ("市科委、市教委按照职责分工,分别负责", "市科委:by_duty 市教委:by_duty"),
        ("市科委分别负责", "市科委:responsible"),
        ("市科委、市教委共同负责", "市科委:responsible 市教委:responsible"),
        ("市科委负责", "市科委:responsible"),
        ("市科委牵头负责", "市科委:lead"),
        ("市科委负责牵头", "市科委:lead"),
        ("由市科委牵头", "市科委:lead"),
        ("市科委配合", "市科委:support"),
        ("市科委参与", "市科委:support"),
        ("市科委协助", "市科委:support"),
        ("市科委会同市教委负责", "市科委:responsible 市教委:support"),
        ("市科委牵头,会同市教委、市财政局", "市科委:lead 市教委:support 市财政局:support"),
        ("市科委牵头会同市教委", "市科委:lead 市教委:support"),
        ("市科委牵头、市教委配合", "市科委:lead 市教委:support"),
        ("市科委(牵头)、市教委(配合)", "市科委:lead 市教委:support"),
        ("市科委", "市科委:named"),
        ("市科委、市教委", "市科委:named 市教委:named"),
        ("市科委和市教委牵头", "市科委:lead 市教委:lead"),
        ("市科委、市教委以及市财政局牵头", "市科委:lead 市教委:lead 市财政局:lead"),
        ("市科委 市教委牵头", "市科委:lead 市教委:lead"),
        ("市 科 委 牵 头", "市 科 委:lead"),
        ("市科委等按职责分工负责", "市科委:by_duty …"),
        ("市科委、市教委等有关部门配合", "市科委:support 市教委:support …"),
        ("松江区、金山区、青浦区人民政府负责", "松江区:responsible 金山区:responsible 青浦区人民政府:responsible"),
        ("松江区、金山区和青浦区人民政府负责", "松江区:responsible 金山区:responsible 青浦区人民政府:responsible"),
        ("各区人民政府、各行业主管部门负责", "各区人民政府:responsible 各行业主管部门:responsible"),
    ],
)
def test_what_is_certain_is_read_without_a_doubt(cell: str, expected: str) -> None:
    assert read(cell) == (expected, [])


@pytest.mark.parametrize(
    ("cell", "expected", "kind", "words"),
    [
        ("", "", "unit_cell_empty", ""),
        ("市科委统筹推进", "", "unknown_role", "市科委统筹推进"),
        ("市科委、市教委统筹负责", "", "unknown_role", "市科委、市教委统筹负责"),
        ("市科委牵头,市教委统筹推进", "市科委:lead", "unknown_role", "市教委统筹推进"),
        ("市科委牵头,市教委", "市科委:lead 市教委:named", "unknown_role", "市教委"),
        ("牵头单位:市科委", "", "unknown_role", "牵头单位:市科委"),
        ("各牵头部门按职责分工负责", "", "unknown_role", "各牵头部门按职责分工负责"),
        ("市科委会同市教委", "", "unknown_role", "市科委会同市教委"),
        ("市科委会同市教委按职责分工负责", "", "unknown_role", "市科委会同市教委按职责分工负责"),
        ("会同市科委牵头", "", "unknown_role", "会同市科委牵头"),
        ("负责", "", "unknown_role", "负责"),
        ("等", "", "unknown_role", "等"),
        ("市科委督办", "", "unknown_role", "市科委督办"),
        ("市量子局承办", "", "unknown_role", "市量子局承办"),
        ("市科委执行,市教委牵头", "市教委:lead", "unknown_role", "市科委执行"),
        ("市科委信息中心牵头", "市科委信息中心?:lead", "unknown_unit", "市科委信息中心"),
        ("随便什么", "", "unknown_role", "随便什么"),
        ("市量子局牵头", "市量子局?:lead", "unknown_unit", "市量子局"),
        ("市量子局", "市量子局?:named", "unknown_unit", "市量子局"),
        ("市科委和市量子局牵头", "市科委和市量子局?:lead", "unknown_unit", "市科委和市量子局"),
        ("松江区牵头", "松江区?:lead", "unknown_unit", "松江区"),
        (
            "松江区、市科委、青浦区人民政府负责",
            "松江区?:responsible 市科委:responsible 青浦区人民政府:responsible",
            "unknown_unit",
            "松江区",
        ),
        ("市科委(市外专局、市知产局)牵头", "市科委(市外专局、市知产局)?:lead", "unknown_unit", "市外专局"),
        ("市科委、市科委牵头", "市科委:lead", "duplicate_unit", "市科委"),
        ("市信用中心、市公共信用中心牵头", "市信用中心:lead", "duplicate_unit", "市公共信用中心"),
        ("市科委牵头,市科委配合", "市科委:lead 市科委:support", "duplicate_unit", "市科委"),
    ],
)
def test_what_is_not_certain_is_said(cell: str, expected: str, kind: str, words: str) -> None:
    found, doubts = read(cell)
    assert found == expected
    ((said, detail),) = doubts
    assert said == kind
    assert words in detail


def test_an_unknown_unit_excuses_no_other_doubt() -> None:
    _, doubts = read("市量子局牵头,市科委统筹推进,市教委、市教委配合")
    assert [kind for kind, _ in doubts] == ["unknown_role", "unknown_unit", "duplicate_unit"]


def test_another_directory_gives_other_names() -> None:
    names = names_of(Reference(units=(KnownUnit("shi-liang-zi-ju", "市量子局", "body"),)))
    found = responsible.read("市量子局、市科委牵头", (7,), names)
    assert [one.unit for one in found.assignments] == ["市量子局", None]
    assert [(one.kind, one.lines) for one in found.doubts] == [("unknown_unit", (7,))]

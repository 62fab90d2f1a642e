"""The reference data: complete for the bundled plan, with true codes, and nothing in it that the plan does not say."""

import re
from collections import Counter

import pytest

from domain.document.reference import REFERENCE, load_reference
from tests.unit.documents.small import bundled

CODES = {
    "310101": "黄浦区",
    "310104": "徐汇区",
    "310105": "长宁区",
    "310106": "静安区",
    "310107": "普陀区",
    "310109": "虹口区",
    "310110": "杨浦区",
    "310112": "闵行区",
    "310113": "宝山区",
    "310114": "嘉定区",
    "310115": "浦东新区",
    "310116": "金山区",
    "310117": "松江区",
    "310118": "青浦区",
    "310120": "奉贤区",
    "310151": "崇明区",
}


def table() -> str:
    return bundled().partition("工作要点分工表")[2]


def test_the_16_districts_have_their_gb_t_2260_codes() -> None:
    assert {district.code: district.name for district in REFERENCE.districts} == CODES


def test_37_bodies_and_a_government_for_every_district() -> None:
    assert Counter(unit.kind for unit in REFERENCE.units) == {"body": 37, "district_government": 16}
    governments = {unit.district: unit.name for unit in REFERENCE.units if unit.kind == "district_government"}
    assert governments == {code: f"{name}人民政府" for code, name in CODES.items()}
    assert {unit.district for unit in REFERENCE.units if unit.kind == "body"} == {None}


def test_no_two_units_groups_or_platforms_share_an_id_or_a_name() -> None:
    everyone = [*REFERENCE.units, *REFERENCE.groups]
    for found in (everyone, REFERENCE.platforms, REFERENCE.districts):
        names = Counter(one.name for one in found)
        assert max(names.values()) == 1
    ids = Counter(one.id for one in (*everyone, *REFERENCE.platforms))
    assert max(ids.values()) == 1
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key) for key in ids)


def test_an_id_is_the_name_syllable_by_syllable() -> None:
    for one in (*REFERENCE.units, *REFERENCE.groups):
        assert len(one.id.split("-")) == len(one.name), one.name
    ids = {unit.name: unit.id for unit in REFERENCE.units}
    assert ids["市科委"] == "shi-ke-wei"
    assert ids["市教委"] == "shi-jiao-wei"
    assert ids["市交通委"] == "shi-jiao-tong-wei"
    assert ids["长宁区人民政府"] == "chang-ning-qu-ren-min-zheng-fu"
    assert ids["闵行区人民政府"] == "min-hang-qu-ren-min-zheng-fu"
    assert ids["市信用服务行业协会"] == "shi-xin-yong-fu-wu-hang-ye-xie-hui"


def test_every_body_stands_in_the_plan_as_it_is_named() -> None:
    missing = [unit.name for unit in REFERENCE.units if unit.kind == "body" and unit.name not in table()]
    assert missing == []


def test_one_group_is_closed_and_holds_the_16_governments() -> None:
    groups = {group.name: group for group in REFERENCE.groups}
    assert set(groups) == {"各区人民政府", "各行业主管部门", "各联席会议成员单位"}
    governments = {unit.id for unit in REFERENCE.units if unit.kind == "district_government"}
    assert set(groups["各区人民政府"].members) == governments
    assert len(groups["各区人民政府"].members) == 16
    assert [group.closed for group in REFERENCE.groups if not group.members] == [False, False]
    assert groups["各区人民政府"].closed


def test_the_two_aliases_say_why() -> None:
    names = {unit.id: unit.name for unit in REFERENCE.units}
    assert {alias.alias: names[alias.unit] for alias in REFERENCE.aliases} == {
        "市信用中心": "市公共信用中心",
        "人行上海总部": "人民银行上海总部",
    }
    assert ["8" in REFERENCE.aliases[0].reason, "41" in REFERENCE.aliases[1].reason] == [True, True]
    assert all("同一单位" in alias.reason for alias in REFERENCE.aliases)


@pytest.mark.parametrize("platform", REFERENCE.platforms, ids=lambda one: one.id)
def test_every_platform_is_named_in_the_table(platform: object) -> None:
    name = getattr(platform, "name", "")
    assert name
    assert name in table()


def test_quoted_platforms_and_proper_names_are_all_there() -> None:
    names = {platform.name for platform in REFERENCE.platforms}
    assert {"一网通办", "随申办", "一网统管", "信用中国(上海)", "信用上海", "市统一综合执法系统"} <= names
    assert {"长三角公共信用信息共享平台", "示范区E企融平台", "科技信用信息管理平台", "企业信用信息公示系统"} <= names
    assert {"全国融资信用服务综合平台", "市公共信用信息服务平台", "市公共信用平台"} <= names
    assert len(names) == len(REFERENCE.platforms) == 14
    assert all(not platform.aliases for platform in REFERENCE.platforms)  # the plan equates no two names


def test_a_successor_that_the_plan_does_not_know_is_not_there() -> None:
    assert "国家金融监督管理总局上海监管局" not in {unit.name for unit in REFERENCE.units}


def test_it_is_read_from_files_and_stays_the_same() -> None:
    assert load_reference() == REFERENCE

"""Ids that are proposed for units nobody knows yet: pinyin, unique, and only where none was given."""

import re

import msgspec
import pytest

from api.services.proposals import pinyin, propose, with_ids
from domain.bundled import bundled_plan
from domain.directory import RenameUnit
from domain.plan_import import ImportPlan
from tests.unit.saying import given


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("市科委", "shi-ke-wei"),
        ("市交委", "shi-jiao-wei"),
        ("示范区E企融平台", "shi-fan-qu-e-qi-rong-ping-tai"),
        ("信用中国(上海)", "xin-yong-zhong-guo-shang-hai"),
        ("12345热线", "12345-re-xian"),
        ("()", "unit"),
        ("", "unit"),
    ],
)
def test_an_id_is_the_name_in_pinyin(name: str, key: str) -> None:
    assert pinyin(name) == key


@pytest.mark.parametrize("name", ["市" * 200, "A—B", " 甲 乙 ", "É", "𠮷野家"])
def test_every_proposal_is_an_id(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", pinyin(name))
    assert len(pinyin(name)) <= 80


def test_two_names_that_sound_alike_get_two_ids() -> None:
    assert propose(["市教委", "市交委"], {}, []) == {"市教委": "shi-jiao-wei", "市交委": "shi-jiao-wei-2"}


def test_a_third_name_that_sounds_alike_gets_a_third_id() -> None:
    proposed = propose(["市教委", "市交委", "市郊委"], {}, [])
    assert list(proposed.values()) == ["shi-jiao-wei", "shi-jiao-wei-2", "shi-jiao-wei-3"]


def test_an_id_that_is_taken_is_not_proposed() -> None:
    assert propose(["市教委"], {}, ["shi-jiao-wei"]) == {"市教委": "shi-jiao-wei-2"}
    assert propose(["市教委"], {"市交委": "shi-jiao-wei"}, []) == {"市教委": "shi-jiao-wei-2"}


def test_a_name_that_a_unit_has_keeps_that_units_id() -> None:
    assert propose(["市教委"], {"市教委": "shi-jiao-yu-wei"}, []) == {"市教委": "shi-jiao-yu-wei"}


def strange(**ids: str) -> ImportPlan:
    """The bundled plan, in which 市生态环境局 bears a name that nobody knows."""
    command = bundled_plan()
    assert "市生态环境局" in command.text
    return msgspec.structs.replace(command, text=command.text.replace("市生态环境局", "市航天委"), unit_ids=ids)


def test_an_import_gets_ids_for_the_units_that_it_names_and_nobody_knows() -> None:
    proposed = with_ids(strange(), {})
    assert isinstance(proposed, ImportPlan)
    assert proposed.unit_ids == {"市航天委": "shi-hang-tian-wei"}
    assert "unit:shi-hang-tian-wei" in {one.stream for one in given().when(proposed).facts}


def test_an_id_that_a_unit_of_the_record_has_is_not_proposed() -> None:
    proposed = with_ids(strange(), {"市行天委": "shi-hang-tian-wei"})
    assert isinstance(proposed, ImportPlan)
    assert proposed.unit_ids == {"市航天委": "shi-hang-tian-wei-2"}


def test_a_unit_that_the_record_knows_by_this_name_keeps_its_id() -> None:
    proposed = with_ids(strange(), {"市航天委": "hang-tian"})
    assert isinstance(proposed, ImportPlan)
    assert proposed.unit_ids == {"市航天委": "hang-tian"}


def test_an_id_that_was_given_stays() -> None:
    assert with_ids(strange(市航天委="given"), {}) == strange(市航天委="given")


def test_an_import_of_known_units_and_any_other_command_stay_as_they_are() -> None:
    command = RenameUnit(unit="a", name="新")
    assert with_ids(bundled_plan(), {}) == bundled_plan()
    assert with_ids(command, {}) is command

"""Which platforms a text mentions: each of which it holds a wording, however they lie in it and beside one another."""

import tracemalloc
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from projections.views.mentions import Mentions
from projections.views.names import PlatformRow

LETTERS = st.text("信用中国a ", min_size=1, max_size=4)
PLATFORMS = st.lists(st.lists(LETTERS, min_size=1, max_size=3), max_size=6)


def platforms(*wordings: list[str]) -> list[PlatformRow]:
    return [PlatformRow(name, tuple(rest), id=f"p-{at}") for at, (name, *rest) in enumerate(wordings)]


@given(PLATFORMS, st.text("信用中国a ", max_size=12))
def test_a_text_mentions_every_platform_of_which_it_holds_a_wording(wordings: list[list[str]], text: str) -> None:
    there = platforms(*wordings)
    found = Mentions(there).among(text)
    assert [one.id for one in found] == [one.id for one in there if any(each in text for each in one.wordings)]
    assert {one.name for one in found} <= {one.name for one in there}


def test_they_come_by_id_with_the_name_that_they_have_whatever_the_text_calls_them() -> None:
    there = [PlatformRow("信用中国", ("公示系统",), id="b"), PlatformRow("一网通办", (), id="a")]
    found = Mentions(there).among("在公示系统和一网通办上公示")
    assert [(one.id, one.name) for one in found] == [("a", "一网通办"), ("b", "信用中国")]


def test_a_text_takes_about_as_long_at_five_thousand_platforms_as_at_fifty() -> None:
    text = "依托市公共信用信息服务平台，归集信用承诺及其履行情况，并在信用中国网站上公示。" * 3
    few, many = (Mentions(platforms(*([f"市公共第{at}号信息系统"] for at in range(count)))) for count in (50, 5_000))

    def seconds(found: Mentions) -> float:
        begun = process_time()
        for _ in range(300):
            found.among(text)
        return process_time() - begun

    assert min(seconds(many) for _ in range(3)) < 3 * min(seconds(few) for _ in range(3))  # 100 times as many


def test_what_it_weighs_is_what_it_takes() -> None:
    tracemalloc.start()
    found = Mentions(platforms(*([f"第{at}号公共信用信息平台", f"别名{at}"] for at in range(5_000))))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken * 0.8 < found.weight < taken * 2

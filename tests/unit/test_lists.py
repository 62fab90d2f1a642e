"""A page of a list, forwards and backwards, is what somebody finds who counts along the whole list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.lists import Excerpt, cut

PLACES = st.lists(st.integers(0, 30), unique=True).map(sorted)


def counted(whole: list[int], excerpt: Excerpt, *, descending: bool) -> tuple[list[int], bool]:
    """The same by hand."""
    place = excerpt.place[0] if excerpt.place else None
    behind = excerpt.backwards == descending
    rest = [one for one in whole if place is None or (one > place if behind else one < place)]
    page = rest[max(len(rest) - excerpt.limit, 0) :] if excerpt.backwards else rest[: excerpt.limit]
    return page, len(rest) > len(page)


@given(PLACES, st.integers(0, 5), st.none() | st.integers(0, 30), st.booleans(), st.booleans())
def test_a_page_is_what_is_counted(whole: list[int], limit: int, place: int | None, back: bool, down: bool) -> None:  # noqa: FBT001
    if down:
        whole.reverse()
    excerpt = Excerpt(limit, None if place is None else (place,), back)
    page, more = cut(whole, excerpt, lambda one: (one,), descending=down)
    assert (list(page), more) == counted(whole, excerpt, descending=down)


@pytest.mark.parametrize("down", [False, True])
@given(PLACES, st.integers(1, 5))
def test_pages_backwards_make_the_whole(down: bool, whole: list[int], limit: int) -> None:  # noqa: FBT001
    if down:
        whole.reverse()
    found: list[int] = []
    more = True
    while more:
        place = (found[0],) if found else None
        page, more = cut(whole, Excerpt(limit, place, backwards=True), lambda one: (one,), descending=down)
        found[:0] = page
    assert found == whole

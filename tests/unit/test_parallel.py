"""What is to run alone, or first, is there under the name by which it is known."""

from pathlib import Path

import pytest

from tests.parallel import ALONE, LONG

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("named", [*ALONE, *LONG])
def test_what_is_named_is_there(named: str) -> None:
    path, _, test = named.partition("::")
    assert (PROJECT / path).exists()
    assert not test or f"\nasync def {test}(" in (PROJECT / path).read_text("utf-8")

"""The load of `make soak` for some seconds: all that it asks is answered, and what is not is told."""

import pytest

from tests.endurance.mix import IMPORTED, Mix
from tests.endurance.soak import Soak
from tests.integration.commands import place, serving


async def test_whatever_is_asked_under_the_mixed_load_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    with place() as folder:
        async with serving(folder, "demo", "--serve") as served:
            soak = Soak(served, seed=7)
            ratio = await soak.go_on(2, rate=80, minute=2.5)
            assert soak.faults == []
            assert soak.answered["read"] > 100
            assert min(soak.answered[one] for one in ("written", "followed")) >= 1
            assert ratio == 1.0  # so short a load has no minute 10: the last is compared with itself
            assert "minute 2: " in capsys.readouterr().out
            soak.mix.question = lambda: "/v1/units/nobody"
            await soak.go_on(1, rate=80, minute=0.5)
            assert set(soak.faults) == {"/v1/units/nobody answered 404"}


def test_the_questions_are_the_same_whenever_they_are_asked_and_hardly_ever_twice() -> None:
    first, again = ([mix.question() for _ in range(50)] for mix in (Mix(3), Mix(3)))
    assert first == again
    mix = Mix(3, head=IMPORTED + 400)
    asked = [mix.question() for _ in range(1_000)]
    assert len({one.partition("?")[0] for one in asked}) > 100
    pinned = [one for one in asked if "position=" in one]
    assert len(set(pinned)) > 0.95 * len(pinned) > 300

"""The measure itself: a step that is long is seen to be long, and an honest question costs little."""

from tests.attacks.conftest import LONGEST_STEP, Victim


async def test_an_honest_question_is_cheap(victim: Victim) -> None:
    await victim.is_honest()
    async with victim.costs() as cost:
        await victim.is_honest()
    assert 0 < cost.longest <= LONGEST_STEP
    assert cost.cpu < 1

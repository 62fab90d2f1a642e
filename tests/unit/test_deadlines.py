import asyncio

import pytest

from api.http.deadlines import within


async def lasting(seconds: float, least: float) -> str:
    with within(least):
        await asyncio.sleep(seconds)
    return "done"


async def test_what_lasts_too_long_fails_and_nothing_else_does() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    cases = [(0.0, 0.2), (5.0, 0.2), (0.3, 3.0), (5.0, 0.6), (0.1, 0.4), (5.0, 0.25)]
    found = await asyncio.gather(*(lasting(*one) for one in cases), return_exceptions=True)
    assert [type(one).__name__ for one in found] == [
        "str",
        "TimeoutError",
        "str",
        "TimeoutError",
        "str",
        "TimeoutError",
    ]
    assert loop.time() - begun < 1


async def test_the_timer_is_there_again_for_those_who_come_later() -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await lasting(5, 0.05)
        assert await lasting(0, 0.05) == "done"


async def test_a_shorter_deadline_does_not_wait_for_a_longer_one() -> None:
    longer = asyncio.create_task(lasting(5, 30))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        with pytest.raises(TimeoutError):
            await lasting(5, 0.1)
    longer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await longer


async def test_whoever_is_cancelled_by_somebody_else_is_cancelled() -> None:
    task = asyncio.create_task(lasting(5, 0.1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_goes_on_after_its_deadline() -> None:
    with pytest.raises(TimeoutError):
        await lasting(5, 0.05)
    await asyncio.sleep(0.05)  # and is not cancelled by what is over
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0

"""Work is what is done, and no waiting; an account is empty after a while, and not given up before."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import pytest

from api.http.limits import EXPECTED, MOST_ACCOUNTS, Accounts, ClientAccount, CountedRequest
from events.work import counted, current_errand, in_a_thread, nobodys, own_task, resting

T = TypeVar("T")
QUOTA = 60.0  # seconds of work a minute: what is used comes back second by second


async def worked(work: Coroutine[Any, Any, T]) -> float:
    """The seconds that counted, none of which come back so soon."""
    account = ClientAccount(1e-9, time.perf_counter())
    await counted(work, CountedRequest(account))
    return account.used(time.perf_counter())


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def in_steps() -> None:
    for _ in range(3):
        busy(0.02)
        await asyncio.sleep(0)


async def test_each_step_counts_and_waiting_does_not() -> None:
    async def waits() -> None:
        await asyncio.sleep(0.2)

    assert await worked(in_steps()) >= 0.06
    assert await worked(waits()) < 0.05


async def test_what_is_done_in_a_task_or_a_thread_counts_too() -> None:
    async def elsewhere() -> None:
        await own_task(in_steps())
        await in_a_thread(busy, 0.05)

    assert await worked(elsewhere()) >= 0.11


async def test_what_is_done_for_all_is_nobodys() -> None:
    async def for_all() -> None:
        await nobodys(in_steps())

    assert await worked(for_all()) < 0.05


async def test_work_that_is_counted_does_what_it_does_uncounted() -> None:
    async def numbers() -> AsyncGenerator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def work() -> list[int]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        with pytest.raises(ZeroDivisionError):
            await own_task(fails())
        async with aclosing(numbers()) as found:
            return [one async for one in found]

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    request = CountedRequest(ClientAccount(QUOTA, time.perf_counter()))
    assert await counted(work(), request) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        await counted(fails(), request)


async def test_work_that_is_given_up_hears_of_it() -> None:
    heard = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            heard.set()
            raise

    task = asyncio.create_task(counted(long(), CountedRequest(ClientAccount(QUOTA, time.perf_counter()))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard.is_set()


async def test_two_who_take_turns_are_told_apart_and_nobody_afterwards() -> None:
    async def mine() -> Any:
        await asyncio.sleep(0)
        return current_errand()

    one, other = (CountedRequest(ClientAccount(QUOTA, time.perf_counter())) for _ in range(2))
    assert await asyncio.gather(counted(mine(), one), counted(mine(), other)) == [one, other]
    assert current_errand() is None


async def test_who_rests_is_expected_to_do_nothing() -> None:
    account = ClientAccount(QUOTA, time.perf_counter())
    request = CountedRequest(account)

    async def rests() -> list[int]:
        found = [account.expected]
        with resting():
            found.append(account.expected)
        return [*found, account.expected]

    assert await counted(rests(), request) == [1, 0, 1]
    request.expect(more=False)
    request.end()
    assert (account.expected, account.ends) == (0, 0)


def test_what_is_used_comes_back_steadily_and_no_more_than_that() -> None:
    account = ClientAccount(quota=30.0, now=0.0)
    account.add(20.0, 10.0)
    assert [account.used(now) for now in (10.0, 20.0, 50.0, 90.0)] == [20.0, 15.0, 0.0, 0.0]
    account.add(1.0, 1_000.0)
    assert account.used(1_000.0) == 1.0


def test_what_is_expected_counts_beforehand() -> None:
    account = ClientAccount(quota=3 * EXPECTED, now=0.0)
    begun = list[CountedRequest]()
    while not account.refusal(0.0):
        begun.append(CountedRequest(account))
    assert len(begun) == 3
    begun[0].expect(more=False)
    assert account.refusal(0.0) is None


def test_a_refusal_says_when_to_come_again_and_then_it_is_given() -> None:
    account = ClientAccount(quota=6.0, now=0.0)
    account.add(7.0, 0.0)
    refused = account.refusal(0.0)
    assert refused is not None
    assert (refused.status, refused.code) == (429, "too_much_work")
    assert refused.headers == {
        "Retry-After": "10",
        "ratelimit-policy": '"work";q=6000;w=60',
        "ratelimit": '"work";r=0;t=70',
    }
    assert "6,000 ms" in refused.detail
    assert account.refusal(10.01) is None


def test_no_crowd_makes_a_heavy_client_forgotten_and_the_accounts_stay_few() -> None:
    accounts = Accounts(QUOTA)
    heavy = accounts.of(1, 0.0)
    heavy.add(59.0, 0.0)
    for number in range(200_000):  # a /32 has four milliards of them
        accounts.of(1 << 64 | number, number / 100_000).add(0.001, number / 100_000)
    assert len(accounts) <= MOST_ACCOUNTS
    assert accounts.of(1, 2.0) is heavy
    accounts.of(2, 100.0)
    assert len(accounts) == 1  # whoever owes nothing is forgotten


def test_who_comes_when_all_are_busy_shares_one_account() -> None:
    accounts = Accounts(QUOTA)
    for number in range(MOST_ACCOUNTS):
        CountedRequest(accounts.of(number, 0.0))
    assert accounts.of(MOST_ACCOUNTS, 5.0) is accounts.of(MOST_ACCOUNTS + 1, 5.0)
    assert accounts.of(7, 5.0) is not accounts.of(MOST_ACCOUNTS, 5.0)


def test_who_only_waits_is_not_forgotten_and_so_does_not_begin_anew() -> None:
    accounts = Accounts(QUOTA)
    mine = accounts.of(1, 0.0)
    request = CountedRequest(mine)
    request.expect(more=False)
    accounts.of(2, 1_000.0)
    assert accounts.of(1, 1_000.0) is mine
    request.end()
    accounts.of(3, 2_000.0)
    assert accounts.of(1, 2_000.0) is not mine


def test_where_all_are_busy_nobody_is_looked_for_each_time() -> None:
    accounts = Accounts(QUOTA)
    for number in range(MOST_ACCOUNTS):
        CountedRequest(accounts.of(number, 100.0))
    began = time.perf_counter()
    for number in range(1_000):
        accounts.of(MOST_ACCOUNTS + number, 200.0 + number / 1_000)
    assert time.perf_counter() - began < 0.1  # a look through all of them takes milliseconds

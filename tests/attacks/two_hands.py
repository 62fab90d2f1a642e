"""`python -m tests.attacks.two_hands`: makes exports as `api.exports.making` does, of three plans by two processes.

One of the plans has rows. Really it takes 1,200 plans until that pays.
"""

import asyncio
from typing import Any

import pytest

from api.exports.making import serve_orders

PLANS = ("shanghai-credit-2023", "shanghai-credit-2024", "shanghai-credit-2025")


async def several(*_: Any) -> list[str]:
    """Plans, of which nobody has made two: they make parts too, which have no rows."""
    return [*PLANS]


def lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part for each plan, and two processes on however few cores."""
    monkeypatch.setattr("api.exports.parts.PLANS_IN_PART", 1)
    monkeypatch.setattr("api.exports.parts.PLANS_EACH", 1)
    monkeypatch.setattr("api.exports.parts.cores", lambda: 2)
    monkeypatch.setattr("api.exports.making.plans_at", several)


if __name__ == "__main__":
    lower(pytest.MonkeyPatch())
    asyncio.run(serve_orders("text"))

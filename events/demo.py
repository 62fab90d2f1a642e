"""The demo's clock: a log whose origin ends in /demo may be given a present of its own, which never goes back."""

from datetime import datetime

import asyncpg

from domain.values import checked_date, instant_text
from events.database import CHANNEL, Connection


class ClockRefused(Exception):
    """The clock of this log cannot be set, or not back."""


def is_demo(origin: str) -> bool:
    """Whether a log may be given a clock that can be set, and what it says never happened."""
    return origin.endswith("/demo")


async def set_clock(connection: Connection, instant: datetime) -> None:
    """Let it be `instant` for this log; ClockRefused if it is no demo, or the instant lies before the present one."""
    if instant.tzinfo is None:
        raise ClockRefused("an instant needs its zone, as in 2023-12-31T18:00:00+08:00")
    checked_date(instant.date())
    row = await connection.fetchrow("SELECT origin, demo_now, recorded_at FROM log_head FOR UPDATE")
    assert row is not None  # noqa: S101 - migrate() has made the one row
    if not is_demo(row["origin"]):
        raise ClockRefused(f"{row['origin']} is a real record: its clock cannot be set (a demo's origin ends in /demo)")
    latest = max((one for one in (row["demo_now"], row["recorded_at"]) if one), default=None)
    if latest and instant < latest:
        raise ClockRefused(f"the clock stands at {instant_text(latest)} and never goes back")
    try:
        await connection.execute("UPDATE log_head SET demo_now = $1", instant)
        await connection.execute("SELECT pg_notify($1, '')", CHANNEL)  # processes know the present by what they hear
    except asyncpg.InsufficientPrivilegeError as error:
        raise ClockRefused("the clock never goes back") from error

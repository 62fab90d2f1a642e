"""The plan's vocabulary as types: identifiers, roles, statuses, periods. Sources: the document and GB/T 2260."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain.errors import WrongDate

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2999, 12, 31)

_PLANE_ENDS: Final = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
BIDI: Final = "\u202a-\u202e\u2066-\u2069"  # what overrides or isolates the direction of what stands beside it
NO_CHARACTERS: Final = f"\ufdd0-\ufdef{_PLANE_ENDS}"
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"

PlanId = Annotated[str, Meta(pattern=rf"^{_SLUG}$", max_length=64, description="A plan, such as shanghai-credit-2023.")]
TaskId = Annotated[
    str,
    Meta(
        pattern=rf"^{_SLUG}/[1-9][0-9]{{0,8}}$",
        max_length=74,
        description="A task: its plan and its key, such as shanghai-credit-2023/12. The key is minted once and never "
        "reused; the number printed in the plan is a field of the task.",
    ),
]
UnitId = Annotated[
    str, Meta(pattern=rf"^{_SLUG}$", max_length=96, description="A unit or group, one id for life, such as shi-ke-wei.")
]
PlatformId = Annotated[str, Meta(pattern=rf"^{_SLUG}$", max_length=96, description="A named information system.")]
DistrictCode = Annotated[
    str, Meta(pattern=r"^[0-9]{6}$", description="GB/T 2260 code of a district, such as 310101 for 黄浦区.")
]
Number = Annotated[int, Meta(ge=1, le=999_999, description="A number printed in the plan, from 1.")]
Position = Annotated[
    int, Meta(ge=1, lt=2**53, description="Size of the log including this fact: 1 for the first. The event's only id.")
]
Name = Annotated[str, Meta(min_length=1, max_length=200, description="An official name, as published.")]
Text = Annotated[str, Meta(min_length=1, max_length=8_000, description="Wording of the plan, as published.")]
Decimal = Annotated[
    str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$", description="A decimal number as a string.")
]

Sha256 = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of a file, in 64 digits of lower-case hex.")
]


class Role(StrEnum):
    """How a unit takes part in a task: 牵头, 按职责分工负责, 负责, 配合/会同/参与, or named without a verb."""

    LEAD = "lead"
    BY_DUTY = "by_duty"
    RESPONSIBLE = "responsible"
    SUPPORT = "support"
    NAMED = "named"


class Status(StrEnum):
    """What a unit reports about a task; `RANK` orders them from the least to the most advanced."""

    NOT_STARTED = "not_started"
    BLOCKED = "blocked"
    DELAYED = "delayed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


RANK: Final = {status: rank for rank, status in enumerate(Status)}

PERIOD: Final = r"^[0-9]{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?$"
Period = Annotated[str, Meta(pattern=PERIOD, description="A year, a quarter or a month: 2023, 2023-Q2, 2023-06.")]


@lru_cache
def period_days(period: str) -> tuple[date, date]:
    """First and last day of a period; WrongDate for what is no period or lies outside 1900-2999."""
    year, _, part = period.partition("-")
    if not re.fullmatch(PERIOD, period) or not EARLIEST.year <= int(year) <= LATEST.year:
        raise WrongDate(f"{period!r} is no period: write a year, a quarter or a month, as 2023, 2023-Q2 or 2023-06")
    match part[:1]:
        case "":
            first, last = 1, 12
        case "Q":
            last = int(part[1]) * 3
            first = last - 2
        case _:
            first = last = int(part)
    return date(int(year), first, 1), date(int(year), last, monthrange(int(year), last)[1])


def quarter_before(day: date) -> str:
    """The last quarter that was over on a day."""
    years, quarter = divmod(day.year * 4 + (day.month - 1) // 3 - 1, 4)
    return f"{years:04}-Q{quarter + 1}"


def last_quarter(on: date) -> tuple[str, tuple[date, date]]:
    """The last quarter that was over on a day, and its first and last day."""
    last = date(on.year, (on.month - 1) // 3 * 3 + 1, 1) - date.resolution
    return quarter_before(on), (last.replace(month=last.month - 2, day=1), last)


def checked_date(day: date) -> date:
    """The same day; WrongDate outside 1900-01-01 to 2999-12-31, where a date is a slip of the keyboard."""
    if not EARLIEST <= day <= LATEST:
        raise WrongDate(f"{day.isoformat()} is not between {EARLIEST.isoformat()} and {LATEST.isoformat()}")
    return day


def parse_date(text: str) -> date:
    """A day written as 2023-06-30 and no other way; WrongDate otherwise."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise WrongDate(f"{text!r} is no date: write it as 2023-06-30")
    try:
        return checked_date(date.fromisoformat(text))
    except ValueError as error:
        raise WrongDate(f"{text!r} is no date: {error}") from error


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant, whose zone may be missing; msgspec.ValidationError for what is none.

    More than six digits of a second are cut: rounded up, they would name a later instant than was asked for.
    """
    return msgspec.convert(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text, count=1), datetime)


def shanghai_day(instant: datetime) -> date:
    """The calendar day in Shanghai of an aware instant."""
    return instant.astimezone(SHANGHAI).date()


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with six digits and `Z`, whatever the fraction: one instant, one spelling."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


class Sealed(msgspec.Struct, frozen=True, rename={"digest": "_sd"}):
    """Erasable text as the log keeps it: the SHA-256 digest of `[salt, value]`, base64url; the text lives elsewhere."""

    digest: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]

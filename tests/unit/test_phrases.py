"""Days, instants and periods are written one way in each language."""

from datetime import UTC, datetime

import pytest

from api.services.phrases import Lang, instant_words, period_text


@pytest.mark.parametrize(
    ("period", "zh", "en"),
    [
        ("2023", "2023年度", "2023"),
        ("2023-Q1", "2023年第一季度", "Q1 2023"),
        ("2023-Q4", "2023年第四季度", "Q4 2023"),
        ("2023-06", "2023年6月", "June 2023"),
        ("2023-12", "2023年12月", "December 2023"),
    ],
)
def test_a_period_is_written_as_people_write_it(period: str, zh: str, en: str) -> None:
    assert (period_text(Lang.ZH, period), period_text(Lang.EN, period)) == (zh, en)


def test_an_instant_is_a_day_and_a_minute_in_shanghai() -> None:
    at = datetime(2023, 12, 28, 18, 5, 59, tzinfo=UTC)
    assert instant_words(Lang.ZH, at) == "2023年12月29日 02:05"
    assert instant_words(Lang.EN, at) == "29 December 2023, 02:05"

"""The doors by which the record is followed: streams that go on as it grows, and feeds for readers of feeds."""

from typing import Any, Final

from api.feeds import channels, streams

HANDLERS: Final[list[Any]] = [
    streams.stream,
    channels.event_feed,
    channels.correction_feed,
    channels.plan_feed,
    channels.task_feed,
    channels.unit_feed,
    channels.district_feed,
]

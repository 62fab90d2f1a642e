"""The doors by which the record is followed: streams that go on as it grows."""

from typing import Any

from api.feeds import streams

HANDLERS: list[Any] = [streams.stream]

"""Platforms: named information systems, which tasks mention by name or alias."""

from collections.abc import Iterable

import msgspec

from domain.directory import Platform
from projections.table import Row, slice_table


class PlatformRow(Platform, frozen=True, kw_only=True):
    """A platform at one moment, as the table keeps it."""

    id: str
    version: int

    def mentioned(self, text: str) -> bool:
        """Whether a text names it."""
        return self.name in text or any(alias in text for alias in self.aliases)


def _rows(key: str, platform: Platform, version: int) -> Iterable[Row]:
    row = PlatformRow(platform.name, platform.aliases, id=key, version=version)
    yield Row(key, (), msgspec.json.encode(row))


PLATFORMS = slice_table("platforms", "platform", PlatformRow, _rows, {})

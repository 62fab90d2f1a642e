"""Platforms: named information systems, which tasks mention by name or alias."""

from collections.abc import Iterable

import msgspec

from domain.directory import Platform
from projections.as_of import Rows
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


class PlatformView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One named information system as the record showed it at a moment."""

    id: str
    name: str
    aliases: tuple[str, ...]
    version: int


def show(rows: Rows) -> list[PlatformView]:
    """The platforms among these rows, by id."""
    return [
        PlatformView(id=one.id, name=one.name, aliases=one.aliases, version=one.version)
        for one in sorted(rows.of(PLATFORMS, PlatformRow), key=lambda one: one.id)
    ]

"""Settings, from the environment: `PLANRECORD_…`, and `DATABASE_URL` for a PostgreSQL of one's own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from domain.misfit import misfit

PREFIX = "PLANRECORD_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to serve, where to keep, and in whose name.

    `origin` is what a log must be named, and a new one is; None for any log that is there, a new one being ORIGIN.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    data_dir: Path = Path("data")
    database_url: str | None = None
    origin: str | None = None
    office: str = "shanghai-credit-office"
    license: str = "https://creativecommons.org/licenses/by/4.0/"
    max_body: int = 4_000_000
    body_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    cache_bytes: int = 128_000_000


def settings_from(environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Settings from the environment; what is `given` and not None wins. ValueError names what is wrong."""
    named = {name: environment[PREFIX + name.upper()] for name in _names() if PREFIX + name.upper() in environment}
    if environment.get("DATABASE_URL"):
        named.setdefault("database_url", environment["DATABASE_URL"])
    values = named | {name: value for name, value in given.items() if value is not None}
    unknown = {name for name in environment if name.startswith(PREFIX)} - {PREFIX + name.upper() for name in _names()}
    if unknown:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}; known: {', '.join(_variables())}")
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        found = misfit(error, Settings)
        raise ValueError(f"settings: {found.path[0]}: {found.wish}, not {values[found.path[0]]}") from error


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which another process finds the same settings."""
    values = {name: getattr(settings, name) for name in _names()}
    return {PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}


def _names() -> tuple[str, ...]:
    return Settings.__struct_fields__


def _variables() -> list[str]:
    return [PREFIX + name.upper() for name in _names()]


def _path(type_: type, value: Any) -> Any:
    return Path(value) if type_ is Path else value

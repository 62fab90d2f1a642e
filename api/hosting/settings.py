"""Settings, from the environment: `PLANRECORD_…`, and `DATABASE_URL` for a PostgreSQL of one's own."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from api.hosting.logs import LogFormat
from domain.misfit import misfit

Network = IPv4Network | IPv6Network
PREFIX = "PLANRECORD_"
_NO_URL: Final = re.compile(r"[^!-~]|[\"<>\\^`{|}]")  # what stands in a URL by its code
_Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


def _for(purpose: str, known_as: str | None = None, **bounds: Any) -> msgspec.Meta:
    """What a setting is for, and the variable that it is known as, where that is nobody else's."""
    return msgspec.Meta(extra={"purpose": purpose} | ({"known_as": known_as} if known_as else {}), **bounds)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to serve, where to keep, and in whose name; what each is for stands beside it, and is told by `variables`.

    `origin` is what a log must be named, and a new one is; None for any log that is there, a new one being ORIGIN.
    """

    host: Annotated[str, _for("the address to serve on")] = "127.0.0.1"
    port: Annotated[_Port, _for("its port; 0: any that is free, which the start names")] = 8000
    base_url: Annotated[
        str | None,
        _for("where the world finds it, as https://example.org/plan; none: links are relative where they can be"),
    ] = None
    workers: Annotated[int, _for("how many processes answer", ge=1, le=64)] = 1
    data_dir: Annotated[Path, _for("the folder of the token, and of the embedded PostgreSQL")] = Path("data")
    database_url: Annotated[
        str | None, _for("a PostgreSQL 15 or newer of your own, instead of the embedded one", known_as="DATABASE_URL")
    ] = None
    publisher_dir: Annotated[
        Path | None,
        _for("the folder of the key that signs the log, and of its last note (none: publisher in the data folder)"),
    ] = None
    key_published_at: Annotated[
        str | None, _for("where, outside this server, the authority has published the key's fingerprint")
    ] = None
    origin: Annotated[str | None, _for("a new log's name, for life; one that is there must have it")] = None
    office: Annotated[str, _for("the office that acts")] = "shanghai-credit-office"
    license: Annotated[str, _for("the data's licence, which every answer names")] = (
        "https://creativecommons.org/licenses/by/4.0/"
    )
    max_body: Annotated[int, _for("bytes that the body of a request may have")] = 4_000_000
    body_seconds: Annotated[float, _for("seconds in which a body must have come", gt=0)] = 30.0
    cache_bytes: Annotated[int, _for("bytes of all that a process remembers in memory")] = 128_000_000
    export_bytes: Annotated[int, _for("bytes of the exports that are kept in the data folder", ge=1_000_000)] = (
        2_000_000_000
    )
    work_per_minute: Annotated[
        int, _for("milliseconds of work a minute that a process does for one client; 0: whatever it asks for", ge=0)
    ] = 60_000
    trusted_proxies: Annotated[
        str | None,
        _for("networks of proxies, as 10.0.0.0/8,fd00::/8, whose X-Forwarded-For or Forwarded says who the client is"),
    ] = None
    log_format: Annotated[LogFormat, _for("how a line of the log on standard error is written: text or json")] = "text"
    metrics_port: Annotated[
        _Port | None, _for("the port on which Prometheus finds /metrics; 0: any that is free, none: no metrics")
    ] = None
    metrics_host: Annotated[str, _for("the address of that port")] = "127.0.0.1"


class Variable(NamedTuple):
    """A setting in words: its variable, its default (empty: none), and what it is for."""

    variable: str
    default: str
    purpose: str


def variables() -> list[Variable]:
    """Every setting there is, for `serve --help` and README.md."""
    return [_variable(one) for one in msgspec.structs.fields(Settings)]


def _variable(field: msgspec.structs.FieldInfo) -> Variable:
    extra: dict[str, str] = field.type.__metadata__[-1].extra
    default = "" if field.default is None else str(field.default)
    return Variable(extra.get("known_as", PREFIX + field.name.upper()), default, extra["purpose"])


def settings_from(environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Settings from the environment; what is `given` and not None wins. ValueError names what is wrong."""
    named = {name: environment[PREFIX + name.upper()] for name in _names() if PREFIX + name.upper() in environment}
    if environment.get("DATABASE_URL"):
        named.setdefault("database_url", environment["DATABASE_URL"])
    values = named | {name: value for name, value in given.items() if value is not None}
    unknown = {name for name in environment if name.startswith(PREFIX)} - {PREFIX + name.upper() for name in _names()}
    if unknown:
        raise ValueError(
            f"unknown setting {', '.join(sorted(unknown))}; known: {', '.join(known.variable for known in variables())}"
        )
    if "base_url" in values:
        values["base_url"] = base_of(values["base_url"])
    networks_of(values.get("trusted_proxies"))
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        found = misfit(error, Settings)
        raise ValueError(f"settings: {found.path[0]}: {found.wish}, not {values[found.path[0]]}") from error


def base_of(text: str) -> str:
    """The URL that all addresses of ours begin with, without a slash at its end; ValueError says what is wrong."""
    wish = f"settings: base_url: give an address as https://example.org or https://example.org/plan, not {text!r}"
    try:
        parts = urlsplit(text)
        plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(f"{wish}: {error}") from error
    if not plain or _NO_URL.search(text) or "?" in text or "#" in text or "@" in parts.netloc:
        raise ValueError(f"{wish}: http or https, a host, perhaps a port and a path, and nothing more")
    return text.rstrip("/")


def networks_of(text: str | None) -> tuple[Network, ...]:
    """The networks that a setting names, joined by commas; ValueError says what is wrong."""
    try:
        return tuple(ip_network(one.strip()) for one in (text or "").split(",") if one.strip())
    except ValueError as error:
        wish = f"settings: trusted_proxies: give networks as 10.0.0.0/8,fd00::/8, not {text!r}"
        raise ValueError(f"{wish}: {error}") from error


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which another process finds the same settings."""
    values = {name: getattr(settings, name) for name in _names()}
    return {PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}


def _names() -> tuple[str, ...]:
    return Settings.__struct_fields__


def _path(type_: type, value: Any) -> Any:
    return Path(value) if type_ is Path else value

"""What a server writes to standard error while it runs: one line for whatever goes wrong, for people or for programs.

A line names no client and repeats little of what was sent, so of an error that nobody foresaw it says the kind and the
places in the code, and not its words: those may quote anything.
"""

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

LogFormat = Literal["text", "json"]
EXTRAS: Final = ("request", "status", "code", "trace", "worker")  # what a line may say beside its message
MOST_PLACES: Final = 12


def begin_to_log(form: LogFormat) -> None:
    """Write warnings and errors to standard error from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(AsJson() if form == "json" else AsText())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # of a database that is away, each request says so itself
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)  # a wrong query is no fault of ours


class AsText(logging.Formatter):
    """`2026-11-26T08:15:00.123Z planrecord WARNING …`, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = f"{_time(record)} {record.name} {record.levelname} {record.getMessage()}"
        error = _error(record)
        return "\\n".join((f"{said}: {error}" if error else said).splitlines())


class AsJson(logging.Formatter):
    """An object with the same in fields: `time`, `logger`, `level`, `pid`, `message`, `error`, and EXTRAS."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
            **{name: value for name in EXTRAS if (value := getattr(record, name, None)) is not None},
        }
        if error := _error(record):
            line["error"] = error
        return msgspec.json.encode(line).decode()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(record: logging.LogRecord) -> str:
    """The kind of an error and where it was raised, the innermost place first."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return ""
    places = traceback.extract_tb(error.__traceback__)[::-1][:MOST_PLACES]
    where = " < ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in places)
    return f"{type(error).__qualname__} at {where}"

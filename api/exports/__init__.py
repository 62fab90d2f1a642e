"""Everything there is, to be taken home: files in five forms, what changed between two, and what describes them."""

from typing import Any, Final

from api.exports import door

HANDLERS: Final[list[Any]] = [door.export_file]

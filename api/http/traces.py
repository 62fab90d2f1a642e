"""By which id a request is found again in everybody's logs: W3C Trace Context's, where it came with one."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, parent, flags; later versions may say more.
TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


class Trace:
    """The trace of a request with these headers, looked for when somebody asks: few requests fail."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._headers = headers
        self._id = ""

    @property
    def id(self) -> str:
        """32 hexadecimal digits: those of the one `traceparent` that the request has, else new ones."""
        if not self._id:
            given = [value for name, value in self._headers if name == b"traceparent"]
            found = TRACEPARENT.fullmatch(given[0]) if len(given) == 1 else None
            self._id = found[1].decode() if found else uuid4().hex
        return self._id

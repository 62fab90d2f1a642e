"""One of the processes of `planrecord serve --workers N`, started by it: `python -m api.cli.worker SOCKET CHANNEL`.

Both are descriptors: the socket at which all listen, and the channel to the parent. Its settings stand in the
environment, as those of any server on a database of somebody else's.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from api.cli.serve import publish
from api.cli.shared import run, settings_of
from api.hosting.logs import begin_to_log
from api.main import service

if TYPE_CHECKING:
    from api.hosting.settings import Settings

EVERY: Final = 1.0  # seconds between two reports


def work(descriptor: str, channel: str) -> None:
    """Serve at an inherited socket until told to end, or the parent has gone."""
    run(_serve(settings_of(), socket.socket(fileno=int(descriptor)), socket.socket(fileno=int(channel))))


async def _serve(settings: "Settings", taken: socket.socket, channel: socket.socket) -> None:
    begin_to_log(settings.log_format)
    parent = Parent(channel)
    with contextlib.suppress(asyncio.CancelledError):  # told to end before it had begun: the parent says so
        async with service(settings) as running:
            parent.report = lambda: msgspec.json.encode(running.measured())
            await publish(running, taken)


class Parent:
    """The process that started this one: it is told each second, by a line, what `report` says, if there is one.

    When it has ended this one ends, too, whatever its event loop is doing.
    """

    def __init__(self, channel: socket.socket) -> None:
        self.report: Callable[[], bytes] | None = None
        self._channel = channel
        threading.Thread(target=self._tell, name="parent", daemon=True).start()

    def _tell(self) -> None:
        with self._channel as channel:
            try:
                while not select.select([channel], [], [], EVERY)[0]:
                    if self.report:
                        channel.sendall(self.report() + b"\n")
            except OSError:
                pass
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    work(*sys.argv[1:])

"""One of the processes of `planrecord serve --workers N`, started by it: `python -m api.cli.worker SOCKET CHANNEL`.

Both are descriptors: the socket at which all listen, and the channel to the parent. Its settings stand in the
environment, as those of any server on a database of somebody else's.
"""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from api.cli.logs import begin_to_log
from api.cli.serve import publish
from api.cli.shared import run, settings_of
from api.main import service

if TYPE_CHECKING:
    from api.hosting.settings import Settings

EVERY: Final = 1.0  # seconds between two reports


def work(descriptor: str, channel: str) -> None:
    """Serve at an inherited socket until told to end, or the parent has gone."""
    run(_serve(settings_of(), socket.socket(fileno=int(descriptor)), socket.socket(fileno=int(channel))))


async def _serve(settings: "Settings", taken: socket.socket, channel: socket.socket) -> None:
    begin_to_log()
    end_with(channel, lambda: b"")
    async with service(settings) as running:
        await publish(running, taken)


def end_with(channel: socket.socket, report: Callable[[], bytes]) -> None:
    """Report each second to the parent, in a line, and end when it has: whatever the event loop is doing."""

    def stay() -> None:
        with channel:
            try:
                while not select.select([channel], [], [], EVERY)[0]:
                    channel.sendall(report() + b"\n")
            except OSError:
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stay, name="parent", daemon=True).start()


if __name__ == "__main__":
    work(*sys.argv[1:])

"""SIGINT and SIGTERM, obeyed within seconds whatever is running."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from api.postgres import end_at_once

ENDS_WITHIN: Final = (
    8.0  # seconds to end in order; whoever supervises us waits 10 before it kills, and killing takes time
)


def obey(loop: asyncio.AbstractEventLoop, stop: Callable[[int], None]) -> None:
    """Have `stop` called by the loop with the first such signal; after ENDS_WITHIN the process and its PostgreSQL end.

    A thread of its own waits for the signal: a step of the event loop may take long, or never end. From then on it
    waits for the end of the process, since what hinders that may also come after the loop's.
    """
    here, there = socket.socketpair()
    there.settimeout(0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _note)
    signal.set_wakeup_fd(there.fileno())  # written to by the system's own handler, whatever Python does

    def wait() -> None:
        with there, here:  # `there` is kept open as long as anybody waits
            number = here.recv(1)[0]
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(stop, number)
            time.sleep(ENDS_WITHIN)
            _end()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _note(*_: object) -> None:
    """Do nothing more: the signal has been written to the socket."""


def _end() -> None:
    end_at_once()
    sentence = f"stopped after {ENDS_WITHIN:.0f} s in the midst of what would not end; what was acknowledged is kept\n"
    os.write(2, sentence.encode())
    os._exit(1)

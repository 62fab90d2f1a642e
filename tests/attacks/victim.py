"""A server to be attacked, in a process of its own that measures itself: `victim.py DSN FOLDER PORT`.

Each line on standard input is answered by one line of JSON on standard output: what was measured since the last.
"""

import asyncio
import asyncio.events
import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from api.hosting.serving import listening, server_of
from api.main import Service, application, service
from events.steps import settle
from tests.conftest import settings_for


class Steps:
    """The longest step of the event loop: its own processor time, and the time on the wall, in seconds."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self.what = ""
        self._ours = False

    def watch(self) -> None:
        """Measure every step from now on."""
        run: Any = asyncio.events.Handle._run  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        def measured(handle: Any) -> None:
            cpu, wall = time.thread_time(), time.perf_counter()
            run(handle)
            cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
            if self._ours:
                self.cpu = self.wall = 0.0
                self._ours, self.what = False, ""
                return
            self.wall = max(self.wall, wall)
            if cpu > self.cpu:
                self.cpu, self.what = cpu, repr(handle)[:300]

        setattr(asyncio.events.Handle, "_run", measured)  # noqa: B010 - its type is declared final

    def begin(self) -> None:
        """Begin anew after this very step, which measures and is not measured itself."""
        self._ours = True


def measured(running: Service, steps: Steps) -> dict[str, Any]:
    """What happened since the last time."""
    used = time.process_time()
    gc.collect()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "longest": steps.cpu,
        "longest_wall": steps.wall,
        "longest_what": steps.what,
        "cpu": used,
        "rss": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(),
        "peak": usage.ru_maxrss * 1024,
        "kept": running.reader.memory.size,
    }
    steps.begin()
    report["cpu_after"] = time.process_time()  # measuring costs something too
    return report


async def serve(dsn: str, folder: Path, port: int) -> None:
    """Serve as `planrecord serve` does, until standard input ends."""
    steps = Steps()
    async with service(settings_for(dsn, folder)) as running:
        server = server_of(application(running), listening("127.0.0.1", port))
        task = asyncio.create_task(server.serve())
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        settle()
        steps.watch()
        while await lines.readline():
            sys.stdout.write(json.dumps(measured(running, steps)) + "\n")
            sys.stdout.flush()
        server.stop()
        await task


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

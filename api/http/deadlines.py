"""Deadlines that all requests share: one timer for them, since one for each would cost more than its answer."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakKeyDictionary

Task = asyncio.Task[Any]
GRACE: Final = 0.1  # seconds by which a deadline may be late, so that the timer is not set anew for each


@contextmanager
def within(seconds: float) -> Generator[None]:
    """A block of the current task that lasts at most so long, or fails with TimeoutError; one at a time for a task."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is answered in a task
    deadlines = _DEADLINES.get(loop) or _DEADLINES.setdefault(loop, _Deadlines())
    before = task.cancelling()
    deadlines.begin(loop, task, loop.time() + seconds)
    try:
        yield
    except asyncio.CancelledError as error:
        if task in deadlines.late and task.uncancel() <= before:
            raise TimeoutError from error
        raise
    finally:
        deadlines.end(task)


class _Deadlines:
    """The tasks of one event loop that have to end, and those of them that were told to."""

    def __init__(self) -> None:
        self.late: set[Task] = set()
        self._ends: dict[Task, float] = {}
        self._timer: tuple[float, asyncio.TimerHandle] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, task: Task, end: float) -> None:
        self._ends[task] = end
        if self._timer is None or end + GRACE < self._timer[0]:
            self._set(loop, end)

    def end(self, task: Task) -> None:
        del self._ends[task]
        self.late.discard(task)

    def _set(self, loop: asyncio.AbstractEventLoop, end: float) -> None:
        if self._timer:
            self._timer[1].cancel()
        self._timer = end, loop.call_at(end, self._over, loop)

    def _over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel what has lasted too long; then wait for the next that may."""
        self._timer, now = None, loop.time()
        for task in [one for one, end in self._ends.items() if end <= now and one not in self.late]:
            self.late.add(task)
            task.cancel()
        if ends := [end for one, end in self._ends.items() if one not in self.late]:
            self._set(loop, min(ends))


_DEADLINES: WeakKeyDictionary[asyncio.AbstractEventLoop, _Deadlines] = WeakKeyDictionary()

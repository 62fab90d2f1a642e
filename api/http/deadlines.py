"""Deadlines that all requests share: one timer for them, since one for each would cost more than its answer."""

import asyncio
from types import TracebackType
from typing import Any, Final

_Task = asyncio.Task[Any]
GRACE: Final = 0.1  # seconds by which a deadline may be late, so that the timer is not set anew for each


def within(seconds: float) -> "Deadline":
    """A block of the current task that lasts at most so long, or fails with TimeoutError; one at a time for a task."""
    return Deadline(seconds)


class Deadline:
    """What `within` begins: a class, since a generator would take longer than all else that a deadline does."""

    __slots__ = ("_before", "_deadlines", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request is answered in a task
        loop = task.get_loop()
        self._task, self._before, self._deadlines = task, task.cancelling(), _deadlines_of(loop)
        self._deadlines.begin(task, loop.time() + self._seconds)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, late = self._task, self._task in self._deadlines.late
        self._deadlines.end(task)
        if late and kind is asyncio.CancelledError and task.uncancel() <= self._before:
            raise TimeoutError from error


class _Deadlines:
    """The tasks of one event loop that have to end, and those of them that were told to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.late: set[_Task] = set()
        self._ends: dict[_Task, float] = {}
        self._timer: tuple[float, asyncio.TimerHandle] | None = None

    def begin(self, task: _Task, end: float) -> None:
        self._ends[task] = end
        if self._timer is None or end + GRACE < self._timer[0]:
            self._set(end)

    def end(self, task: _Task) -> None:
        del self._ends[task]
        self.late.discard(task)

    def _set(self, end: float) -> None:
        if self._timer:
            self._timer[1].cancel()
        self._timer = end, self.loop.call_at(end, self._over)

    def _over(self) -> None:
        """Cancel what has lasted too long; then wait for the next that may."""
        self._timer, now = None, self.loop.time()
        for task in [one for one, end in self._ends.items() if end <= now and one not in self.late]:
            self.late.add(task)
            task.cancel()
        if ends := [end for one, end in self._ends.items() if one not in self.late]:
            self._set(min(ends))


_last: list[_Deadlines] = []  # those of the loop that was last here: a process has one, and tests one after another


def _deadlines_of(loop: asyncio.AbstractEventLoop) -> _Deadlines:
    if not _last or _last[0].loop is not loop:
        _last[:] = [_Deadlines(loop)]
    return _last[0]

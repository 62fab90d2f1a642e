"""Following on: step by step, with patience while the server is away."""

from collections.abc import Callable
from random import uniform
from typing import Final, TypeVar

from api.auditing.fetching import Watch
from api.auditing.verdicts import Away, CannotLook
from api.following.follower import Caught, Follower
from api.following.signed import Warn

T = TypeVar("T")
POLL_SECONDS: Final = 20  # seconds that the server waits for the next fact before it answers that there is none
GIVES_UP_AFTER: Final = 5  # after which `once` gives up
_LONGEST: Final = 60.0  # seconds between two tries
_FIRST: Final = 0.5


class Patience:
    """The pauses between tries, each about twice as long as the one before, or as long as the server says."""

    def __init__(self, most: int | None, say: Warn, pause: Callable[[float], None]) -> None:
        self._most, self._say, self._pause = most, say, pause
        self._tries = 0

    def through(self, what: Callable[[], T]) -> T:
        """What is asked for, as often as it takes; CannotLook where it was too often."""
        while True:
            try:
                found = what()
            except Away as error:
                self._wait(error)
            else:
                self._tries = 0
                return found

    def _wait(self, error: Away) -> None:
        self._tries += 1
        if self._tries == self._most:
            raise CannotLook(f"gave up after {self._tries} tries: {error}") from error
        longest = min(_LONGEST, _FIRST * 2**self._tries)
        seconds = max(uniform(longest / 2, longest), min(error.seconds, _LONGEST))  # noqa: S311 - for many not to come at once
        self._say(f"{error}; trying again in {seconds:.1f} s")
        self._pause(seconds)


def catch_up(follower: Follower, patience: Patience, watch: Watch) -> Caught:
    """Step until nothing is left of what there is by now."""
    with watch("catching up", follower.ahead()) as follower.advance:
        while True:
            before = follower.position
            caught = patience.through(lambda: follower.step(0))
            if caught.position >= caught.head or caught.position == before:
                break
    follower.advance = lambda _: None
    return caught


def follow_on(follower: Follower, patience: Patience, told: Callable[[Caught], None]) -> None:
    """Wait for what comes, for ever."""
    while True:
        caught = patience.through(lambda: follower.step(POLL_SECONDS))
        if caught.facts or caught.rows:
            told(caught)

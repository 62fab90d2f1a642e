"""How an audit can end otherwise than in agreement."""

from collections.abc import Sequence
from pathlib import Path


class CannotLook(Exception):
    """Nothing could be judged: the network, a file that is not there, what is no log at all. Exit code 2."""


class Away(CannotLook):
    """The server does not answer, or says that it cannot now: it may later, `seconds` from now if it says so."""

    def __init__(self, sentence: str, seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class Contradicted(Exception):
    """What is served cannot be what was signed, or what was shown before. Exit code 1.

    `position` is the first fact that differs, where it is known; `notes` are the signed notes that contradict each
    other or the facts, as they were published. `kept_in` is the file that holds all of it, once there is one.
    """

    def __init__(self, sentence: str, *, position: int | None = None, notes: Sequence[bytes] = ()) -> None:
        super().__init__(sentence)
        self.position = position
        self.notes = tuple(notes)
        self.kept_in: Path | None = None


class BreaksRules(Contradicted):
    """Facts that were signed as they are, and that no log can hold: what was seen before may be as it was."""

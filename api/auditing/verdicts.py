"""How an audit can end otherwise than in agreement."""

from collections.abc import Sequence


class CannotLook(Exception):
    """Nothing could be judged: the network, a file that is not there, what is no log at all. Exit code 2."""


class Contradicted(Exception):
    """What is served cannot be what was signed, or what was shown before. Exit code 1.

    `position` is the first fact that differs, where it is known; `notes` are the signed notes that contradict each
    other or the facts, as they were published.
    """

    def __init__(self, sentence: str, *, position: int | None = None, notes: Sequence[bytes] = ()) -> None:
        super().__init__(sentence)
        self.position = position
        self.notes = tuple(notes)

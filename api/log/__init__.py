"""The door of auditors: the log as C2SP's formats have it, proofs, and answers to keep."""

from typing import Any, Final

from api.log import evidence, notes, proofs, tiles

HANDLERS: Final[list[Any]] = [
    notes.newest_checkpoint,
    notes.newest_key,
    notes.checkpoint,
    notes.key,
    notes.consistency,
    tiles.tile,
    proofs.proof,
    proofs.leaf,
    evidence.evidence,
]

"""A leaf of every fact ever released, as exact bytes, in the order of their positions.

`python -m tests.golden.leaves` prints their number and their root, which `make released` keeps.
"""

import sys
from pathlib import Path
from typing import Final

import msgspec

from events.merkle import extend, root

FOLDER: Final = Path(__file__).with_name("facts")
RELEASED_ROOT: Final = Path(__file__).parents[2] / "openapi" / "released" / "leaves"


def _position(leaf: bytes) -> int:
    return msgspec.json.decode(leaf)["position"]


_FILES: Final = sorted(
    ((file.stem, file.read_bytes()) for file in FOLDER.glob("*.json")), key=lambda one: _position(one[1])
)
RELEASED: Final = dict(_FILES)
POSITIONS: Final = [_position(leaf) for leaf in RELEASED.values()]


def root_of(size: int) -> str:
    """The root of the first leaves, in hex."""
    return root(extend((), 0, [*RELEASED.values()][:size])[0]).hex()


if __name__ == "__main__":
    sys.stdout.write(f"{len(RELEASED)} {root_of(len(RELEASED))}\n")

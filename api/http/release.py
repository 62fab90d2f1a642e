"""What this release says of itself to those who keep its answers."""

from typing import Final

# The version of the answers' forms: a validator covers it. Whoever changes the bytes of any answer at an unchanged
# moment raises it: tests/golden/test_bodies.py tells, `python -m tests.golden.bodies` does it.
FORMATS: Final = 25

"""The bytes of answers at unchanged moments: whoever changes them raises `FORMATS`, which every validator covers.

A record is told with fixed randomness, so that each of its bodies is the same wherever this runs. `bodies.json` holds
their digests; `python -m tests.golden.bodies` writes it anew and raises `FORMATS`.
"""

import json
from pathlib import Path

from api.http.release import FORMATS
from tests.golden.bodies import BODIES_KEPT, bodies


async def test_a_change_of_any_body_raises_the_formats_version(server: str, folder: Path) -> None:
    kept = json.loads(BODIES_KEPT.read_text("utf-8"))
    found = await bodies(server, folder)
    assert kept["formats"] == FORMATS, f"{BODIES_KEPT.name} is of another version: write it anew"
    changed = sorted(
        name for name in found.keys() | kept["bodies"].keys() if found.get(name) != kept["bodies"].get(name)
    )
    assert changed == [], (
        "their bytes have changed: `python -m tests.golden.bodies` raises FORMATS and writes bodies.json anew"
    )

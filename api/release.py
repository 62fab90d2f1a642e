"""What this release is: a cached answer is good only for the code that made it."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("domain", "events", "projections", "api")
KINDS: Final = {".py", ".sql", ".toml", ".html", ".css", ".txt"}


def _fingerprint() -> str:
    """The version, and what the packages' own files hold."""
    root = Path(__file__).parent.parent
    files = sorted(path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in KINDS)
    held = sha256()
    for path in files:
        held.update(path.read_bytes())
    return f"{version('planrecord')}+{held.hexdigest()[:12]}"


RELEASE: Final = _fingerprint()

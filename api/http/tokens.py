"""The one token that may write, until tokens have scopes: made at the first start, kept with mode 600."""

import contextlib
import hmac
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Final

from api.services.problems import Trouble

# Printable ASCII without blanks, too long to be guessed or there by chance.
TOKEN_FORM: Final = re.compile(r"[!-~]{16,4096}")


class NoToken(Exception):
    """The file holds no token, or cannot be read or made; the message says which, and what helps."""


def token_of(folder: Path) -> tuple[str, bool]:
    """The token of a data folder, and whether it was made just now; NoToken if there is none and none can be made."""
    path = folder / "token"
    try:
        is_new = not os.path.lexists(path) and _make(path)
        with path.open("rb") as file:
            held = file.read(10_000)
    except OSError as error:
        raise NoToken(f"the token {path} cannot be had: {error.strerror}") from error
    token = held.decode("ascii", errors="replace").strip()
    if not TOKEN_FORM.fullmatch(token):
        raise NoToken(
            f"{path} holds no token (one line of at least 16 printable ASCII characters without blanks): "
            f"put one there, or remove the file, and the next start makes one"
        )
    return token, is_new


def _make(path: Path) -> bool:
    """Make a token that is whole or not there, whatever happens meanwhile; False if another start was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="token.new-", dir=path.parent)  # mode 600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)  # unlike a rename it never replaces what is there: two first starts agree
            _sync(path.parent)
            return True
        return False
    finally:
        fresh.unlink()


def _sync(folder: Path) -> None:
    """A name, too, must outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check(authorization: str | None, token: str) -> None:
    """Trouble 401 unless the header Authorization carries the token."""
    if carries(authorization or "", token):
        return
    detail = (
        "writing needs the header Authorization: Bearer TOKEN; the token stands in the file `token` of the data folder"
    )
    raise Trouble(401, "token_needed", detail, WWW_Authenticate='Bearer realm="planrecord"')


def carries(authorization: str, token: str) -> bool:
    """Whether the header's value is `Bearer` and the token; what is no token is never carried."""
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    return scheme.lower() == "bearer" and same and TOKEN_FORM.fullmatch(token) is not None

"""The one token that may write, until tokens have scopes: made at the first start, kept with mode 600."""

import hmac
import os
import secrets
from pathlib import Path

from api.problems import Trouble


def token_of(folder: Path) -> tuple[str, bool]:
    """The token of a data folder, and whether it was made just now."""
    path = folder / "token"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip(), False
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token, True


def check(authorization: str | None, token: str) -> None:
    """Trouble 401 unless the header Authorization carries the token."""
    scheme, _, given = (authorization or "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    detail = (
        "writing needs the header Authorization: Bearer TOKEN; the token stands in the file `token` of the data folder"
    )
    raise Trouble(401, "token_needed", detail, WWW_Authenticate='Bearer realm="planrecord"')

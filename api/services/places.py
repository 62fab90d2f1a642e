"""Where the world finds what is published here: by a setting, never by what a request says of it."""

import msgspec


class PublicBase(msgspec.Struct, frozen=True):
    """What addresses begin with: `url` as it is set, if it is, and `listening`, the address that is listened on.

    Neither has a slash at its end. Both are the same for every request: what `Host` says may be anybody's.
    """

    url: str | None
    listening: str

    def link(self, path: str) -> str:
        """The address of a path, for a format in which it may be relative: it is, unless a base is set."""
        return f"{self.url or ''}{path}"

    def whole(self, path: str) -> str:
        """The address of a path, for a format in which it may not be relative."""
        return f"{self.url or self.listening}{path}"

"""The numbers of a page's charts, as a program reads them from its markup."""

import re
from collections.abc import Mapping
from html import unescape

MARK = re.compile(r'data-of="([^"]*)" data-key="([^"]*)" data-value="([^"]*)"[^>]*>([^<]*)')


def marks(html: str) -> Mapping[tuple[str, str], str]:
    """What each mark says: of what, which of its numbers, and how much; where it has a text, that is what it says."""
    found: dict[tuple[str, str], str] = {}
    for groups in MARK.findall(html):
        of, key, value, text = map(unescape, groups)
        assert (of, key) not in found, (of, key)
        assert not text.strip().isdecimal() or text.strip() == value, (of, key)
        found[of, key] = value
    return found


def of(found: Mapping[tuple[str, str], str], whose: str) -> dict[str, str]:
    """The numbers of one thing."""
    return {key: value for (its, key), value in found.items() if its == whose}

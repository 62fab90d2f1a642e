"""Words of the document → registered names of units and groups."""

from collections.abc import Mapping, Sequence

from domain.document import form
from domain.document.lines import folded
from domain.document.reference import Reference

UnitNames = Mapping[str, str]  # folded name or alias → registered name


def names_of(reference: Reference) -> UnitNames:
    """Index every registered name of a unit or group, and every alias, by its folded form."""
    registered = {unit.id: unit.name for unit in (*reference.units, *reference.groups)}
    aliases = {folded(alias.alias): registered[alias.unit] for alias in reference.aliases if alias.unit in registered}
    return aliases | {folded(name): name for name in registered.values()}


def resolved(items: Sequence[str], names: UnitNames) -> list[tuple[str, str | None]]:
    """Give (words, registered name or None) of each unit; a suffix that several share stands on the last only."""
    literals = [literal for item in items for literal in _conjoined(item, names)]
    found: list[tuple[str, str | None]] = []
    suffix = ""
    for literal in reversed(literals):
        key = folded(literal)
        unit = names.get(key)
        if unit:
            suffix = next((shared for shared in form.SHARED_SUFFIXES if key.endswith(shared)), "")
        elif suffix:
            unit = names.get(key + suffix)
            suffix = suffix if unit else ""
        found.append((literal, unit))
    return found[::-1]


def after_name(key: str, names: UnitNames) -> str | None:
    """Return what follows the longest registered name at the start of a folded text; None if none stands there."""
    longest = min(len(key) - 1, max(map(len, names), default=0))
    return next((key[length:] for length in range(longest, 0, -1) if key[:length] in names), None)


def _conjoined(item: str, names: UnitNames) -> list[str]:
    """A和B as A, B, only if both are registered (or would be with a shared suffix) and the whole is not."""
    pieces = [piece for piece in form.CONJUNCTION.split(item) if piece]
    if len(pieces) == 1 or folded(item) in names:
        return [item]
    known = all(any(folded(piece) + end in names for end in ("", *form.SHARED_SUFFIXES)) for piece in pieces)
    return pieces if pieces and known else [item]

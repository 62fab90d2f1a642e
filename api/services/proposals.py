"""Ids for units that the directory does not know: pinyin, with -2 where that is taken."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from domain.commands import AnyCommand
from domain.document import read
from domain.document.reference import REFERENCE
from domain.plan_import import ImportPlan, unknown_units


def pinyin(name: str) -> str:
    """`市科委` → `shi-ke-wei`."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - 55 MB and a quarter of a second: few processes ever need it

    words = re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(name)).lower())
    return "-".join(words)[:80].strip("-") or "unit"


def propose(names: Iterable[str], ids: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """An id for each name: its own if a unit already has the name, else its pinyin, made unique."""
    used = {*taken, *ids.values()}
    proposed: dict[str, str] = {}
    for name in names:
        if name in ids:
            proposed[name] = ids[name]
            continue
        key, number = pinyin(name), 1
        while (candidate := key if number == 1 else f"{key}-{number}") in used:
            number += 1
        used.add(candidate)
        proposed[name] = candidate
    return proposed


def with_ids(command: AnyCommand, ids: Mapping[str, str]) -> AnyCommand:
    """An import with ids for the units that neither it nor the directory knows; any other command as it is."""
    if not isinstance(command, ImportPlan):
        return command
    missing = [name for name in dict.fromkeys(unknown_units(read(command.text))) if name not in command.unit_ids]
    if not missing:
        return command
    known = [one.id for one in (*REFERENCE.units, *REFERENCE.groups)]
    proposed = propose(missing, ids, [*known, *command.unit_ids.values()])
    return msgspec.structs.replace(command, unit_ids={**command.unit_ids, **proposed})

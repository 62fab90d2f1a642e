"""Words of the cell 责任单位 → groups of units that share one role."""

from collections.abc import Iterator, Sequence

import msgspec

from domain.document import form
from domain.document.lines import folded
from domain.document.names import UnitNames, after_name, resolved
from domain.values import Role


class Group(msgspec.Struct):
    """Units that share one role, None if no wording gives one. `odd`: all the words, if they were not understood."""

    items: list[str]
    role: Role | None
    open_ended: bool = False
    odd: str = ""


def groups_of(cell: str, names: UnitNames) -> list[Group]:
    """Cut a cell into groups, clause by clause."""
    return [group for clause in _clauses(cell) for group in _joint(clause, names)]


def _clauses(cell: str) -> list[str]:
    """Cut a cell at commas outside brackets; a lone role wording belongs to the clause before it."""
    clauses: list[str] = []
    for text in _split(cell, form.CLAUSE_MARKS):
        lone = _role(text)
        if lone and not lone[0] and clauses and not _role(clauses[-1]):
            clauses[-1] += text
        else:
            clauses.append(text)
    return clauses


def _split(text: str, marks: str) -> list[str]:
    """List the pieces between any of `marks` that stand outside brackets; unbalanced brackets bind nothing."""
    balanced = sum(map(text.count, form.OPENING)) == sum(map(text.count, form.CLOSING))
    pieces: list[str] = []
    start = depth = 0
    for at, character in enumerate(text):
        if balanced and character in form.OPENING:
            depth += 1
        elif balanced and character in form.CLOSING:
            depth = max(0, depth - 1)
        elif character in marks and not depth:
            pieces.append(text[start:at].strip())
            start = at + 1
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def _role(text: str) -> tuple[str, Role] | None:
    """Give the words before the role wording at the end of `text`, and the role; the longest wording decides."""
    squeezed = "".join(text.split())
    found = [(match.start(), role) for pattern, role in form.ROLES if (match := pattern.search(squeezed))]
    if not found:
        return None
    start, role = min(found, key=lambda pair: pair[0])
    return _first(text, start), role


def _first(text: str, count: int) -> str:
    """Return as much of `text` as holds `count` characters that are no blanks."""
    at = 0
    while count:
        count -= not text[at].isspace()
        at += 1
    return text[:at].strip()


def _joint(text: str, names: UnitNames) -> Iterator[Group]:
    """Give the groups of a clause. In A会同B负责 B supports, and A has the role that the clause ends in."""
    before, joint, after = text.partition(form.JOINTLY)
    if not joint or not after.strip():
        yield from _groups(text, names)
        return
    hosts, guests = list(_groups(before, names)), list(_groups(after, names))
    final = guests[-1].role if guests else None
    if hosts and hosts[-1].role is None and final in (Role.LEAD, Role.RESPONSIBLE):
        hosts[-1].role = final
    certain = len(guests) == 1 and not guests[0].odd and final is not Role.BY_DUTY
    if certain and all(group.role and not group.odd for group in hosts) and (hosts or final is not Role.LEAD):
        guests[0].role = Role.SUPPORT
        yield from (*hosts, *guests)
    else:
        yield Group([], None, odd=text)


def _groups(text: str, names: UnitNames) -> Iterator[Group]:
    """Cut A、B牵头、C配合: an item that ends in a role wording, in brackets or not, closes a group."""
    words: list[str] = []
    for item in _split(text, form.ITEM_MARKS):
        inside = _bracketed(item)
        if inside and words:
            yield _group(words, words, None, names)
            words = []
        words.append(item)
        if found := inside or _role(item):
            yield _group([*words[:-1], found[0]], words, found[1], names)
            words = []
    if words:
        yield _group(words, words, None, names)


def _bracketed(item: str) -> tuple[str, Role] | None:
    """Read 市科委(牵头)."""
    at = max(map(item.rfind, form.OPENING))
    found = _role(item[at + 1 : -1].strip()) if at > 0 and item[-1] in form.CLOSING else None
    return (item[:at].strip(), found[1]) if found and not found[0] else None


def _group(items: Sequence[str], words: Sequence[str], role: Role | None, names: UnitNames) -> Group:
    """Make a group of `items`, the words without the role wording; 等 after the last leaves the list open."""
    *others, last = [item for item in items if item] or [""]
    listed = form.OPEN_LIST.search(last)
    units = [*others, last[: listed.start()].strip() if listed else last]
    if role:
        units[0] = units[0].removeprefix(form.AGENT).strip()
    units = [unit for unit in units if unit]
    odd = not units or any(_is_odd(unit, role, names) for unit in units)
    return Group(units, role, listed is not None and not odd, "、".join(words) if odd else "")


def _is_odd(item: str, role: Role | None, names: UnitNames) -> bool:
    """Whether an item that is no registered name holds words about what to do, or may do so."""
    key = folded(item)
    if all(unit for _, unit in resolved([item], names)):
        return False
    if form.ROLE_STEMS.search(key):
        return True
    rest = after_name(key, names)
    plain = form.REMARK.sub("", key if rest is None else rest)
    return bool(plain) and not form.UNIT_ENDINGS.search(plain) and (rest is not None or role is None)

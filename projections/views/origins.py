"""Which fact brought what stands in each field of a subject on a day, and every text that it has had by then."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec

from domain.commands import evolve_of
from domain.record import State
from events.recorded import Recorded
from events.steps import Work
from projections.fold import Timeline
from projections.views.history import camel


class Origins(NamedTuple):
    """`brought`: by the wire's name of a field the position of the fact behind each of its values, or of its items.

    `texts` are the facts behind its successive texts, each with that text, the last one first brought last.
    """

    brought: Mapping[str, Mapping[Any, Recorded]]
    texts: Sequence[tuple[Recorded, str]]

    def of(self, field: str, value: Any) -> Recorded | None:
        """The fact that brought a value, or an item of a list."""
        return self.brought.get(field, {}).get(value)


def origins(stream: str, facts: Iterable[Recorded], on: date) -> Work[Origins]:
    """Those of the subject of a stream on a day, from the facts of its stream."""
    timeline = yield from Timeline.folded(stream, [one for one in facts if one.stream == stream])
    evolve = evolve_of(stream)
    brought: dict[str, dict[Any, Recorded]] = {}
    texts: list[tuple[Recorded, str]] = []
    state: State | None = None
    for fact in timeline.standing(on):
        before, state = state, evolve(state, fact.fact, fact.placed(fact.position))
        for field, new in _come(before, state):
            brought.setdefault(field, {})[new] = fact
            if field == "text":
                texts.append((fact, new))
        yield None
    yield Origins(brought, texts)


def _come(before: State | None, after: State | None) -> Iterable[tuple[str, Any]]:
    """What a fact brought: each field with its new value, of a list with each item that was not in it."""
    was = msgspec.structs.asdict(before) if before is not None else {}
    for name, value in msgspec.structs.asdict(after).items() if after is not None else ():
        old = was.get(name)
        if value == old and before is not None:
            continue
        if isinstance(value, tuple):
            yield from ((camel(name), one) for one in value if one not in (old or ()))  # pyright: ignore[reportUnknownVariableType]
        else:
            yield camel(name), value

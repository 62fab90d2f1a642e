"""One statement for one moment: the rows that each of several questions wants, each kept apart from the others'."""

from collections.abc import Sequence

from api.services.reader import Reader
from projections.as_of import Moment, Rows
from projections.wanted import Wanted

RowsWanted = Sequence[Wanted]


async def read_all(reader: Reader, moment: Moment, questions: Sequence[RowsWanted]) -> list[Rows]:
    """The rows of each question, all of them read at one moment by one statement; rows wanted twice are read once."""
    flat, places = _laid_out(questions)
    if not flat:
        return [Rows({}, {}, reader.memory) for _ in questions]
    numbered = [_numbered(one, number) for number, one in enumerate(flat)]
    rows = await reader.read(moment, numbered)
    there = [at for at, one in enumerate(numbered) if rows.any(one.table)]
    found = {at: rows.groups(numbered[at].table) for at in there}
    return [rows.only({flat[at].table.name: found[at] for at in own if at in found}) for own in places]


def _laid_out(questions: Sequence[RowsWanted]) -> tuple[list[Wanted], list[list[int]]]:
    """All that is wanted, each once, and for each question where its own stands."""
    flat: list[Wanted] = []
    places: list[list[int]] = []
    for question in questions:
        own: list[int] = []
        for one in question:
            form = one.form
            if form.of:  # it counts within its question; here it counts among all
                form = form._replace(of=(form.of[0], own[form.of[1]]))
            placed = Wanted(form, one.values)
            if placed not in flat:
                flat.append(placed)
            own.append(flat.index(placed))
        places.append(own)
    return flat, places


def _numbered(one: Wanted, number: int) -> Wanted:
    """The same rows under a number in place of their table's name, as one table may be wanted in several ways."""
    table = one.table._replace(name=str(number))
    return one._replace(form=one.form._replace(table=table))

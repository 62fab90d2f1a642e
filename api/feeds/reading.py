"""Which facts a document of a feed has, and at which moment they are told: read from the log as every door reads it.

The document that is subscribed to has the last that match, and says which archive is before it. Archive k has those of
the positions 100k+1 to 100k+100, once the log holds all of these, as that log tells them: it never changes.
"""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from api.http.asking import Clocks, clocks
from api.services.phrases import Lang
from api.services.problems import Fault, Trouble
from api.services.reader import Reader
from api.services.told import Names, task_of
from domain.fact import subject_of
from projections.as_of import AsOf, Moment
from projections.views import events
from projections.views.districts import DISTRICTS
from projections.views.events import EventFilter, EventView, LogPage
from projections.views.names import PLANS, PLATFORMS, UNITS
from projections.views.tasks import TASKS
from projections.wanted import wanted

ARCHIVE_WIDTH: Final = 100  # positions of an archive, and facts of the document that is subscribed to


class FeedQuery(Clocks, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which document of a feed, in which language."""

    archive: Annotated[
        Annotated[int, Meta(ge=0, lt=2**46)] | None,
        Meta(
            description="The archive of this number, from 0: what matches of the positions from 100 times it, plus 1, "
            "to 100 times it, plus 100. 404 `not_yet` until the log holds all of them; then it never changes. Not "
            "beside a clock.",
            examples=[0],
        ),
    ] = None
    lang: Annotated[Lang, Meta(description="zh, or en for English around the plan's Chinese words.")] = Lang.ZH


class FeedFacts(NamedTuple):
    """The facts of a document in order, the moment at which they are told, and which archives are around it."""

    facts: Sequence[EventView]
    moment: Moment
    previous: int | None
    following: int | None


async def facts_of(reader: Reader, about: EventFilter, given: FeedQuery) -> FeedFacts:
    """What a document of a feed has; Trouble for an archive that is not there yet, or a name that nothing has."""
    if given.archive is not None:
        return await _archive(reader, about, given, given.archive)
    moment = await reader.moment(clocks(given))
    await reader.check_named(about, moment)
    facts = await _page(reader, moment, about, before=moment.position + 1, limit=ARCHIVE_WIDTH)
    complete = moment.position // ARCHIVE_WIDTH
    # Fewer than an archive has lie behind the complete ones: among so many, the last of theirs is, if there is one.
    archived = [one.position for one in facts if one.position <= complete * ARCHIVE_WIDTH]
    return FeedFacts(facts, moment, archive_of(archived[-1]) if archived else None, None)


def archive_of(position: int) -> int:
    """The number of the archive that has a position."""
    return (position - 1) // ARCHIVE_WIDTH


async def _archive(reader: Reader, about: EventFilter, given: FeedQuery, number: int) -> FeedFacts:
    named = {"asOf": given.as_of, "position": given.position, "effectiveOn": given.effective_on}
    beside = [name for name, value in named.items() if value is not None]
    if beside:
        detail = f"an archive stands at a moment of its own: leave {', '.join(beside)} out"
        raise Trouble(400, "bad_parameter", detail, [Fault(one, detail) for one in beside])
    head = await reader.moment(AsOf(min_position=given.min_position))
    await reader.check_named(about, head)
    before, end = number * ARCHIVE_WIDTH, (number + 1) * ARCHIVE_WIDTH
    if end > head.position:
        detail = f"archive {number} has the positions {before + 1} to {end}, and the log holds {head.position}"
        raise Trouble(404, "not_yet", detail, [Fault("archive", detail)])
    moment = await reader.moment(AsOf(position=end))
    facts = await _page(reader, moment, about, after=before, limit=ARCHIVE_WIDTH)
    earlier = await _page(reader, moment, about, before=before + 1, limit=1) if number else ()
    return FeedFacts(facts, moment, archive_of(earlier[0].position) if earlier else None, number + 1)


async def _page(  # noqa: PLR0913 - which page, of what, when
    reader: Reader, moment: Moment, about: EventFilter, *, limit: int, after: int = 0, before: int | None = None
) -> Sequence[EventView]:
    wish = LogPage(**msgspec.structs.asdict(about), after=after, before=before, limit=limit)
    async with reader.slices.acquire() as connection:
        return await events.log_page(connection, moment.position, wish)


async def names_told(reader: Reader, moment: Moment, about: EventFilter, facts: Sequence[EventView]) -> Names:
    """What these facts, and the feed that they are of, are called at a moment: in one read."""
    streams = [one.stream for one in facts] + [about.stream or ""]
    streams += [f"{kind}:{key}" for kind, key in (("task", about.task), ("plan", about.plan)) if key is not None]
    tasks = sorted({task for stream in streams if (task := task_of(stream))})
    plans = sorted({key for kind, key in map(subject_of, streams) if kind == "plan"})
    wants = [wanted(UNITS), wanted(DISTRICTS), wanted(PLATFORMS)]
    wants += [wanted(TASKS, key=tasks)] if tasks else []
    wants += [wanted(PLANS, key=plans)] if plans else []
    return Names(await reader.read(moment, wants))

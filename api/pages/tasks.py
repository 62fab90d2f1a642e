"""A task: how it stands in one sentence, who has reported and who has not, its wording, and how it came to be so."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from litestar import get
from msgspec import Meta

from api.http.answers import Answer
from api.http.paths import PlanKey, TaskNumber
from api.http.question import Ask
from api.pages.answered import first_words, sentence
from api.pages.clocks import both_clocks
from api.pages.drawing import drawn
from api.pages.problems import absent
from api.pages.strips import strip
from api.pages.told import VersionTold, facts_told, versions_told
from api.pages.visit import PageQuery, Visit
from api.pages.wording import word_by_word
from api.services.told import Names, task_path
from domain.task import Assignment
from domain.values import Role
from events.recorded import Recorded
from events.steps import in_steps
from projections.as_of import Moment, Rows
from projections.fold import MINUS_INFINITY
from projections.lists import Excerpt, WholeNumber, cut
from projections.views import events, history
from projections.views import reports as report_views
from projections.views import tasks as view
from projections.views.duties import Duties
from projections.views.events import Facts
from projections.views.names import PLANS, PlanRow, directory
from projections.views.origins import Origins, origins
from projections.views.plans import MEASURES, PARTS, MeasureRow, PartRow
from projections.views.reports import REPORTS, ReportRow, ReportView
from projections.views.subjects import TASK
from projections.views.tasks import TASKS, AssignmentView, NumberedTask, TaskView
from projections.wanted import Keyset, page_of, wanted

_ENTRIES: Final = 60  # versions whose history a page tells
_REPORTS: Final = 100  # reports that it has
_WORDINGS: Final = 10  # wordings that it compares with the one before


class TaskQuery(PageQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """From where on the history is told."""

    before: Annotated[WholeNumber | None, Meta(description="The history before this position.")] = None


class Reworded(NamedTuple):
    """A wording and the one before it: the fact that brought it, and both word by word."""

    fact: Recorded
    text: Any


@get("/plans/{plan:str}/tasks/{key:int}", include_in_schema=False)
async def task(request: Ask, plan: PlanKey, key: TaskNumber) -> Answer:
    """One task, its reports and its history."""
    visit = Visit(request, TaskQuery)
    id_ = f"{plan}/{key}"
    others = (wanted(PARTS, plan=plan), wanted(MEASURES, plan=plan), wanted(REPORTS, task=id_))
    moment, rows = await visit.rows((*view.one(id_), *others))
    shown = view.show(rows, moment.effective_on)
    if not shown:
        raise await absent(request, TASK, id_, moment)
    one, facts = shown[0], await _facts(request, moment, id_)
    undoing = {fact.undoes: fact for fact in facts.recorded if fact.undoes is not None}
    (came,) = [made async for made in in_steps(origins(TASK.stream(id_), facts.recorded, moment.effective_on))]
    since = [day async for day in in_steps(Duties(rows, moment.effective_on).unbroken(id_))]
    picture = both_clocks(sorted(facts.recorded, key=lambda fact: fact.position), undoing, moment)
    withdrawn = came.of("withdrawn", one.withdrawn)
    adopted = next((row for row in rows.of(PLANS, PlanRow)), None)
    issued_on = adopted.issued_on if adopted else moment.effective_on
    told, more = await _history(visit, id_, facts, undoing, Names(rows))
    return drawn(
        "task.html",
        visit,
        moment,
        json=f"/v1{task_path(id_)}",
        feed=f"/feeds/tasks/{id_}.atom",
        erasable=True,
        task=one,
        first_words=first_words(one.text),
        stands=sentence(one, withdrawn and withdrawn.effective_on, moment.effective_on, visit),
        since=min(since, default=None),
        title=adopted.title if adopted else plan,
        part=next((row for row in rows.of(PARTS, PartRow) if row.number == one.part), None),
        measure=next((row for row in rows.of(MEASURES, MeasureRow) if row.number == one.measure), None),
        came=came,
        reworded=await _reworded(came, visit),
        roles=_roles(one, came),
        targets=[(target, came.of("targets", target)) for target in one.targets],
        strip=strip(one, issued_on, rows, moment.effective_on),
        issued_on=issued_on,
        reports=_reports(rows, facts),
        reports_at_most=_REPORTS,
        counted={ref.event for ref in one.latest_reports},
        picture=picture,
        pictured=facts_told([facts.view(fact.position) for fact in reversed(picture.facts)], Names(rows), visit),
        undoing=undoing,
        history=told,
        further=visit.link(visit.path, before=more) + "#history" if more else None,
        before=await _beside(request, moment, one, descending=True),
        after=await _beside(request, moment, one, descending=False),
    )


async def _facts(request: Ask, moment: Moment, task: str) -> Facts:
    """All facts about a task, those of its reports included."""
    async with request.reader.pool.acquire() as connection:
        return await events.of_subject(connection, moment.position, TASK.stream(task), TASK.below(task))


async def _history(
    visit: Visit[TaskQuery], id_: str, facts: Facts, undoing: Mapping[int, Recorded], names: Names
) -> tuple[Sequence[VersionTold], int | None]:
    """The last versions before the position that is asked for, in words, and before which position there are more."""
    known = await history.all_stretches(facts, TASK.stream(id_), visit.request.reader.memory)
    place = (visit.given.before, MINUS_INFINITY) if visit.given.before else None
    excerpt = Excerpt(_ENTRIES, place, backwards=True)
    chosen, more = cut(known, excerpt, lambda one: (one.known_from, one.eff_from))
    first = chosen[0].known_from if chosen else 0
    if more and chosen[-1].known_from > first:  # what that fact made is told on the next page, all of it
        chosen, first = [one for one in chosen if one.known_from > first], first + 1
    made = [one async for one in in_steps(history.versions(facts, Excerpt(len(chosen)), known=chosen))]
    return versions_told(made, undoing, names, visit), first if more else None


async def _reworded(came: Origins, visit: Visit[Any]) -> Sequence[Reworded]:
    """Each wording but the first beside the one before it, the last one first."""
    pairs = [(old, fact, new) for (_, old), (fact, new) in zip(came.texts, came.texts[1:], strict=False)]
    made = (Reworded(fact, word_by_word(old, new, visit)) for old, fact, new in pairs[: -_WORDINGS - 1 : -1])
    return [one async for one in in_steps(made)]


def _roles(task: TaskView, came: Origins) -> Sequence[tuple[Role, Sequence[tuple[AssignmentView, Recorded | None]]]]:
    """Who takes part, by role, with the facts that say so."""
    found: dict[Role, list[tuple[AssignmentView, Recorded | None]]] = {}
    for one in task.assignments:
        fact = came.of("assignments", Assignment(one.assignee.id, one.role, one.literal))
        found.setdefault(one.role, []).append((one, fact))
    return [(role, found[role]) for role in Role if role in found]


def _reports(rows: Rows, facts: Facts) -> Sequence[ReportView]:
    """All reports, those for the latest days first."""
    found = report_views.show(rows.of(REPORTS, ReportRow), directory(rows), facts)
    return sorted(found, key=lambda one: (one.effective_on, one.event), reverse=True)


async def _beside(request: Ask, moment: Moment, task: TaskView, *, descending: bool) -> NumberedTask | None:
    """The task before this one, or after it."""
    place = (task.number, int(task.id.rpartition("/")[2]))
    next_ = Keyset(("number", "ordinal"), descending, place, 1)
    rows = await request.reader.read(moment, (page_of(wanted(TASKS, plan=task.plan), next_),))
    found = rows.of(TASKS, NumberedTask)
    return found[0] if found else None

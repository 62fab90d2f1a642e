"""Answers of the API, asked for at random moments or saved before, against what follows from the verified facts."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final, NamedTuple, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from api.auditing.answers import AuditedLog
from api.auditing.comparing import differing_fields, unexamined
from api.auditing.hashed import HashTree
from api.auditing.kept import KeptFacts
from api.auditing.leaves import ADDED_BY_THE_WIRE, leaf_of
from api.auditing.sources import Server
from api.auditing.verdicts import CannotLook
from domain.values import EARLIEST, shanghai_day
from events.foreign_json import foreign_json
from events.note import FormatError

_SUBJECT: Final = re.compile(r"/v1/(plan|unit|district|platform)s(?:/([^/.]+))?")
_TASK: Final = re.compile(r"/v1/plans/([^/]+)/tasks(?:/([0-9]+))?")
_EVENT: Final = re.compile(r"/v1/events/([1-9][0-9]*)")
OF_EACH: Final = ("task", "task", "unit", "district", "plan", "event", "tasks", "list")  # what is asked for, in turn
_PAGES: Final = 10_000  # of one list
_NAMES: Final = 40  # of what was not judged, that are told
_LONGEST_NAME: Final = 60  # characters
_WANTED: Final = ("log", "position", "effectiveOn", "root")  # what a `meta` must say, in this order
FOUND, MISSING = 200, 404


class PinnedQuestion(NamedTuple):
    """An address of the API without its query, and the moment (P, D) that it is asked at."""

    path: str
    position: int
    on: date

    @property
    def address(self) -> str:
        """With both clocks pinned."""
        return f"{self.path}?{urlencode({'position': self.position, 'effectiveOn': self.on.isoformat()})}"


class Judged(NamedTuple):
    """Where an answer is wrong; and the names of what it shows beside that, of which nothing was worked out here."""

    wrong: list[str]
    beside: set[str]
    worked_out: bool = True


NOT_WORKED_OUT: Final = Judged([], set(), worked_out=False)


class Judge:
    """Judges answers by the facts and the tree of one log."""

    def __init__(self, facts: KeptFacts, tree: HashTree, log: str) -> None:
        self.facts, self.log = facts, log
        self._audited: AuditedLog = facts.log()
        self._tree = tree

    def expected(self, question: PinnedQuestion) -> Mapping[str, Any] | None:
        """The subjects that an answer should show, by stream; None for an address that is not worked out here."""
        shown = self._audited.at(question.position, question.on)
        if found := _TASK.fullmatch(question.path):
            streams = [f"task:{found[1]}/{found[2]}"] if found[2] else self._audited.below(f"task:{found[1]}/")
        elif found := _SUBJECT.fullmatch(question.path):
            streams = [f"{found[1]}:{found[2]}"] if found[2] else self._audited.below(f"{found[1]}:")
        else:
            return None
        there = {stream: shown.subject(stream) for stream in streams}
        return {stream: one for stream, one in there.items() if one is not None}

    def judged(self, question: PinnedQuestion, pages: Sequence[Mapping[str, Any]], *, whole: bool = True) -> Judged:
        """How an answer fares; `whole`: these are all its pages. What it shows may be of any shape."""
        try:
            found = self._fact(question, pages[0]) or self._subjects(question, pages, whole=whole)
        except RecursionError:
            return Judged(["it is nested deeper than any answer"], set())
        if not found.worked_out:
            return found
        wrong = [one for page in pages for one in self._meta(question, page)]
        beside = {f"meta.{name}" for page in pages for name in _meta_of(page).keys() - _WANTED}
        return Judged(wrong + found.wrong, beside | found.beside)

    def _fact(self, question: PinnedQuestion, item: Mapping[str, Any]) -> Judged | None:
        """The same of a fact, if that is what is asked for."""
        event = _EVENT.fullmatch(question.path)
        if event is None:
            return None
        same = leaf_of(item) == self.facts.entry(int(event[1]))
        return Judged(
            [] if same else ["the fact is not the one in the log"], (item.keys() & ADDED_BY_THE_WIRE) - {"meta"}
        )

    def _subjects(self, question: PinnedQuestion, pages: Sequence[Mapping[str, Any]], *, whole: bool) -> Judged:
        """The same of a subject, or of a list from its beginning."""
        expected = self.expected(question)
        if expected is None:
            return NOT_WORKED_OUT
        shown, beside = _items_of(pages)
        streams = {stream.partition(":")[2]: stream for stream in expected}
        there = {streams.get(str(one.get("id", one.get("code", ""))), "something else"): one for one in shown}
        first = sorted(expected, key=_place)[: None if whole else len(shown)]
        if there.keys() != set(first) or len(shown) != len(there):
            return Judged([f"shows {_few(there)}, and the log has {_few(first)}"], beside)
        wrong = list[str]()
        if not whole:
            beside.add("next")
            wrong += ["names a next page, and the log has nothing more"] if len(shown) == len(expected) else []
        for stream, one in there.items():
            kind = stream.partition(":")[0]
            differing = differing_fields(kind, one, expected[stream])
            wrong += (f"{stream}: {said}" if len(there) > 1 else said for said in differing)
            beside.update(unexamined(kind, one, expected[stream]))
        return Judged(wrong, beside)

    def _meta(self, question: PinnedQuestion, page: Mapping[str, Any]) -> Iterator[str]:
        at, on = question.position, question.on.isoformat()
        wanted = zip(_WANTED, (self.log, at, on, self._tree.root(at).hex()), strict=True)
        for name, value in wanted:
            if (said := _meta_of(page).get(name)) != value:
                yield f"meta.{name} is {said}, the log says {value}"

    def there(self, question: PinnedQuestion) -> bool:
        """Whether there should be an answer at all."""
        event = _EVENT.fullmatch(question.path)
        if event:
            return int(event[1]) <= question.position
        is_list = question.path.count("/") % 2 == 0  # /v1/units, /v1/plans/x/tasks
        return bool(self.expected(question)) or (is_list and self._above(question))

    def _above(self, question: PinnedQuestion) -> bool:
        found = _TASK.fullmatch(question.path)
        shown = self._audited.at(question.position, question.on)
        return not found or shown.subject(f"plan:{found[1]}") is not None


def _meta_of(page: Mapping[str, Any]) -> Mapping[str, Any]:
    found = page.get("meta")
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _items_of(pages: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], set[str]]:
    """The subjects of a list's pages, or the only one; and the names of what a page has beside them."""
    listed = any("items" in page for page in pages)
    if not listed:
        return [{name: value for name, value in page.items() if name != "meta"} for page in pages], set()
    lists = [cast("list[Any]", items) for page in pages if isinstance(items := page.get("items"), list)]
    beyond = {name for page in pages for name in page.keys() - {"meta", "items", "next"}}
    return [one if isinstance(one, Mapping) else {} for items in lists for one in items], beyond


def _place(stream: str) -> tuple[str, int]:
    """Where a list shows the subject of a stream: by its id, a plan's tasks by their numbers."""
    key, _, number = stream.partition("/")
    return (key, int(number)) if number.isdecimal() else (stream, 0)


def beside_told(beside: set[str]) -> list[str]:
    """What was not judged, in a sentence, if there is anything: by names that whoever made the answer chose."""
    names = [ascii(one)[1:-1][:_LONGEST_NAME] for one in sorted(beside)]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return [f"not examined in it: {', '.join(names[:_NAMES])}{more}"] if names else []


def _few(streams: Iterable[str]) -> str:
    names = sorted(streams)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "nothing"  # noqa: PLR2004


def random_questions(facts: KeptFacts, seed: int, count: int) -> Iterator[PinnedQuestion]:
    """So many questions about what the log tells of, at any of its moments."""
    random = Random(seed)  # noqa: S311 - to be asked again, nothing secret
    streams: dict[str, list[str]] = {}
    for stream in facts:
        streams.setdefault(stream.partition(":")[0], []).append(stream)
    for number in range(count):
        position = random.randint(1, facts.size)
        path = _path(OF_EACH[number % len(OF_EACH)], streams, facts, random)
        yield PinnedQuestion(path, position, _day(facts, random))


def _path(what: str, streams: Mapping[str, Sequence[str]], facts: KeptFacts, random: Random) -> str:
    kind = "task" if what == "tasks" else random.choice(("unit", "district", "plan", "platform"))
    kind = kind if what in {"tasks", "list"} else what
    if kind == "event" or not streams.get(kind):
        return f"/v1/events/{random.randint(1, facts.size)}"
    key = random.choice(streams[kind]).partition(":")[2]
    plan, _, task = key.partition("/")
    if what == "list":
        return f"/v1/{kind}s"
    if what == "tasks":
        return f"/v1/plans/{plan}/tasks"
    return f"/v1/plans/{plan}/tasks/{task}" if kind == "task" else f"/v1/{kind}s/{key}"


def _day(facts: KeptFacts, random: Random) -> date:
    """The day of some fact, that on which it was recorded, or the day before one of them."""
    fact = facts.fact(random.randint(1, facts.size))
    day = random.choice((fact.effective_on, shanghai_day(fact.recorded_at)))
    return max(day - timedelta(days=random.randint(0, 1)), EARLIEST)


def compare(
    server: Server, judge: Judge, questions: Iterator[PinnedQuestion], told: Callable[[str], None]
) -> tuple[int, set[str]]:
    """Ask each question and tell every difference; how many there were, and what of the answers was not judged."""
    count, beside = 0, set[str]()
    for question in questions:
        judged = _asked(server, judge, question)
        beside |= judged.beside
        for one in judged.wrong:
            count += 1
            told(f"{question.address}: {one}")
    return count, beside


def _asked(server: Server, judge: Judge, question: PinnedQuestion) -> Judged:
    status, body = server.ask(question.address)
    if not judge.there(question):
        return _judged() if status == MISSING else _judged(f"answers {status}, and the log has nothing there")
    if status != FOUND:
        return _judged(f"answers {status}, and the log has something there")
    pages = [_json(body, question.address)]
    while (following := pages[-1].get("next")) and len(pages) < _PAGES:
        if not (isinstance(following, str) and following.startswith("/")):
            return _judged(f"its next page is at {str(following)[:200]!r}, which is no address here")
        status, body = server.ask(following)
        if status != FOUND:
            return _judged(f"answers {status} for its page {len(pages) + 1}")
        pages.append(_json(body, following))
    return judge.judged(question, pages)


def _judged(*wrong: str) -> Judged:
    return Judged(list(wrong), set())


def _json(body: bytes, address: str) -> dict[str, Any]:
    try:
        return foreign_json(body, dict[str, Any])
    except FormatError as error:
        raise CannotLook(f"{address} answers what is no JSON: {error}") from error


def pinned_question(address: str) -> PinnedQuestion | None:
    """The question that an address asks, if it names both clocks, nothing else, and one that is worked out here."""
    parts = urlsplit(address)
    query = parse_qs(parts.query, keep_blank_values=True)
    if query.keys() != {"position", "effectiveOn"} or any(len(one) > 1 for one in query.values()):
        return None
    try:
        return PinnedQuestion(parts.path, int(query["position"][0]), date.fromisoformat(query["effectiveOn"][0]))
    except ValueError:
        return None

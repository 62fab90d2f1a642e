"""Answers of the API, asked for at random moments or saved before, against what follows from the verified facts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from api.auditing.answers import AuditedLog
from api.auditing.comparing import differing_fields
from api.auditing.hashed import HashTree
from api.auditing.kept import KeptFacts
from api.auditing.leaves import leaf_of
from api.auditing.sources import Server
from api.auditing.verdicts import CannotLook
from domain.values import EARLIEST, shanghai_day

_SUBJECT: Final = re.compile(r"/v1/(plan|unit|district|platform)s(?:/([^/.]+))?")
_TASK: Final = re.compile(r"/v1/plans/([^/]+)/tasks(?:/([0-9]+))?")
_EVENT: Final = re.compile(r"/v1/events/([1-9][0-9]*)")
OF_EACH: Final = ("task", "task", "unit", "district", "plan", "event", "tasks", "list")  # what is asked for, in turn
_PAGES: Final = 10_000  # of one list
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

    def judged(self, question: PinnedQuestion, pages: Sequence[Any], *, whole: bool = True) -> list[str] | None:
        """Where an answer is wrong; None for one that is not worked out here. `whole`: these are all its pages."""
        wrong = [one for page in pages for one in self._meta(question, page)]
        if event := _EVENT.fullmatch(question.path):
            return wrong + self._event(int(event[1]), pages[0])
        expected = self.expected(question)
        if expected is None:
            return None
        shown: list[dict[str, Any]] = [one for page in pages for one in page.get("items", [page])]
        keys = {stream.partition(":")[2]: stream for stream in expected}
        there = {keys.get(one.get("id", one.get("code", "")), "something else"): one for one in shown}
        if not (there.keys() == expected.keys() if whole else there.keys() <= expected.keys()) or len(shown) != len(
            there
        ):
            return [*wrong, f"shows {_few(there)}, and the log has {_few(expected)}"]
        kinds = {stream: stream.partition(":")[0] for stream in there}
        return wrong + [
            f"{s}: {one}" if len(there) > 1 else one
            for s in there
            for one in differing_fields(kinds[s], there[s], expected[s])
        ]

    def _meta(self, question: PinnedQuestion, page: Any) -> Iterator[str]:
        meta: dict[str, Any] = page.get("meta") or {}
        wanted = {
            "log": self.log,
            "position": question.position,
            "effectiveOn": question.on.isoformat(),
            "root": self._tree.root(question.position).hex(),
        }
        for name, value in wanted.items():
            if meta.get(name) != value:
                yield f"meta.{name} is {meta.get(name)}, the log says {value}"

    def _event(self, position: int, item: Any) -> list[str]:
        if leaf_of(item) != self.facts.entry(position):
            return ["the fact is not the one in the log"]
        return []

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


def _few(streams: Mapping[str, Any]) -> str:
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


def compare(server: Server, judge: Judge, questions: Iterator[PinnedQuestion], told: Callable[[str], None]) -> int:
    """Ask each question and tell every difference; how many there were."""
    count = 0
    for question in questions:
        for one in _asked(server, judge, question):
            count += 1
            told(f"{question.address}: {one}")
    return count


def _asked(server: Server, judge: Judge, question: PinnedQuestion) -> list[str]:
    status, body = server.ask(question.address)
    if not judge.there(question):
        return [] if status == MISSING else [f"answers {status}, and the log has nothing there"]
    if status != FOUND:
        return [f"answers {status}, and the log has something there"]
    pages = [_json(body, question.address)]
    while (following := pages[-1].get("next")) and len(pages) < _PAGES:
        if not (isinstance(following, str) and following.startswith("/")):
            return [f"its next page is at {str(following)[:200]!r}, which is no address here"]
        status, body = server.ask(following)
        if status != FOUND:
            return [f"answers {status} for its page {len(pages) + 1}"]
        pages.append(_json(body, following))
    return judge.judged(question, pages) or []


def _json(body: bytes, address: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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

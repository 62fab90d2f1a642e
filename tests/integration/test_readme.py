"""The README's first five things to try, run as they stand there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.demo import tell
from api.main import Service
from tests.conftest import Site, serving

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
TRIALS = re.findall(r"\*\*(\d)\. .*?```sh\n(.*?)\n```\n\n```json\n(.*?)\n```", README, re.DOTALL)


@pytest.fixture
async def demo(fresh: Service) -> Any:
    await tell(fresh)
    async with serving(fresh) as served:
        yield served


async def curl(site: Site, line: str) -> httpx.Response:
    """What this very command would fetch."""
    words = shlex.split(line)
    assert words[0] == "curl"
    path = words[1].removeprefix("http://127.0.0.1:8000")
    if "-d" not in words:
        return await site.http.get(path)
    kind, _, value = words[words.index("-H") + 1].partition(": ")
    return await site.http.post(path, content=words[words.index("-d") + 1], headers={kind: value})


def holds(shown: Any, answer: Any) -> bool:
    """Whether everything that is shown stands in the answer."""
    match shown:
        case dict():
            return all(name in answer and holds(value, answer[name]) for name, value in shown.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case list():
            return len(shown) == len(answer) and all(map(holds, shown, answer))  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return shown == answer


async def test_the_first_five_things_to_try_answer_as_shown(demo: Site) -> None:
    assert [number for number, _, _ in TRIALS] == ["1", "2", "3", "4", "5"]
    for number, line, shown in TRIALS:
        response = await curl(demo, line)
        assert response.status_code == 200, number
        assert holds(json.loads(shown), response.json()), f"{number}: {response.text[:3000]}"


def test_the_files_of_the_two_walks_exist() -> None:
    walks = README.partition("## How it is built")[2].partition("## Running")[0]
    paths = re.findall(r"`((?:domain|events|projections|api)/[\w/]+\.py)`", walks)
    assert len(paths) >= 8
    assert [path for path in paths if not (Path(__file__).parents[2] / path).is_file()] == []

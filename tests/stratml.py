"""A plan in StratML, as tests read it."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from tests.conftest import PLAN, Site
from tests.feeds import fetched, parsed

STRATML: Final = "{urn:ISO:std:iso:17469:tech:xsd:PerformancePlanOrReport}"
ADDRESS: Final = f"{PLAN}.stratml"


async def plan_in(site: Site, query: str = "") -> Element:
    """The bundled plan as it stands, or as it is asked for."""
    return parsed((await fetched(site, f"{ADDRESS}{query}")).content)


def each(document: Element, name: str) -> list[Element]:
    """The elements of a name, wherever they stand."""
    return list(document.iter(f"{STRATML}{name}"))


def text(element: Element, *path: str) -> str:
    """What stands at a path below an element; empty where nothing does."""
    return element.findtext("/".join(f"{STRATML}{name}" for name in path), "")


def assignments_of(document: Element) -> Iterator[tuple[str, str, str]]:
    """Each stakeholder of each objective: the task's key, the unit's id, and the words of its role."""
    for objective in each(document, "Objective"):
        for who in objective.findall(f"{STRATML}Stakeholder"):
            (code,) = (line for line in text(who, "Description").split("\n") if line.startswith("编码："))
            yield (
                text(objective, "Identifier").removeprefix("t-"),
                code.removeprefix("编码："),
                text(who, "Role", "Name"),
            )

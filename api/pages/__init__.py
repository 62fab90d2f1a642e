"""Pages for a person: plain HTML, drawn on the server from the same views as REST, at the same moments."""

from typing import Any, Final

from api.pages.about import about_page
from api.pages.attention import overdue, silent
from api.pages.changes import changes
from api.pages.corrections import corrections
from api.pages.data import data_page
from api.pages.districts import district, districts
from api.pages.facts import event
from api.pages.files import static
from api.pages.home import home
from api.pages.plans import plan
from api.pages.problems import answer, failed
from api.pages.proof import proof_page
from api.pages.robots import robots
from api.pages.search import search
from api.pages.sitemaps import sitemap
from api.pages.tasks import task
from api.pages.units import unit, units

__all__ = ["HANDLERS", "answer", "failed"]

HANDLERS: Final[list[Any]] = [
    home,
    plan,
    task,
    units,
    unit,
    districts,
    district,
    changes,
    event,
    corrections,
    overdue,
    silent,
    search,
    proof_page,
    data_page,
    about_page,
    sitemap,
    robots,
    static,
]

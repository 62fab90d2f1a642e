"""A plan as a dataset and the site as their catalogue, in schema.org's words: what data searches look for in a page.

Google asks for name and description (50 to 5,000 characters) of a Dataset and for contentUrl of a DataDownload; the
rest it recommends. Each page says it of the record as it stands now, and past moments of it say nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from api.http.formats import EXPORT_TYPES, PLAN_TYPES, ExportForm, PlanForm, export_path
from api.pages.visit import Visit, in_language
from api.services.phrases import Lang, seen
from api.services.told import PlainVoice
from domain.values import instant_text
from events.demo import is_demo
from projections.as_of import Moment
from projections.views import moments
from projections.views.districts import DistrictRow
from projections.views.plans import PlanView

TAKEN_HOME: Final = ("tasks", "assignments", "reports", "targets", "events")  # of a plan, in each of these forms
TAKEN_AS: Final = (ExportForm.XLSX, ExportForm.CSV, ExportForm.PARQUET)
# Where the data of a plan is, and as which media type.
DOWNLOADS: Final = (
    *((f"{export_path(name, form)}?plan={{plan}}", EXPORT_TYPES[form]) for name in TAKEN_HOME for form in TAKEN_AS),
    ("/v1/plans/{plan}.stratml", PLAN_TYPES[PlanForm.STRATML]),
)
LONGEST_DESCRIPTION: Final = 5_000  # characters
_CONTEXT: Final = "https://schema.org/"
DataBlock = Mapping[str, Any]
Download = tuple[Markup, Sequence[tuple[str, str]]]  # what it is, and where it is in each form


async def dataset(
    visit: Visit[Any], moment: Moment, plan: PlanView, districts: Sequence[DistrictRow]
) -> DataBlock | None:
    """A plan's dataset, at the head; None at any other moment."""
    if visit.past:
        return None
    reader = visit.request.reader
    async with reader.slices.acquire() as connection:
        (changed,) = await moments.last_concerned(connection, moment.position, [f"plan:{plan.id}"])
    whole = visit.request.app.state.base.whole
    places = [_place(one) for one in districts]
    return {
        "@context": _CONTEXT,
        **_known(visit, moment, plan),
        "creator": {"@type": "GovernmentOrganization", "name": seen(plan.issuer)},
        "publisher": {"@type": "Organization", "name": moment.origin},
        "dateModified": instant_text(changed),
        "temporalCoverage": f"{plan.issued_on.isoformat()}/..",
        "inLanguage": "zh-Hans",
        "isAccessibleForFree": True,
        "isBasedOn": {"@type": "CreativeWork", "identifier": plan.document, "name": seen(plan.title)},
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": PlainVoice(visit.lang).t("site.name"),
            "url": whole(in_language("/", visit.lang)),
        },
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": media_type.partition(";")[0], "contentUrl": whole(path)}
            for path, media_type in ((path.format(plan=plan.id), type_) for path, type_ in DOWNLOADS)
        ],
    } | ({"spatialCoverage": places} if places else {})


def downloads(
    visit: Visit[Any], plan: str, forms: Sequence[ExportForm] = TAKEN_AS, link: Callable[..., str] | None = None
) -> list[Download]:
    """What can be taken home of a plan as it is shown, in the order of TAKEN_HOME, where `link` or the visit leads.

    A table is for people, and has its headings in their language; one in CSV is such as a spreadsheet opens.
    """

    def place(name: str, form: ExportForm) -> tuple[str, str]:
        headers = "zh" if form is not ExportForm.PARQUET and visit.lang is Lang.ZH else None
        excel = "true" if form is ExportForm.CSV else None
        own = {"plan": plan, "lang": None, "headers": headers, "excel": excel}
        return form.upper(), (link or visit.link)(export_path(name, form), **own)

    return [(visit.t(f"download.{name}"), [place(name, form) for form in forms]) for name in TAKEN_HOME]


def catalogue_of(visit: Visit[Any], moment: Moment, plans: Sequence[PlanView]) -> DataBlock | None:
    """The site as the catalogue of the plans that its first page shows; None at a past moment."""
    if visit.past:
        return None
    voice = PlainVoice(visit.lang)
    return {
        "@context": _CONTEXT,
        "@type": "DataCatalog",
        "name": voice.t("site.name"),
        "description": voice.t("home.what"),
        "url": visit.request.app.state.base.whole(in_language("/", visit.lang)),
        "license": visit.request.reader.license,
        "publisher": {"@type": "Organization", "name": moment.origin},
        "isAccessibleForFree": True,
        "dataset": [_known(visit, moment, one) for one in plans],
    }


def _known(visit: Visit[Any], moment: Moment, plan: PlanView) -> DataBlock:
    """What a dataset is called and where it is, wherever it is named."""
    path = f"/plans/{plan.id}"
    return {
        "@type": "Dataset",
        "name": seen(plan.title),
        "description": _description(visit, moment, plan),
        "url": visit.request.app.state.base.whole(in_language(path, visit.lang)),
        "identifier": f"{moment.log}:plan:{plan.id}",
        "license": visit.request.reader.license,
    }


def _description(visit: Visit[Any], moment: Moment, plan: PlanView) -> str:
    """What the data is, and that a demo's is invented, before the plan's own words."""
    voice, counts = PlainVoice(visit.lang), plan.counts
    said = voice.t("plan.counts", parts=counts.parts, measures=counts.measures, tasks=counts.tasks)
    about = voice.t("plan.dataset", title=plan.title, issuer=plan.issuer, counts=said)
    invented = voice.t("demo.notice") if is_demo(moment.origin) else ""
    return " ".join(filter(None, (invented, about, voice.words(plan.preamble))))[:LONGEST_DESCRIPTION]


def _place(one: DistrictRow) -> DataBlock:
    return {"@type": "AdministrativeArea", "name": seen(one.name), "identifier": one.code}

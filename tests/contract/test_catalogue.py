"""What a portal harvests: the catalogue at any moment, the tables as a Data Package, and the catalogue of APIs."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from rdflib import DCAT, DCTERMS, FOAF, Graph, URIRef
from rdflib.compare import isomorphic

from api.catalogue import contents
from api.catalogue.contents import OF_A_PLAN, OF_THE_DIRECTORY, OF_THE_LOG
from api.http.formats import ExportForm
from api.main import Service, application
from domain.bundled import BUNDLED_PLAN, bundled_plan
from projections.exports import EXPORTS, ColumnType
from tests.catalogues import FORMS, addresses, all_of, graph_at, parsed, titles, value
from tests.conftest import Site, copied
from tests.integration.commands import PROJECT
from tests.unit.documents.large import large

HOSTILE: Final = ']]>&"\\<script>x()</script>\n\u0001\u202e\ufffe'
OTHER: Final = {
    "type": "plan.import",
    "plan": "li-shi-2024",
    "text": large(3),
    "issuer": "某市信用办",
    "issuedOn": "2024-01-15",
    "reason": "试",
}
OF_NONE: Final = {"directory": "责任单位、各区和信息平台", "log": "全部记录"}
BUNDLED_TITLE: Final = "2023年上海市社会信用体系建设工作要点"
READS: Final = (*FORMS, "/datapackage.json", f"/datapackage.json?plan={BUNDLED_PLAN}")


@pytest.fixture(scope="module")
async def two(server: str, folder: Path) -> AsyncGenerator[Site]:
    """A record in which a second plan is imported in 2024."""
    async with copied(server, folder) as site:
        await site.clock("2024-02-01T09:00:00+08:00")
        await site.record(OTHER)
        yield site


def plan_of(graph: Graph, key: str) -> URIRef:
    """The dataset of a plan."""
    (found,) = [one for one in all_of(graph, DCAT.Dataset) if str(one).endswith(f":plan:{key}")]
    return URIRef(str(found))


async def test_both_forms_are_one_graph_of_the_same_bytes_each_time(told: Site) -> None:
    turtle, json_ld = [await graph_at(told, path) for path in FORMS]
    assert len(turtle) > 300
    assert isomorphic(turtle, json_ld)
    for path in FORMS:
        pinned = (await told.http.get(path)).headers["Log-Position"]
        # A question of other clocks, which is asked anew: what it brings is spelled alike.
        first = await told.http.get(path, params={"position": pinned, "effectiveOn": "2023-12-31"})
        again = await told.http.get(path, params={"position": pinned, "effectiveOn": "2023-12-31", "minPosition": "1"})
        assert first.content == again.content


async def test_it_has_a_dataset_for_each_plan_and_a_distribution_for_each_of_its_files(two: Site) -> None:
    graph = await graph_at(two)
    plans = {f"plan:{BUNDLED_PLAN}": BUNDLED_TITLE, "plan:li-shi-2024": "2024年示例市社会信用体系建设工作要点"}
    assert titles(graph) == plans | OF_NONE
    files = 2 * len(OF_A_PLAN) + len(OF_THE_DIRECTORY) + len(OF_THE_LOG)
    assert len(all_of(graph, DCAT.Distribution)) == files * len(ExportForm)
    (catalog,) = all_of(graph, DCAT.Catalog)
    assert set(graph.objects(catalog, DCAT.dataset)) == set(all_of(graph, DCAT.Dataset))
    assert set(graph.objects(catalog, DCAT.service)) == set(all_of(graph, DCAT.DataService))
    for one in all_of(graph, DCAT.Distribution):
        assert value(graph, one, DCAT.accessURL) == value(graph, one, DCAT.downloadURL)
        assert len(list(graph.subjects(DCAT.distribution, one))) == 1


async def test_each_file_is_named_by_an_address_that_is_pinned(two: Site) -> None:
    graph, base = await graph_at(two, asOf="2024-02-01"), str(two.http.base_url).rstrip("/")
    position = two.running.reader.head.size
    named = [value(graph, one, DCAT.accessURL) for one in all_of(graph, DCAT.Distribution)]
    plan = f"{base}/v1/export/tasks.csv?plan=li-shi-2024&position={position}&effectiveOn=2024-02-01"
    assert plan in named
    assert f"{base}/v1/export/units.parquet?position={position}&effectiveOn=2024-02-01" in named
    assert len(set(named)) == len(named)
    assert all(one.endswith(f"position={position}&effectiveOn=2024-02-01") for one in named)


async def test_what_is_said_of_a_plan_is_what_its_record_says(told: Site) -> None:
    graph, plan = await graph_at(told), await told.get(f"/v1/plans/{BUNDLED_PLAN}")
    dataset = plan_of(graph, BUNDLED_PLAN)
    (newest,) = (await told.get("/v1/events", plan=BUNDLED_PLAN, limit=200, after=740))["items"][-1:]
    assert value(graph, dataset, DCTERMS.title) == plan["title"]
    assert value(graph, dataset, DCTERMS.issued) == plan["issuedOn"]
    modified = datetime.fromisoformat(value(graph, dataset, DCTERMS.modified))
    assert modified == datetime.fromisoformat(newest["recordedAt"])
    assert value(graph, dataset, DCTERMS.identifier) == f"{plan['meta']['log']}:plan:{BUNDLED_PLAN}"
    assert value(graph, dataset, URIRef("http://www.w3.org/ns/dcat#version")) == str(plan["meta"]["position"])
    (publisher,) = graph.objects(dataset, DCTERMS.publisher)
    assert value(graph, publisher, FOAF.name) == plan["issuer"]
    (place,) = graph.objects(dataset, DCTERMS.spatial)
    assert value(graph, place, DCTERMS.identifier) == "310000"
    (provenance,) = graph.objects(dataset, DCTERMS.provenance)
    said = " ".join(str(one) for one in graph.objects(provenance))
    assert plan["meta"]["root"] in said
    assert plan["document"] in said
    assert list(graph.objects(dataset, DCTERMS.temporal)) == []  # the record knows no year of a plan


async def test_a_plan_that_is_not_there_yet_is_no_dataset(two: Site) -> None:
    before = await graph_at(two, asOf="2023-12-31")
    assert titles(before) == {f"plan:{BUNDLED_PLAN}": BUNDLED_TITLE} | OF_NONE
    known_later = await graph_at(two, effectiveOn="2024-01-14")
    assert titles(known_later) == titles(before)
    assert "plan:li-shi-2024" in titles(await graph_at(two, effectiveOn="2024-01-15"))
    early = await graph_at(two, effectiveOn="2023-01-01")
    assert titles(early) == OF_NONE
    problem = await two.problem(404, "/datapackage.json?plan=li-shi-2024&effectiveOn=2024-01-14")
    assert problem["code"] == "not_at_this_moment"


async def test_a_plan_that_was_recorded_anew_has_its_title_of_then(site: Site) -> None:
    position = site.running.reader.head.size
    await site.record({"type": "plan.retract", "plan": BUNDLED_PLAN, "reason": "试"})
    assert titles(await graph_at(site)) == OF_NONE
    text = bundled_plan().text.replace("2023年上海市社会信用体系建设工作要点", "2023年上海市信用工作要点")
    given = {"plan": BUNDLED_PLAN, "text": text, "issuer": bundled_plan().issuer, "issuedOn": "2023-03-28"}
    await site.record({"type": "plan.import", **given, "reason": "试"})
    assert titles(await graph_at(site))[f"plan:{BUNDLED_PLAN}"] == "2023年上海市信用工作要点"
    then = await graph_at(site, position=str(position))
    assert titles(then)[f"plan:{BUNDLED_PLAN}"] == BUNDLED_TITLE
    package = await site.get("/datapackage.json", plan=BUNDLED_PLAN, position=position)
    assert package["title"] == BUNDLED_TITLE


async def test_a_catalogue_of_many_plans_has_pages_of_one_moment(two: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "PLANS_AT_ONCE", 1)
    first = await two.http.get("/catalog.ttl?effectiveOn=2024-03-01")
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    size = two.running.reader.head.size
    assert link == f"/catalog.ttl?after=li-shi-2024&position={size}&effectiveOn=2024-03-01"
    assert 'rel="next"' in first.headers["Link"]
    graph = parsed(first.content, "turtle")
    assert titles(graph).keys() == {"plan:li-shi-2024", *OF_NONE}
    hydra = URIRef("http://www.w3.org/ns/hydra/core#next")
    ((_, following),) = graph.subject_objects(hydra)
    assert str(following) == f"{str(two.http.base_url).rstrip('/')}{link}"
    last = await graph_at(two, link.partition("?")[0], **dict(httpx.QueryParams(link.partition("?")[2])))
    assert titles(last).keys() == {f"plan:{BUNDLED_PLAN}"}
    assert list(last.subject_objects(hydra)) == []


@pytest.mark.usefixtures("words_of_old")
async def test_hostile_words_are_the_same_in_both_forms(site: Site) -> None:
    text = bundled_plan().text
    given = {"text": text, "issuer": HOSTILE.replace("\n", ""), "issuedOn": "2023-03-28", "reason": "试"}
    await site.record({"type": "plan.import", "plan": "other", **given})
    turtle, json_ld = [await graph_at(site, path) for path in FORMS]
    assert isomorphic(turtle, json_ld)
    names = {str(one) for one in turtle.objects(None, FOAF.name)}
    assert HOSTILE.replace("\n", "") in names


async def test_each_address_of_a_catalogue_answers(told: Site) -> None:
    base = str(told.http.base_url).rstrip("/")
    for query in ({}, {"asOf": "2023-06-30"}):
        found = [one for one in addresses(await graph_at(told, **query), base) if "/v1/export/" not in one]
        assert {f"{base}/", f"{base}/openapi.json", f"{base}/docs"} <= set(found)
        assert len(found) >= 9
        for one in found:
            assert await status(told, one) == 200, one


async def status(site: Site, address: str) -> int:
    """What an address answers, whose body may go on."""
    async with site.http.stream("GET", address) as answer:
        return answer.status_code


@pytest.mark.parametrize("path", READS)
async def test_it_is_kept_and_known_again_as_every_read_is(real: Site, path: str) -> None:
    head = await real.http.get(path)
    assert (head.headers["Cache-Control"], head.headers["Log-Position"]) == ("no-cache", "352")
    assert 'rel="license"' in head.headers["Link"]
    again = await real.http.get(path, headers={"If-None-Match": head.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    pinned = await real.http.get(httpx.URL(path).copy_merge_params({"position": "352", "effectiveOn": "2023-06-30"}))
    assert pinned.headers["Cache-Control"] == "public, max-age=3600"
    assert pinned.headers["ETag"] != head.headers["ETag"]


@pytest.mark.parametrize("path", READS)
async def test_what_cannot_be_read_is_a_problem_as_everywhere(told: Site, empty_site: Site, path: str) -> None:
    assert (await empty_site.problem(404, path))["code"] == "before_the_record"
    more = "&" if "?" in path else "?"
    assert (await told.problem(404, f"{path}{more}asOf=2022-12-31"))["code"] == "before_the_record"
    assert (await told.problem(400, f"{path}{more}lang=en"))["code"] == "unknown_parameter"
    assert (await told.problem(400, f"{path}{more}asOf=soon"))["code"] == "bad_moment"


@pytest.mark.parametrize("odd", ["%00", "%F0%9F%98%80", "'%3B--", "x" * 2_000, ""])
async def test_an_odd_name_is_no_mistake_of_ours(told: Site, odd: str) -> None:
    assert (await told.http.get(f"/catalog.ttl?after={odd}")).status_code in {200, 400}
    assert (await told.http.get(f"/datapackage.json?plan={odd}")).status_code in {400, 404}


async def test_a_name_that_nothing_has_says_so(told: Site) -> None:
    assert (await told.problem(404, "/datapackage.json?plan=nowhere"))["code"] == "unknown_id"
    assert "/catalog.jsonld or /catalog.ttl" in (await told.problem(404, "/catalog"))["detail"]


async def test_addresses_begin_with_the_base_that_is_set(imported: Service) -> None:
    base = "https://example.org/plan"
    settings = msgspec.structs.replace(imported.settings, base_url=base)
    front = application(msgspec.structs.replace(imported, settings=settings))
    door = httpx.ASGITransport(front)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=door, base_url="http://elsewhere.test") as http:
        graph = parsed((await http.get("/catalog.ttl")).content, "turtle")
        package = (await http.get("/datapackage.json")).json()
        apis = (await http.get("/.well-known/api-catalog")).json()
    assert all(value(graph, one, DCAT.accessURL).startswith(base) for one in all_of(graph, DCAT.Distribution))
    assert all(one["path"].startswith(f"{base}/v1/export/") for one in package["resources"])
    assert all(one["anchor"].startswith(f"{base}/") for one in apis["linkset"])


async def test_a_data_package_has_each_table_with_its_columns_and_what_names_a_row(told: Site) -> None:
    package = await told.get("/datapackage.json", position=361, effectiveOn="2023-06-30")
    resources: list[dict[str, Any]] = package["resources"]
    assert [one["name"] for one in resources] == [*EXPORTS]
    base = str(told.http.base_url).rstrip("/")
    for one in resources:
        export, schema = EXPORTS[one["name"]], one["schema"]
        assert one["path"] == f"{base}/v1/export/{export.name}.csv?position=361&effectiveOn=2023-06-30"
        assert [(each["name"], each["title"]) for each in schema["fields"]] == [
            (column.name, column.title) for column in export.columns
        ]
        assert [each["name"] for each in schema["fields"] if each.get("constraints", {}).get("required")] == [
            column.name for column in export.columns if column.required
        ]
        separators = {column.name: column.separator for column in export.columns if column.type is ColumnType.LIST}
        assert {each["name"]: each["delimiter"] for each in schema["fields"] if each["type"] == "list"} == separators
        assert schema["primaryKey"] == list(export.key)
        for key in schema["foreignKeys"]:
            (other,) = [each for each in resources if each["name"] == key["reference"]["resource"]]
            assert key["reference"]["fields"] == other["schema"]["primaryKey"]
    assert package["version"] == "361"


async def test_a_data_package_of_a_plan_has_the_tables_of_that_plan_and_its_document(told: Site) -> None:
    package, plan = await told.get("/datapackage.json", plan=BUNDLED_PLAN), await told.get(f"/v1/plans/{BUNDLED_PLAN}")
    assert [one["name"] for one in package["resources"]] == [one.name for one in OF_A_PLAN]
    assert all(f"plan={BUNDLED_PLAN}&position=" in one["path"] for one in package["resources"])
    document, log = package["sources"]
    assert document["version"] == plan["document"]
    assert log["version"] == f"sha256:{plan['meta']['root']}"
    tables = {key["reference"]["resource"] for one in package["resources"] for key in one["schema"]["foreignKeys"]}
    assert tables == {"tasks"}
    for one in (package["homepage"], document["path"], log["path"]):
        assert (await told.http.get(one)).status_code == 200


async def test_the_catalogue_of_apis_is_told_by_get_and_by_head(told: Site) -> None:
    path, base = "/.well-known/api-catalog", str(told.http.base_url).rstrip("/")
    answer, head = await told.http.get(path), await told.http.head(path)
    for one in (answer, head):
        assert (
            one.headers["Content-Type"] == 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
        )
        assert f'<{base}{path}>; rel="api-catalog"' in one.headers["Link"]
        assert f'<{base}/graphql>; rel="item"' in one.headers["Link"]
    assert head.content == b""
    first, *apis = answer.json()["linkset"]
    assert first["anchor"] == f"{base}{path}"
    assert [one["href"] for one in first["item"]] == [one["anchor"] for one in apis]
    for one in apis:
        assert one.keys() == {"anchor", "service-desc", "service-doc", "service-meta", "status"}


async def test_each_address_of_the_catalogue_of_apis_answers_as_what_it_says(told: Site) -> None:
    for one in (await told.http.get("/.well-known/api-catalog")).json()["linkset"]:
        assert await status(told, one["anchor"]) == 200
        for relation in one.keys() - {"anchor"}:
            for link in one[relation]:
                async with told.http.stream("GET", link["href"]) as answer:
                    assert answer.status_code == 200, link
                    said = answer.headers["Content-Type"].partition(";")[0]
                    assert said == link.get("type", said), link


async def test_the_first_page_and_the_description_lead_to_the_catalogues(told: Site) -> None:
    page, description = await told.http.get("/"), await told.http.get("/openapi.json")
    assert '<link rel="alternate" type="application/ld+json" href="/catalog.jsonld">' in page.text
    assert description.headers["Link"] == '</.well-known/api-catalog>; rel="api-catalog"'


@pytest.mark.parametrize("part", ["rdflib", "pypinyin"])
def test_a_server_does_without_what_nobody_has_asked_for(part: str) -> None:
    """rdflib makes catalogues; pypinyin, 55 MB, names units that nobody knows."""
    code = f"import sys, api.main; print({part!r} in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=True, text=True)  # noqa: S603
    assert said.stdout == "False\n"

"""What pages say of themselves to those who look for them: schema.org's datasets, canonical addresses, languages."""

import json
import re
from typing import Any, Final

import pytest

from tests.conftest import PLAN, Site
from tests.feeds import fetched

PAGE: Final = "/plans/shanghai-credit-2023"
BLOCK: Final = re.compile(r'<script type="application/ld\+json">([^<]*)</script>')


async def described(site: Site, path: str) -> list[Any]:
    """The data blocks of a page."""
    return [json.loads(one) for one in BLOCK.findall((await fetched(site, path)).text)]


def base(site: Site) -> str:
    return str(site.http.base_url).rstrip("/")


@pytest.mark.parametrize("lang", ["", "?lang=en"])
async def test_a_plan_is_a_dataset_with_what_data_searches_ask_for(real: Site, lang: str) -> None:
    (found,) = await described(real, f"{PAGE}{lang}")
    plan = await real.get(PLAN)
    assert (found["@context"], found["@type"]) == ("https://schema.org/", "Dataset")
    assert found["name"] == plan["title"]
    assert 50 <= len(found["description"]) <= 5_000
    assert plan["title"] in found["description"]
    assert plan["preamble"][:100] in found["description"]
    assert found["url"] == f"{base(real)}{PAGE}{lang or '?lang=zh'}"
    assert found["license"] == plan["meta"]["license"]
    assert found["identifier"] == f"{plan['meta']['log']}:plan:shanghai-credit-2023"
    assert found["creator"]["name"] == plan["issuer"]
    assert found["publisher"]["name"] == plan["meta"]["origin"]
    assert found["temporalCoverage"] == f"{plan['issuedOn']}/.."
    assert found["isAccessibleForFree"] is True
    assert found["isBasedOn"]["identifier"] == plan["document"]
    facts = (await real.get("/v1/events.json?plan=shanghai-credit-2023"))["items"]
    assert found["dateModified"] == facts[-1]["recordedAt"]
    assert len(found["spatialCoverage"]) == 16
    assert {"@type": "AdministrativeArea", "name": "崇明区", "identifier": "310151"} in found["spatialCoverage"]


async def test_each_download_is_there_and_is_what_it_says(real: Site) -> None:
    (found,) = await described(real, PAGE)
    assert len(found["distribution"]) >= 4
    for one in found["distribution"]:
        assert one["@type"] == "DataDownload"
        answer = await fetched(real, one["contentUrl"])
        assert answer.headers["Content-Type"].partition(";")[0] == one["encodingFormat"]


async def test_the_first_page_is_the_catalogue_of_the_plans(real: Site) -> None:
    (found,) = await described(real, "/")
    assert found["@type"] == "DataCatalog"
    assert (found["url"], len(found["dataset"])) == (f"{base(real)}/?lang=zh", 1)
    (plan,) = await described(real, PAGE)
    assert {**plan, **found["dataset"][0]} == plan
    assert plan["includedInDataCatalog"]["url"] == found["url"]


async def test_a_demo_says_that_it_is_invented(told: Site) -> None:
    (found,) = await described(told, f"{PAGE}?lang=en")
    assert found["description"].startswith("Demonstration")
    (home,) = await described(told, "/?lang=en")
    assert home["dataset"][0]["description"] == found["description"]


@pytest.mark.parametrize("path", [f"{PAGE}?effectiveOn=2023-06-30", f"{PAGE}?q=信用", "/?position=300", "/units"])
async def test_no_other_page_is_a_dataset(real: Site, path: str) -> None:
    assert await described(real, path) == []


@pytest.mark.usefixtures("words_of_old")
async def test_no_word_of_the_record_ends_the_block(site: Site) -> None:
    text = "</script><script>x()</script><!--\u2028'&\""
    await site.record({"type": "unit.rename", "unit": "shi-ke-wei", "name": text, "reason": "试"})
    document = {"type": "plan.import", "plan": "b", "issuer": text, "issuedOn": "2023-01-01", "reason": "试"}
    await site.record({**document, "text": (await document_of())})
    page = (await fetched(site, "/plans/b")).text
    assert "<script>x" not in page
    (found,) = await described(site, "/plans/b")
    assert found["creator"]["name"].replace("⟨U+2028⟩", "\u2028") == text


async def document_of() -> str:
    """The bundled plan's document."""
    from domain.bundled import bundled_plan

    return bundled_plan().text


@pytest.mark.parametrize(
    "path", ["/", PAGE, f"{PAGE}/tasks/21", "/units", "/units/shi-ke-wei", "/districts/310115", "/search"]
)
async def test_a_page_as_it_stands_now_has_one_address_in_each_language(real: Site, path: str) -> None:
    plain = f"{base(real)}{path}"
    every = {"zh-Hans": f"{plain}?lang=zh", "en": f"{plain}?lang=en", "x-default": plain}
    for address in every.values():
        page = (await fetched(real, address)).text
        assert re.findall('<link rel="canonical" href="([^"]*)">', page) == [address]
        assert dict(re.findall('<link rel="alternate" hreflang="([^"]*)" href="([^"]*)">', page)) == every
        assert "noindex" not in page
        (words,) = re.findall('<meta name="description" content="([^"]*)">', page)
        assert 10 <= len(words) <= 400


async def test_what_was_searched_for_is_not_to_be_found(real: Site) -> None:
    assert '<meta name="robots" content="noindex">' in (await fetched(real, "/search?q=信用")).text


async def test_a_page_of_a_past_moment_is_not_to_be_found(real: Site) -> None:
    for lang in ("", "lang=en"):
        page = (await fetched(real, f"{PAGE}?effectiveOn=2023-06-30&{lang}")).text
        assert '<meta name="robots" content="noindex">' in page
        (canonical,) = re.findall('<link rel="canonical" href="([^"]*)">', page)
        assert canonical == (f"{PAGE}?{lang}" if lang else PAGE), "the lasting address of the page has no clocks"
        assert "hreflang" not in page


async def test_a_plans_page_links_it_in_stratml_at_its_moment(real: Site) -> None:
    for query, lang in (("", ""), ("?effectiveOn=2023-06-30&lang=en", "lang=en&amp;")):
        page = (await fetched(real, f"{PAGE}{query}")).text
        (link,) = re.findall('<link rel="alternate" type="application/xml" title="StratML" href="([^"]*)">', page)
        assert link.startswith(f"{PLAN}.stratml?{lang}position=")
        assert f'<li><a href="{link}" type="application/xml">' in page
        assert (await fetched(real, link.replace("&amp;", "&"))).content.startswith(b"<?xml")

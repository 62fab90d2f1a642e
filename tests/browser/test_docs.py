"""The pages for developers in a real browser: they work, and ask nobody but this server."""

from playwright.async_api import BrowserContext, Page, expect


async def opened(context: BrowserContext, path: str, asked: list[str], said: list[str]) -> Page:
    """The page, with every address that it asks for and everything that it complains of."""
    page = await context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(path, wait_until="networkidle")
    return page


def hosts(asked: list[str]) -> set[str]:
    return {"/".join(url.split("/")[:3]) for url in asked if not url.startswith("data:")}


async def test_graphiql_answers_its_first_query(scripted: BrowserContext) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = await opened(scripted, "/graphql", asked, said)
    await page.get_by_role("button", name="Execute query").click()
    answer = page.locator(".result-window")
    await expect(answer).to_contain_text('"reportedStatus": "not_reported"')
    await expect(answer).to_contain_text("市卫生健康委")
    await expect(answer).not_to_contain_text('"errors"')
    assert said == []
    assert len(hosts(asked)) == 1


async def test_graphiql_subscribes(scripted: BrowserContext) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = await opened(scripted, "/graphql", asked, said)
    query = "subscription { events(after: 351) { position type } }"
    editor = ".graphiql-query-editor .CodeMirror"
    await page.evaluate("([at, query]) => document.querySelector(at).CodeMirror.setValue(query)", [editor, query])
    await page.wait_for_timeout(1_000)  # it reads what is written once nobody has written for a while
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".result-window")).to_contain_text('"position"')
    assert said == []


async def test_every_operation_is_shown_with_its_real_answer(scripted: BrowserContext) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = await opened(scripted, "/docs", asked, said)
    operations = page.locator(".opblock")
    described = await (await scripted.request.get("/openapi.json")).json()
    assert await operations.count() == sum(len(item) for item in described["paths"].values())
    plan = page.locator(".opblock", has_text="/v1/plans/{plan}One plan").first
    await plan.locator(".opblock-summary-control").click()
    await expect(plan.locator(".responses-inner").first).to_contain_text("沪发改信用〔2023〕2号")
    assert said == []
    assert len(hosts(asked)) == 1

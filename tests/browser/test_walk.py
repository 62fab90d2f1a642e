"""A citizen's walk, without JavaScript: from the first page to a task, to its unit, and to a past day."""

from playwright.async_api import BrowserContext, Page, expect

TITLE = "2023年上海市社会信用体系建设工作要点"


async def start(context: BrowserContext, address: str = "/") -> Page:
    page = await context.new_page()
    await page.goto(address)
    return page


async def choose(page: Page, *opened: str, day: tuple[str, str], button: str = "查看") -> None:
    """Open the line that says the day, fill in another one, and go there."""
    for line in opened:
        await page.locator("summary", has_text=line).click()
    label, value = day
    form = page.locator("form", has=page.get_by_label(label, exact=True))
    await form.get_by_label(label, exact=True).fill(value)
    await form.get_by_role("button", name=button).click()


async def test_from_the_first_page_to_task_21_to_its_unit_and_to_30_june(plain: BrowserContext) -> None:
    page = await start(plain)
    await expect(page.locator(".invented")).to_contain_text("虚构")
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年12月31日")
    await page.get_by_role("link", name=TITLE, exact=True).click()
    await page.get_by_role("link", name="任务 21", exact=True).click()
    await expect(page.locator("h1 [data-field=number]")).to_have_text("任务 21")
    await expect(page.locator("[data-field=text]")).to_contain_text("信用就医")
    await expect(page.locator("[data-field=status]").first).to_have_text("已完成")
    await page.get_by_role("link", name="市卫生健康委").first.click()
    await expect(page.locator("h1")).to_have_text("市卫生健康委")
    await expect(page.locator("li[data-task='shanghai-credit-2023/21'] [data-field=status]")).to_have_text("已完成")
    await choose(page, "改日期", "更多", day=("哪一天的实际情况", "2023-06-29"))
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年6月29日")
    await expect(page.locator("li[data-task='shanghai-credit-2023/21'] [data-field=status]")).to_have_text("尚未报送")
    await page.get_by_role("link", name="任务 21", exact=True).first.click()
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年6月29日")
    await expect(page.locator("[data-field=due]")).to_have_text("2023年9月30日")


async def test_what_the_record_showed_on_30_june(plain: BrowserContext) -> None:
    page = await start(plain, "/plans/shanghai-credit-2023/tasks/21?lang=en")
    day = ("As the record showed it on", "2023-06-30")
    await choose(page, "another day", "More", day=day, button="Show")
    await expect(page.locator("[data-field=shown]")).to_contain_text("30 June 2023")
    await expect(page.locator("[data-field=status]").first).to_have_text("Not reported")
    await expect(page.locator("#reports + p")).to_have_text("Nobody had reported by this day.")
    await expect(page.locator("[data-field=stands]")).to_have_text(
        "Not reported: none of 3 reported; due 30 September 2023."
    )
    await page.get_by_role("link", name="Next: task 22").click()
    await expect(page.locator("[data-field=shown]")).to_contain_text("30 June 2023")
    await page.get_by_role("link", name="Back to the newest").click()
    await expect(page.locator("[data-field=shown]")).to_contain_text("31 December 2023")
    await expect(page.locator("h1 [data-field=number]")).to_have_text("Task 22")


async def test_the_filter_keeps_the_day_and_the_day_keeps_the_filter(plain: BrowserContext) -> None:
    page = await start(plain, "/plans/shanghai-credit-2023?effectiveOn=2023-07-15")
    await page.get_by_text("全部筛选条件").click()
    await page.get_by_label("区", exact=True).select_option("310115")
    await page.get_by_label("包含文字").fill("信用")
    await page.get_by_role("button", name="筛选").click()
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年7月15日")
    fitting = await page.locator("[data-field=fitting]").inner_text()
    await choose(page, "改日期", day=("查看哪一天", "2023-07-16"))
    await expect(page.locator("[data-field=fitting]")).to_have_text(fitting)
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年7月16日")


async def test_what_changed_is_asked_with_two_days(plain: BrowserContext) -> None:
    page = await start(plain)
    await page.get_by_role("link", name="变化", exact=True).first.click()
    await page.get_by_text("另选日期").click()
    await page.get_by_label("从", exact=True).fill("2023-05-31")
    await page.get_by_label("到", exact=True).fill("2023-06-01")
    await page.get_by_role("button", name="比较").click()
    change = page.locator("[data-change='task shanghai-credit-2023/4']")
    await expect(change.locator("del")).to_have_text("开展工程建设承诺制守信反馈试点。")
    await expect(change.locator("ins")).to_have_text("开展工程建设承诺制守信反馈试点,并形成可复制的经验。")
    await expect(change).to_contain_text("虚构")


async def test_a_page_that_is_not_there_yet_leads_to_a_day_on_which_it_is(plain: BrowserContext) -> None:
    page = await start(plain, "/plans/shanghai-credit-2023/tasks/21?effectiveOn=2023-03-01")
    await expect(page.locator("[data-field=detail]")).to_contain_text("自 2023-03-28 起存在")
    await page.get_by_role("link", name="在有此内容的日期打开这一页").click()
    await expect(page.locator("[data-field=shown]")).to_contain_text("2023年3月28日")
    await expect(page.locator("h1 [data-field=number]")).to_have_text("任务 21")

"""The analytics of a segment in a browser: its charts, the contacts behind a bar, the choice of segments to compare."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import User
from segments.editing import create_segment
from segments.membership import add, remove
from segments.models import Cause, Segment
from tests.e2e.shop import fill_segments
from tests.e2e.steps import heading, settle

DRAWN = "Chart.getChart(document.querySelector('[data-chart={}]')).data.datasets.map((one) => one.data)"
# Where the newest bar of those who entered stands on the page.
NEWEST_BAR = """() => {
    const canvas = document.querySelector("[data-chart=bars]");
    canvas.scrollIntoView({ block: "center" });
    const bar = Chart.getChart(canvas).getDatasetMeta(0).data.at(-1);
    const { left, top } = canvas.getBoundingClientRect();
    return [left + bar.x, top + (bar.y + bar.base) / 2];
}"""

# Until the line has this colour; after five seconds it never will.
LINE_IS = """(wanted) => new Promise((done, fail) => {
    const line = () => Chart.getChart(document.querySelector("[data-chart=line]")).data.datasets[0].borderColor;
    const look = () => (line() === wanted ? done() : requestAnimationFrame(look));
    setTimeout(() => fail(new Error(`the line is ${line()}`)), 5000);
    look();
})"""


@pytest.fixture
def segment(shop: list[Contact], mara: User) -> Segment:
    """A segment that half of the shop entered in the last weeks, some of whom left, beside others."""
    now = timezone.now()
    fill_segments(mara, now=now)
    segment = create_segment(name="Autumn guests", kind="static", now=now - timedelta(days=40), user=mara)
    for number, contact in enumerate(shop[:24]):
        at = now - timedelta(days=23 - number)
        add(segment, Contact.objects.filter(pk=contact.pk), now=at, cause=Cause.HAND, detail="Mara Conti")
        if number % 4 == 3:
            left = Contact.objects.filter(pk=shop[number - 2].pk)
            remove(segment, left, now=at, cause=Cause.HAND, detail="Mara Conti")
    segment.refresh_from_db()
    return segment


def open_analytics(page: Page, segment: Segment) -> None:
    page.goto(f"/segments/{segment.pk}/")
    page.get_by_role("link", name="Analytics", exact=True).click()
    expect(page.get_by_role("heading", name="Compared with all contacts")).to_be_visible()
    expect(page.get_by_text("Working it out")).to_have_count(0)
    settle(page)


@pytest.fixture(params=["page", "phone"])
def device(request: pytest.FixtureRequest, mara: User, sign_in: Callable[[Page, User], None]) -> Page:
    page: Page = request.getfixturevalue(request.param)
    sign_in(page, mara)
    return page


def test_the_analytics(device: Page, segment: Segment, shot: Callable[..., None], axe: Callable[..., None]):
    open_analytics(device, segment)
    [sizes] = device.evaluate(DRAWN.format("line"))
    assert (sizes[-1], segment.size) == (18, 18)
    entered, left = device.evaluate(DRAWN.format("bars"))
    assert (sum(entered), sum(left)) == (24, -6)
    width = device.evaluate("document.documentElement.scrollWidth")
    assert width <= device.viewport_size["width"]
    axe(device)
    shot(device, "analytics")
    for summary in device.locator(".figures-of > summary").all():
        summary.click()
    axe(device, ["light"])


def test_by_week_and_the_contacts_behind_a_bar(device: Page, segment: Segment, axe: Callable[..., None]):
    open_analytics(device, segment)
    device.get_by_role("link", name="Week", exact=True).click()
    expect(device.get_by_text("last 26 weeks").first).to_be_visible()
    settle(device)
    expect(device).to_have_url(re.compile(r"by=week"))
    expect(device.get_by_role("link", name="Week", exact=True)).to_have_attribute("aria-current", "true")
    expect(device.get_by_role("region", name="Overlap with other segments")).to_contain_text("Compare")
    entered, _left = device.evaluate(DRAWN.format("bars"))
    assert (len(entered), sum(entered)) == (26, 24)
    device.mouse.click(*device.evaluate(NEWEST_BAR))
    expect(heading(device)).to_have_text("Who entered")
    expect(device.locator("#happenings tbody tr")).to_have_count(entered[-1])
    axe(device, ["light"])


def test_charts_follow_the_theme(page: Page, segment: Segment, mara: User, sign_in: Callable[[Page, User], None]):
    sign_in(page, mara)
    page.emulate_media(color_scheme="light")
    open_analytics(page, segment)
    page.evaluate(LINE_IS, "rgb(79, 70, 229)")
    page.emulate_media(color_scheme="dark")
    page.evaluate(LINE_IS, "rgb(128, 120, 255)")


def test_other_segments_to_compare_with(device: Page, segment: Segment, shop: list[Contact]):
    open_analytics(device, segment)
    overlap = device.get_by_role("region", name="Overlap with other segments")
    overlap.locator("summary").first.click()
    for box in overlap.get_by_role("checkbox").all():
        box.uncheck()
    overlap.get_by_role("checkbox", name="Trade fair leads 2026").check()
    overlap.get_by_role("button", name="Compare").click()
    expect(overlap.locator(".upset .name")).to_have_count(2)
    settle(device)
    italians = [contact for contact in shop[:24] if contact.country == "IT"]
    members = set(segment.members.values_list("pk", flat=True))
    both = sum(contact.pk in members for contact in italians)
    expect(overlap.locator("tbody").first).to_contain_text(f"Trade fair leads 2026{both}")
    expect(device).to_have_url(re.compile(r"segment=\d+$"))
    device.reload()
    expect(overlap.locator(".upset .name")).to_have_count(2)
    overlap.locator("summary").first.click()
    for box in overlap.get_by_role("checkbox").all()[:5]:
        box.check()
    overlap.get_by_role("button", name="Compare").click()
    expect(overlap.get_by_role("alert")).to_have_text("Choose at most 4 segments.")


def test_a_table_as_a_file(page: Page, segment: Segment, mara: User, sign_in: Callable[[Page, User], None]):
    sign_in(page, mara)
    open_analytics(page, segment)
    with page.expect_download() as download:
        page.get_by_role("region", name="Top countries").get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename == "autumn-guests-countries.csv"


def test_a_new_segment(device: Page, segment: Segment, mara: User, shot: Callable[..., None], axe: Callable[..., None]):
    empty = create_segment(name="Spring guests", kind="static", now=timezone.now(), user=mara)
    open_analytics(device, empty)
    expect(device.get_by_text("Nobody has entered or left yet.")).to_be_visible()
    expect(device.get_by_role("heading", name="Nobody is in this segment")).to_be_visible()
    axe(device)
    shot(device, "analytics-empty")


def test_without_javascript(
    new_page: Callable[..., Page], segment: Segment, mara: User, sign_in: Callable[[Page, User], None]
):
    page = new_page(java_script_enabled=False)
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/analytics/")
    page.get_by_role("link", name="Show it without JavaScript").first.click()
    expect(page.get_by_role("region", name="Overlap with other segments")).to_contain_text("each member counted once")
    expect(page.get_by_role("region", name="Top countries")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="Top countries")).to_be_visible()

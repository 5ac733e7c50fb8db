"""Workflows from the first card to what visitors see: drawn on an empty canvas, tested, activated, and looked at."""

from collections.abc import Callable
from datetime import date

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments.models import Segment
from tests.e2e.conftest import SCREEN
from tests.e2e.drawing import card, drag, middle, palette, panel, port, saved
from tests.e2e.keyboard import choose, focused, press
from tests.e2e.shop_site import eventually, sign_in_to_shop
from tests.e2e.steps import choose_in_more, heading, members, navigate, settle
from tests.segments.pages import dynamic, people, static
from workflows import engine
from workflows.models import Run, Workflow

FURNITURE = "Interested in office furniture"
BORN_THEN = {
    "type": "field",
    "field": "date_of_birth",
    "operator": "between",
    "value": {"from": "1981-01-01", "to": "1996-12-31"},
}


def draw_from_palette(page: Page, kind: str, place: tuple[float, float]) -> Locator:
    """Drag a kind of step to a place of the window; returns its panel."""
    drag(page, palette(page).get_by_role("button", name=kind), place)
    expect(panel(page).get_by_role("heading", name=kind)).to_be_visible()
    return panel(page)


def update(page: Page, shown: str) -> None:
    """Save what was entered in the panel, and close it once the card shows it."""
    panel(page).get_by_role("button", name="Update").click()
    expect(card(page, shown)).to_be_visible()
    panel(page).get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Show everything").click()


def below(place: Locator, *, by: int) -> tuple[float, float]:
    x, y = middle(place)
    return x, y + by


def draw_millennials(page: Page) -> None:
    """The workflow, with the mouse, on the empty canvas."""
    x, y = middle(card(page, "Start"))
    form = draw_from_palette(page, "On page visit", (x + 200, y - 120))
    form.get_by_label("Pages whose address starts with (optional)", exact=True).fill("/desks")
    update(page, "On page visit /desks…")
    drag(page, port(page, "Start", "next"), card(page, "On page visit"))

    card(page, "On page visit").click()
    palette(page).get_by_role("button", name="Is in segment").click()
    panel(page).get_by_label("Segment", exact=True).select_option(label="Millennials")
    update(page, "Is in segment Millennials")

    for way, name, far in (("yes", "For millennials", 130), ("no", "For everybody", 240)):
        form = draw_from_palette(page, "Send web content", below(card(page, "Is in segment"), by=far))
        form.get_by_label("Name").fill(name)
        form.get_by_label("Title (optional)", exact=True).fill(f"{name}: 10 % off")
        form.get_by_label("Text (optional)", exact=True).fill("<p>This week <b>only</b>.</p>")
        update(page, f"Send web content {name}")
        drag(page, port(page, "Is in segment", way), card(page, name))
    page.get_by_role("button", name="Arrange").click()
    saved(page)


def links(workflow: Workflow) -> set[tuple[str, str, str]]:
    """What leads to what in the draft, by the kinds of the nodes and the names of contents."""
    nodes = {node["id"]: node["settings"].get("name", node["type"]) for node in workflow.draft["nodes"]}
    return {(nodes[edge["from"]], edge["port"], nodes[edge["to"]]) for edge in workflow.draft["edges"]}


def begin_workflow(page: Page, name: str) -> None:
    page.goto("/")
    navigate(page, "Workflows")
    page.get_by_role("link", name="Create new workflow").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create and draw").click()
    expect(heading(page)).to_have_text(name)


def test_millennials_see_another_content(
    page: Page,
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shop_url: str,
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
):
    now = timezone.now()
    ana, ada = people("Ana", "Ada", now=now, date_of_birth=date(1990, 5, 17))
    (max_,) = people("Max", now=now, date_of_birth=date(1952, 5, 17))
    dynamic("Millennials", BORN_THEN, now=now)
    static("Us", ada, max_, now=now, is_test=True)
    sign_in(page, mara)

    begin_workflow(page, "Desks for millennials")
    draw_millennials(page)
    workflow = Workflow.objects.get()
    assert links(workflow) == {
        ("start", "next", "page_visit"),
        ("page_visit", "next", "is_in_segment"),
        ("is_in_segment", "yes", "For millennials"),
        ("is_in_segment", "no", "For everybody"),
    }
    expect(page.get_by_role("button", name="to put right")).to_be_hidden()
    axe(page, themes=["light"])
    shot(page, "workflow-story-canvas", full_page=False)

    # Before anything is in force, the draft is tried with two of us.
    choose_in_more(page, "Test")
    page.get_by_label("Test segment").select_option("Us")
    page.get_by_role("button", name="Start test").click()
    expect(page.get_by_text("Nobody has set out yet")).to_be_visible()
    jobs.run_job(Job.objects.get().pk)
    for name, answer, content in (("Ada", "Yes", "For millennials"), ("Max", "No", "For everybody")):
        steps = page.get_by_role("region", name=name).get_by_role("listitem")
        expect(steps.filter(has_text="On page visit")).to_be_visible()
        expect(steps.filter(has_text="Is in segment")).to_contain_text(answer)
        expect(steps.filter(has_text="Send web content")).to_contain_text(f"Web content “{content}”")
    axe(page, themes=["light"])
    shot(page, "workflow-story-test")

    page.goto(f"/workflows/{workflow.pk}/")
    page.get_by_role("link", name="Save and activate").click()
    page.get_by_role("button", name="Activate").click()
    expect(page.locator("#messages")).to_contain_text("“Desks for millennials” is active")

    # Ana has signed in to the shop, another visitor is a stranger.
    customer, stranger = new_page(**SCREEN), new_page(**SCREEN)
    sign_in_to_shop(customer, shop_url, "ana@example.com")
    for visitor, title in ((customer, "For millennials: 10 % off"), (stranger, "For everybody: 10 % off")):
        visitor.goto(f"{shop_url}/desks")
        popup = visitor.get_by_role("dialog")
        expect(popup).to_have_accessible_name(title)
        axe(visitor, themes=["light"])
        shot(visitor, f"workflow-story-{title.partition(':')[0].replace(' ', '-').lower()}", full_page=False)
        popup.get_by_role("button", name="Close").click()
        expect(popup).to_have_count(0)
    engine.tick(now=timezone.now())
    unknown = Contact.objects.get(email=None)
    assert set(Run.objects.filter(is_test=False).values_list("contact_id", "state")) == {
        (ana.pk, "finished"),
        (unknown.pk, "finished"),
    }

    page.get_by_role("link", name="Live view").click()
    row = page.get_by_role("row").filter(has_text="Is in segment")
    expect(row).to_contain_text("2 passed Is in segment")
    expect(row).to_contain_text("Yes 1 · No 1")
    axe(page, themes=["light"])
    shot(page, "workflow-story-live")
    row.get_by_role("link", name="Yes 1").click()
    expect(page.get_by_role("main").get_by_role("link", name="Ana", exact=True)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)


def test_who_searches_desks_is_put_into_a_segment(
    page: Page,
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shop_url: str,
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
):
    now = timezone.now()
    people("Ana", "Ben", now=now)
    segment = static(FURNITURE, now=now)
    sign_in(page, mara)

    # By the keyboard alone, from the list of workflows on.
    page.goto("/workflows/")
    press(page, "Tab", "Create new workflow")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("New workflow")
    press(page, "Tab", "Name")
    page.keyboard.type("Office furniture")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Office furniture")
    expect(card(page, "Start")).to_be_visible()
    page.keyboard.press("/")
    for kind in ("On searching", "Add to segment"):
        page.keyboard.type(kind)
        page.keyboard.press("Enter")
        expect(panel(page).get_by_role("heading", name=kind)).to_be_visible()
    saved(page)
    press(page, "Tab", "Add to segmentChoose a segment.")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name="Add to segment")).to_be_focused()
    press(page, "Tab", "Segment")
    choose(page, "Interested", str(segment.pk))
    press(page, "Tab", "Update")
    page.keyboard.press("Enter")
    expect(card(page, f"Add to segment {FURNITURE}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card(page, "Add to segment")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert focused(page).startswith("On searching")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name="On searching")).to_be_focused()
    press(page, "Tab", "Keywords (optional)")
    page.keyboard.type("desk")
    press(page, "Tab", "Update")
    page.keyboard.press("Enter")
    expect(card(page, "On searching contains “desk”")).to_be_visible()
    settle(page)
    axe(page, themes=["light"])
    shot(page, "workflow-story-search", full_page=False)
    page.keyboard.press("Escape")
    press(page, "Shift+Tab", "Save and activate")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Activate “Office furniture”?")
    press(page, "Tab", "Activate")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("“Office furniture” is active: version 1.")
    assert links(Workflow.objects.get()) == {
        ("start", "next", "product_search"),
        ("product_search", "next", "add_to_segment"),
    }

    # One customer searches a desk, another one a lamp.
    for name, words in (("ana", "Standing DESK, oak"), ("ben", "Lamp")):
        customer = new_page(**SCREEN)
        sign_in_to_shop(customer, shop_url, f"{name}@example.com")
        customer.goto(shop_url)
        customer.get_by_label("Search").fill(words)
        customer.get_by_role("button", name="Find").click()
        searched = Contact.objects.filter(email=f"{name}@example.com", events__type="product_search")
        eventually(searched.count, 1)
    engine.tick(now=timezone.now())
    assert members(FURNITURE) == {"ana@example.com"}

    page.goto(f"/segments/{Segment.objects.get().pk}/")
    row = page.get_by_role("region", name="Members").get_by_role("row").filter(has_text="Ana")
    expect(row).to_contain_text("Workflow")
    expect(page.get_by_role("region", name="Members").get_by_text("Ben")).to_have_count(0)
    axe(page, themes=["light"])
    shot(page, "workflow-story-segment")

"""Dynamic plus segments made in the editor: on a screen, on a phone, by keyboard, and without JavaScript."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.events import NewEvent, record
from contacts.lists import subscribe
from contacts.models import Contact, ContactList
from crm.models import User
from segments.editing import create_segment
from segments.models import Segment
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.keyboard import choose, focused, press
from tests.e2e.shop import NEWS, emails
from tests.e2e.steps import (
    add_condition,
    add_group,
    ask_for_ordered_or_about_to,
    bring_up_to_date,
    combine,
    condition,
    heading,
    members,
    open_editor,
    save_segment,
    set_activity,
    settle,
)

DEVICES = {"screen": SCREEN, "phone": PHONE}


@pytest.fixture
def customers(shop: list[Contact]) -> list[Contact]:
    """The contacts of the shop, of whom the first twelve were busy lately and ten more did something on purpose."""
    now = timezone.now()
    summer, autumn = datetime(2022, 8, 15, 12, 0, tzinfo=UTC), datetime(2022, 10, 1, 0, 0, tzinfo=UTC)
    did = [
        (20, "email_opened", now - timedelta(days=95)),
        (21, "purchase", now - timedelta(days=50)),
        (22, "purchase", now - timedelta(days=100)),
        (23, "cart_add", now - timedelta(days=5)),
        (24, "cart_add", now - timedelta(days=5)),
        (25, "email_delivered", datetime(2022, 7, 1, tzinfo=UTC)),
        (26, "email_delivered", summer),
        (26, "email_opened", summer),
        (27, "email_delivered", autumn),
        (28, "email_delivered", summer),
        (28, "email_opened", autumn),
    ]
    record([NewEvent(kind, at, shop[number].pk) for number, kind, at in did], now=now)
    news = ContactList.objects.get(name=NEWS)
    news.memberships.filter(contact=shop[24]).delete()
    subscribe(news, Contact.objects.filter(pk=shop[23].pk), now=now)
    return shop


@pytest.fixture(params=DEVICES)
def device(
    request: pytest.FixtureRequest,
    new_page: Callable[..., Page],
    customers: list[Contact],
    mara: User,
    sign_in: Callable[[Page, User], None],
) -> Page:
    page = new_page(**DEVICES[request.param])
    sign_in(page, mara)
    page.goto("/segments/")
    return page


def begin(page: Page, name: str) -> None:
    open_editor(page, "Dynamic Plus")
    page.get_by_label("Name", exact=True).fill(name)


def finish(page: Page, name: str) -> set[str | None]:
    save_segment(page)
    expect(heading(page)).to_have_text(name)
    return members(name)


def test_the_four_questions(
    device: Page, customers: list[Contact], shot: Callable[..., None], axe: Callable[..., None]
):
    page, busy = device, customers[:12]

    begin(page, "Opened")
    set_activity(page, 1, about="Opened an email", when="in the last", Number="1", Unit="months")
    expect(page.get_by_role("region", name="Preview").locator(".figure")).to_have_text("12")
    assert finish(page, "Opened") == emails(busy)

    begin(page, "Ordered")
    set_activity(page, 1, about="Purchased", when="in the last", Number="2", Unit="months")
    assert finish(page, "Ordered") == emails([*busy, customers[21]])

    begin(page, "Received and not opened")
    summer = {"From": "2022-07-01", "To": "2022-09-30"}
    set_activity(page, 1, about="Email delivered", when="between", **summer)
    add_group(page)
    combine(page, "None", group="2")
    set_activity(page, "2.1", about="Opened an email", when="between", **summer)
    assert finish(page, "Received and not opened") == emails([customers[25], customers[28]])

    begin(page, "Ordered or about to")
    ask_for_ordered_or_about_to(page, NEWS)
    expect(page.get_by_role("region", name="Preview").locator(".figure")).to_have_text("15")
    axe(page)
    shot(page, "dynamic-plus-editor")
    assert finish(page, "Ordered or about to") == emails([*busy, *customers[21:24]])


def test_by_keyboard_alone(page: Page, customers: list[Contact], mara: User, sign_in: Callable[[Page, User], None]):
    sign_in(page, mara)
    page.goto("/segments/new/dynamic_plus/")

    def pick(label: str, words: str, value: str) -> None:
        press(page, "Tab", label)
        choose(page, words, value)
        assert focused(page) == label

    def type_into(label: str, text: str) -> None:
        press(page, "Tab", label)
        page.keyboard.type(text)

    press(page, "Tab", "Name")
    page.keyboard.type("By keyboard")
    press(page, "Tab", "All")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "Any"
    pick("About", "Purchased", "event.purchase")
    pick("When", "in the last", "last")
    type_into("Number", "6")
    pick("Unit", "mon", "months")
    press(page, "Tab", "Group")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="How group 2 combines").get_by_role("radio", name="All")).to_be_focused()
    pick("About", "Put into", "event.cart_add")
    pick("When", "in the last", "last")
    type_into("Number", "1")
    pick("Unit", "mon", "months")
    press(page, "Tab", "Condition in group 2")
    page.keyboard.press("Enter")
    expect(condition(page, "2.2").get_by_label("About")).to_be_focused()
    choose(page, "Contact list", "list")
    pick("List", "News", str(ContactList.objects.get(name=NEWS).pk))

    # Back and forth, and away with a copy: the keyboard stays with what was moved.
    press(page, "Shift+Tab", "More for condition 2.2")
    page.keyboard.press("Enter")
    press(page, "ArrowDown", "Duplicate")
    page.keyboard.press("Enter")
    expect(condition(page, "2.3").get_by_label("About")).to_be_focused()
    press(page, "Tab", "More for condition 2.3")
    page.keyboard.press("Enter")
    press(page, "ArrowDown", "Move out of the group")
    page.keyboard.press("Enter")
    expect(condition(page, 3)).to_be_visible()
    settle(page)
    assert focused(page) == "More for condition 3"
    page.keyboard.press("Enter")
    press(page, "ArrowDown", "Move up")
    page.keyboard.press("Enter")
    expect(condition(page, "3.1")).to_be_visible()
    settle(page)
    assert focused(page) == "More for condition 2"
    press(page, "Tab", "Remove condition 2")
    page.keyboard.press("Enter")
    expect(condition(page, "2.1")).to_be_visible()
    settle(page)
    assert focused(page) == "Condition"
    press(page, "Shift+Tab", "Save segment")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("By keyboard")
    assert members("By keyboard") == emails([*customers[:12], *customers[21:24]])


def test_without_javascript(
    new_page: Callable[..., Page], customers: list[Contact], mara: User, sign_in: Callable[[Page, User], None]
):
    page = new_page(**SCREEN, java_script_enabled=False)
    sign_in(page, mara)
    page.goto("/segments/")
    begin(page, "Received and not opened")
    summer = {"From": "2022-07-01", "To": "2022-09-30"}
    set_activity(page, 1, about="Email delivered", when="between", **summer)
    page.get_by_role("button", name="Group", exact=True).click()
    combine(page, "None", group="2")
    set_activity(page, "2.1", about="Opened an email", when="between", **summer)
    page.locator("summary").filter(has_text="More for group 2").click()
    page.get_by_role("button", name="Move up", exact=True).locator("visible=true").click()
    expect(condition(page, "1.1").get_by_label("About")).to_have_value("event.email_opened")
    bring_up_to_date(page)
    expect(page.get_by_role("region", name="Preview").locator(".figure")).to_have_text("2")
    assert finish(page, "Received and not opened") == emails([customers[25], customers[28]])


def test_an_abandoned_cart_of_one_product(
    device: Page, shot: Callable[..., None], axe: Callable[..., None], customers: list[Contact]
):
    """A sequence with a property, and what is said when something is missing."""
    page = device
    begin(page, "Abandoned")
    row = condition(page, 1)
    row.get_by_label("About").select_option(label="Sequence of activities")
    settle(page)
    first, second = (row.get_by_role("group", name=f"Step {number}", exact=True) for number in (1, 2))
    first.get_by_label("Activity").select_option(label="Put into the cart")
    settle(page)
    second.get_by_label("Then").select_option(label="then did not")
    second.get_by_label("Activity").select_option(label="Purchased")
    settle(page)
    second.get_by_label("Same as in the step before").select_option(label="Product")
    first.get_by_role("button", name="Property").click()
    wanted = first.get_by_role("group", name="Property 1").get_by_label("Property")
    expect(wanted).to_be_focused()
    wanted.select_option(label="Product")
    settle(page)
    row.get_by_label("Within").fill("1")
    add_condition(page)
    save_segment(page)
    expect(first.locator(".errors")).to_have_text("Enter a value.")
    expect(condition(page, 2).locator(".errors")).to_have_text("Choose what the condition is about, or remove it.")
    axe(page)
    shot(page, "dynamic-plus-errors")
    first.get_by_label("Value", exact=True).fill("rug isla")
    page.get_by_role("button", name="Remove condition 2").click()
    settle(page)
    assert finish(page, "Abandoned") == set()
    record(
        [
            NewEvent(
                "cart_add", timezone.now() - timedelta(days=2), customers[30].pk, properties={"product": "Rug Isla"}
            )
        ],
        now=timezone.now(),
    )
    assert members("Abandoned") == {customers[30].email}


def test_groups_stay_readable_however_deep(
    device: Page, mara: User, shot: Callable[..., None], axe: Callable[..., None]
):
    """Eight groups, long texts, and a window of dates in the innermost."""
    label = "A name of a list that goes on and on because somebody wrote all of its purpose into it"
    long = ContactList.objects.create(name=label)
    bought = {
        "type": "event",
        "event": "purchase",
        "where": [
            {"property": "product", "operator": "is_any_of", "value": ["Office chair Lumo " * 6, "Desk lamp Aro"]},
            {"property": "category", "operator": "is_not", "value": "Donaudampfschifffahrtsgesellschaft" * 3},
        ],
        "metric": "sum",
        "property": "value",
        "operator": "between",
        "value": {"from": 1000000, "to": 99999999},
        "window": {"kind": "between", "from": "2022-07-01", "to": "2022-09-30"},
    }
    node = {"match": "none", "rules": [bought, {"type": "list", "list": long.pk, "operator": "member"}]}
    for match in ("any", "all", "none", "any", "all", "any"):
        node = {"match": match, "rules": [node]}
    definition = {"version": 1, "match": "all", "rules": [bought, node]}
    segment = create_segment(name="Deep", kind="dynamic_plus", definition=definition, now=timezone.now(), user=mara)
    device.goto(f"/segments/{segment.pk}/edit/")
    expect(device.get_by_text("Groups nest at most 8 deep.")).to_be_visible()
    width = device.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0
    inner = condition(device, "2.1.1.1.1.1.1.1").get_by_label("From").last
    assert (inner.bounding_box() or {})["width"] >= 100
    axe(device)
    shot(device, "dynamic-plus-deep")
    assert Segment.objects.count() == 1

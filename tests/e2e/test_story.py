"""The whole story in a browser: a contact enters and leaves a dynamic segment, and is put into a static one by hand."""

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact
from crm.models import User
from segments.editing import create_segment, fill
from segments.models import Segment, Transition
from tests.conftest import PASSWORD
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.keyboard import choose
from tests.e2e.shop import all_of, emails
from tests.e2e.steps import (
    add_condition,
    add_contact,
    change_birth_date,
    choose_in_more,
    condition,
    heading,
    kind_choice,
    members,
    navigate,
    open_editor,
    open_tab,
    save_segment,
    set_condition,
)

ROSALIND = "rosalind@example.com"
BORN_LATER = "Born 1965 or later, with newsletter"
SENTENCE = f"Date of birth is equal to or after {date_format(date(1965, 1, 1), 'DATE_FORMAT')}"
FAIR = "Trade fair leads"

WITHOUT_JAVASCRIPT = {**SCREEN, "java_script_enabled": False}
DEVICES = [
    pytest.param(SCREEN, id="screen", marks=pytest.mark.every_database),
    pytest.param(PHONE, id="phone"),
    pytest.param(WITHOUT_JAVASCRIPT, id="without JavaScript"),
]


def born_later(contacts: list[Contact]) -> set[str | None]:
    """Who belongs to the dynamic segment of the story, read off the contacts in plain Python."""
    subscribed = [contact for contact in contacts if contact.newsletter == "subscribed" and contact.date_of_birth]
    return emails(contact for contact in subscribed if contact.date_of_birth >= date(1965, 1, 1))


@pytest.mark.parametrize("device", DEVICES)
def test_a_contact_enters_and_leaves_a_dynamic_segment(
    new_page: Callable[..., Page], shop: list[Contact], device: dict[str, object]
):
    others = born_later(shop)
    page = new_page(**device)
    page.goto("/")
    page.get_by_label("Username").fill("marketer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(heading(page)).to_have_text("Dashboard")

    add_contact(
        page, first_name="Rosalind", last_name="Ames", email=ROSALIND, born="1970-05-17", newsletter="Subscribed"
    )
    rosalind = Contact.objects.get(email=ROSALIND)
    assert (rosalind.full_name, rosalind.date_of_birth) == ("Rosalind Ames", date(1970, 5, 17))
    assert rosalind.newsletter == Contact.Newsletter.SUBSCRIBED

    open_editor(page, "Dynamic")
    page.get_by_label("Name", exact=True).fill(BORN_LATER)
    row = set_condition(page, 1, about="Date of birth", operator="is equal to or after")
    row.get_by_label("Value").fill("1965-01-01")
    add_condition(page)
    row = set_condition(page, 2, about="Newsletter", operator="is")
    row.get_by_label("Value").select_option(label="Subscribed")
    if device is WITHOUT_JAVASCRIPT:
        page.get_by_role("button", name="Update", exact=True).click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.locator(".figure")).to_have_text(str(len(others) + 1))
    expect(preview).to_contain_text("of 42 contacts")
    expect(preview).to_contain_text(f"+{len(others) + 1} would enter")
    expect(preview).to_contain_text("−0 would leave")
    expect(preview).to_contain_text(SENTENCE)
    expect(preview).to_contain_text("Newsletter is Subscribed")
    expect(preview.get_by_role("link", name="Rosalind Ames")).to_be_visible()
    assert not Segment.objects.exists()

    save_segment(page)
    expect(heading(page)).to_have_text(BORN_LATER)
    expect(page.get_by_role("status")).to_contain_text("was saved")
    assert members(BORN_LATER) == others | {ROSALIND}

    page.get_by_role("link", name="View contacts", exact=True).click()
    expect(page.get_by_text(f"{len(others) + 1} contacts", exact=True)).to_be_visible()
    page.get_by_role("link", name="Rosalind Ames").click()
    open_tab(page, "Segments")
    membership = page.get_by_role("row").filter(has_text=BORN_LATER)
    expect(membership).to_contain_text(date_format(timezone.now(), "DATE_FORMAT"))
    expect(membership).to_contain_text("Definition changed")

    change_birth_date(page, "1964-12-31")
    assert members(BORN_LATER) == others
    open_tab(page, "Segments")
    expect(page.get_by_role("main").get_by_text("In no segment")).to_be_visible()
    navigate(page, "Segments")
    page.get_by_role("link", name=BORN_LATER, exact=True).click()
    expect(page.get_by_role("row").filter(has_text="Rosalind Ames").first).to_contain_text("Left")
    page.get_by_role("link", name="View contacts", exact=True).click()
    expect(page.get_by_text(f"{len(others)} contacts", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Rosalind Ames")).to_have_count(0)

    page.goto(f"/contacts/{rosalind.pk}/")
    change_birth_date(page, "1965-01-01")
    assert members(BORN_LATER) == others | {ROSALIND}
    open_tab(page, "Segments")
    expect(page.get_by_role("row").filter(has_text=BORN_LATER)).to_contain_text("Contact edited: Date of birth")
    open_tab(page, "Activity")
    entries = page.get_by_role("main").locator(".timeline > li")
    expect(entries).to_have_count(3)
    for entry, (what, why) in enumerate(
        [
            ("Entered segment", "Contact edited: Date of birth"),
            ("Left segment", "Contact edited: Date of birth"),
            ("Entered segment", "Definition changed"),
        ]
    ):
        expect(entries.nth(entry)).to_contain_text(f"{what} “{BORN_LATER}”")
        expect(entries.nth(entry)).to_contain_text(why)
    assert list(Transition.objects.filter(contact=rosalind).order_by("pk").values_list("kind", flat=True)) == [
        "entered",
        "left",
        "entered",
    ]


@pytest.mark.parametrize("device", DEVICES)
def test_a_static_segment_is_filled_by_hand_deleted_and_restored(
    new_page: Callable[..., Page],
    shop: list[Contact],
    mara: User,
    device: dict[str, object],
    sign_in: Callable[[Page, User], None],
):
    page = new_page(**device)
    sign_in(page, mara)
    page.goto("/")
    open_editor(page, "Static")
    page.get_by_label("Name", exact=True).fill(FAIR)
    save_segment(page)
    expect(heading(page)).to_have_text(FAIR)
    assert members(FAIR) == set()

    amelia, mateo, giulia = shop[:3]
    page.goto(f"/contacts/{amelia.pk}/")
    open_tab(page, "Segments")
    page.get_by_label("Static segment").select_option(label=FAIR)
    page.get_by_role("button", name="Add to Segment").click()
    membership = page.get_by_role("row").filter(has_text=FAIR)
    expect(membership).to_contain_text("By hand: Mara Conti")
    assert members(FAIR) == emails([amelia])
    membership.get_by_role("button", name="Remove from segment").click()
    expect(page.get_by_role("status")).to_contain_text("Removed from segment")
    expect(membership).to_have_count(0)
    assert members(FAIR) == set()

    navigate(page, "See all")
    for contact in (mateo, giulia):
        page.get_by_role("checkbox", name=f"Select {contact}", exact=True).check()
    page.get_by_role("button", name="Add to Segment").click()
    expect(heading(page)).to_have_text("Add 2 contacts to a segment")
    page.get_by_label("Static segment").select_option(label=FAIR)
    page.get_by_role("button", name="Add to Segment").click()
    expect(page.get_by_role("status")).to_contain_text(f"2 contacts were added to “{FAIR}”.")
    assert members(FAIR) == emails([mateo, giulia])

    navigate(page, "Segments")
    page.get_by_role("link", name=FAIR, exact=True).click()
    choose_in_more(page, "View uses")
    expect(page.get_by_role("main")).to_contain_text("Not used anywhere")
    page.get_by_role("link", name="Back to the segment").click()
    choose_in_more(page, "Delete")
    expect(heading(page)).to_have_text(f"Delete “{FAIR}”?")
    page.get_by_role("button", name="Delete segment").click()
    expect(page.get_by_role("status")).to_contain_text("Its contacts are still there.")
    expect(page.get_by_role("main").get_by_role("link", name=FAIR, exact=True)).to_have_count(0)
    assert not Segment.objects.live().exists()

    page.goto(f"/contacts/{mateo.pk}/")
    expect(heading(page)).to_contain_text(str(mateo))
    open_tab(page, "Segments")
    expect(page.get_by_role("main").get_by_text("In no segment")).to_be_visible()

    navigate(page, "Segments")
    page.get_by_role("link", name="Deleted segments").click()
    page.get_by_role("button", name=f"Restore {FAIR}").click()
    expect(heading(page)).to_have_text(FAIR)
    assert members(FAIR) == emails([mateo, giulia])
    expect(page.get_by_role("region", name="Members").get_by_role("link", name=str(mateo), exact=True)).to_be_visible()


def test_a_segment_that_is_used_is_deleted_only_with_consent(
    page: Page, shop: list[Contact], mara: User, sign_in: Callable[[Page, User], None]
):
    now = timezone.now()
    fair = create_segment(name=FAIR, kind="static", now=now)
    rule = {"type": "segment", "segment": fair.pk, "operator": "member"}
    fill(create_segment(name="To call", kind="dynamic_plus", definition=all_of(rule), now=now), now=now)
    sign_in(page, mara)
    page.goto(f"/segments/{fair.pk}/")
    choose_in_more(page, "View uses")
    expect(page.get_by_role("main").get_by_role("link", name="To call")).to_be_visible()
    page.goto(f"/segments/{fair.pk}/delete/")
    expect(page.get_by_role("main").get_by_role("link", name="To call")).to_be_visible()
    page.get_by_role("button", name="Delete segment").click()
    expect(page.get_by_label("Delete it although it is used")).to_have_accessible_description(
        "Tick the box to delete a segment that is used."
    )
    assert set(Segment.objects.live()) == set(Segment.objects.all())
    page.get_by_label("Delete it although it is used").check()
    page.get_by_role("button", name="Delete segment").click()
    expect(page.get_by_role("status")).to_contain_text(f"“{FAIR}” was deleted.")
    assert set(Segment.objects.deleted()) == {fair}
    page.get_by_role("status").get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore segment").click()
    expect(heading(page)).to_have_text(FAIR)
    assert not Segment.objects.deleted().exists()


def test_the_segment_editor_with_the_keyboard_alone(
    page: Page, shop: list[Contact], mara: User, sign_in: Callable[[Page, User], None]
):
    def tab_to(control: Locator, *, key: str = "Tab") -> None:
        """Press Tab until the control has the focus."""
        for _press in range(40):
            if control.evaluate("control => control === document.activeElement"):
                return
            page.keyboard.press(key)
        raise AssertionError(f"the keyboard does not reach {control}")

    button = partial(page.get_by_role, "button", exact=True)
    sign_in(page, mara)
    page.goto("/segments/new/")
    tab_to(kind_choice(page, "Dynamic"))
    page.keyboard.press("ArrowUp")
    expect(kind_choice(page, "Static")).to_be_checked()
    page.keyboard.press("ArrowDown")
    tab_to(button(name="Go to segment editor"))
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("New dynamic segment")

    tab_to(page.get_by_label("Name", exact=True))
    page.keyboard.type(BORN_LATER)
    tab_to(condition(page, 1).get_by_label("About"))
    choose(page, "Date of b", "date_of_birth")
    tab_to(condition(page, 1).get_by_label("Operator"))
    choose(page, "is equal to or a", "on_or_after")
    tab_to(condition(page, 1).get_by_label("Value"))
    page.keyboard.type("01011965")
    tab_to(button(name="Condition"))
    page.keyboard.press("Enter")
    expect(condition(page, 2).get_by_label("About")).to_be_focused()
    choose(page, "Newsletter", "newsletter")
    tab_to(condition(page, 2).get_by_label("Value"))
    choose(page, "Subs", "subscribed")
    tab_to(button(name="Condition"))
    page.keyboard.press("Enter")
    expect(condition(page, 3).get_by_label("About")).to_be_focused()
    tab_to(button(name="Remove condition 3"))
    page.keyboard.press("Enter")
    expect(condition(page, 3)).to_have_count(0)
    expect(button(name="Condition")).to_be_focused()
    expect(page.get_by_role("region", name="Preview")).to_contain_text(SENTENCE)
    tab_to(button(name="Save segment").first, key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text(BORN_LATER)
    assert members(BORN_LATER) == born_later(shop)

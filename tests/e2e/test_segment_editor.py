"""The segment editor as it is worked with: by keyboard, with typing that goes on, with a preview that follows."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import Job, User
from segments.editing import create_segment, fill
from segments.models import Segment
from tests.e2e.keyboard import choose, focused, press
from tests.e2e.shop import ABROAD
from tests.e2e.steps import add_condition, condition, heading, save_segment, set_condition, settle


@pytest.fixture
def desk(page: Page, shop: list[Contact], mara: User, sign_in: Callable[[Page, User], None]) -> Page:
    """A screen, signed in to the shop."""
    sign_in(page, mara)
    return page


def test_a_segment_by_keyboard_alone(desk: Page, shop: list[Contact]):
    desk.goto("/segments/")
    press(desk, "Tab", "Create new segment")
    desk.keyboard.press("Enter")
    expect(heading(desk)).to_have_text("Create new segment")
    press(desk, "Tab", "Go to segment editor")
    desk.keyboard.press("Enter")
    expect(heading(desk)).to_have_text("New dynamic segment")
    press(desk, "Tab", "Name")
    desk.keyboard.type("By keyboard")
    press(desk, "Tab", "About")
    choose(desk, "Country", "country")
    assert focused(desk) == "About"
    press(desk, "Tab", "Operator")
    choose(desk, "is any", "is_any_of")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Search the choices")).to_be_focused()
    desk.keyboard.type("ITA")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("checkbox", name="Italy", exact=True)).to_be_checked()
    expect(condition(desk, 1).locator(".chip")).to_have_text(["Italy"])
    desk.keyboard.press("ControlOrMeta+a")
    desk.keyboard.press("Backspace")
    desk.keyboard.press("Escape")
    expect(desk.get_by_label("Search the choices")).to_be_hidden()
    press(desk, "Tab", "Condition")
    desk.keyboard.press("Enter")
    expect(condition(desk, 2).get_by_label("About")).to_be_focused()
    choose(desk, "Points", "points")
    press(desk, "Tab", "Remove condition 2")
    desk.keyboard.press("Enter")
    expect(condition(desk, 2)).to_have_count(0)
    expect(desk.get_by_role("button", name="Condition", exact=True)).to_be_focused()
    press(desk, "Shift+Tab", "Save segment")
    desk.keyboard.press("Enter")
    expect(heading(desk)).to_have_text("By keyboard")
    assert Segment.objects.get().size == sum(contact.country == "IT" for contact in shop)


def test_typing_goes_on_while_the_preview_follows(desk: Page):
    desk.goto("/segments/new/dynamic/")
    preview = desk.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("Complete the conditions to see the preview.")
    row = set_condition(desk, 1, about="First name", operator="starts with")
    value = row.get_by_label("Value")
    requests = []
    desk.on("request", lambda request: requests.append(request.url))
    value.press_sequentially("Luc", delay=30)
    expect(preview).to_contain_text("of 41 contacts")
    expect(preview.locator(".figure")).to_have_text("2")
    expect(value).to_be_focused()
    expect(value).to_have_value("Luc")
    assert [url for url in requests if url.endswith("/preview/")] == requests[-1:]
    value.fill("")
    expect(preview).to_contain_text("Complete the conditions to see the preview.")
    expect(row.locator(".errors")).to_have_count(0)


def test_choosing_among_many(desk: Page):
    desk.goto("/segments/new/dynamic/")
    row = set_condition(desk, 1, about="Country", operator="is none of")
    row.locator(".picker > summary").click()
    search = row.get_by_label("Search the choices")
    search.fill("cote d")
    expect(row.get_by_role("checkbox").locator("visible=true")).to_have_count(2)
    row.get_by_role("checkbox", name="Côte d'Ivoire").check()
    search.fill("zzz")
    expect(row.get_by_text("Nothing matches.")).to_be_visible()
    search.fill("")
    row.get_by_role("checkbox", name="Spain", exact=True).check()
    expect(row.locator(".chip")).to_have_text(["Côte d'Ivoire", "Spain"])
    expect(desk.get_by_role("region", name="Preview")).to_contain_text("Côte d'Ivoire or Spain (or has no value)")
    row.get_by_label("Only contacts that have a value").check()
    expect(row.get_by_text("Contacts that have no value match too.")).to_be_hidden()
    expect(desk.get_by_role("region", name="Preview")).to_contain_text("only contacts with a value")
    row.get_by_label("Operator").select_option(label="is any of")
    settle(desk)
    expect(row.locator(".chip")).to_have_text(["Côte d'Ivoire", "Spain"])


def test_errors_stand_in_their_row_until_they_are_gone(desk: Page):
    desk.goto("/segments/new/dynamic/")
    desk.get_by_label("Name", exact=True).fill("Ranges")
    row = set_condition(desk, 1, about="Points", operator="is between")
    row.get_by_label("From").fill("2")
    add_condition(desk)
    save_segment(desk)
    expect(row.locator(".errors")).to_have_text("Enter both ends of the range.")
    expect(row.get_by_label("From")).to_have_value("2")
    expect(row.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(condition(desk, 2).locator(".errors")).to_have_text("Choose what the condition is about, or remove it.")
    set_condition(desk, 2, about="Newsletter", operator="is")
    expect(condition(desk, 2).locator(".errors")).to_have_count(0)
    expect(row.locator(".errors")).to_have_count(1)
    row.get_by_label("To", exact=True).fill("1000")
    condition(desk, 2).get_by_label("Value").select_option(label="Subscribed")
    save_segment(desk)
    expect(heading(desk)).to_have_text("Ranges")


def test_the_sentence_is_copied(desk: Page, mara: User):
    segment = create_segment(name="Abroad", kind="dynamic", definition=ABROAD, now=timezone.now(), user=mara)
    fill(segment, now=timezone.now())
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(f"/segments/{segment.pk}/")
    desk.get_by_role("button", name="Copy").click()
    expect(desk.get_by_role("button", name="Copied")).to_be_visible()
    copied = desk.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Contacts for whom Country is none of")


def test_the_list_is_searched_while_typing(desk: Page):
    for name in ("Spain", "Italy", "Spanish wine"):
        create_segment(name=name, kind="static", now=timezone.now())
    desk.goto("/segments/")
    desk.get_by_label("Search by name").fill("SPA")
    expect(desk.get_by_role("row")).to_have_count(3)
    expect(desk).to_have_url(re.compile(r"\?q=SPA"))
    desk.get_by_role("link", name="Static", exact=True).click()
    expect(desk).to_have_url(re.compile(r"\?(?=.*\bq=SPA\b)(?=.*\btype=static\b)"))
    expect(desk.get_by_label("Search by name")).to_have_value("SPA")
    expect(desk.get_by_role("row")).to_have_count(3)


def test_the_progress_is_followed_to_its_end(desk: Page, mara: User):
    segment = create_segment(name="Abroad", kind="dynamic", definition=ABROAD, now=timezone.now(), user=mara)
    job = Job.objects.create(
        kind="segments.refresh",
        title="",
        subject=f"segment:{segment.pk}",
        state="running",
        done=1,
        total=4,
        created_at=timezone.now(),
    )
    desk.goto("/segments/")
    expect(desk.get_by_role("row", name="Abroad")).to_contain_text("Refreshing")
    desk.goto(f"/segments/{segment.pk}/")
    progress = desk.get_by_role("region", name="Refresh", exact=True)
    expect(progress).to_contain_text("25%")
    Job.objects.filter(pk=job.pk).update(done=3)
    expect(progress).to_contain_text("75%")
    fill(segment, now=timezone.now())
    Job.objects.filter(pk=job.pk).update(state="done")
    expect(progress).to_have_count(0)
    expect(desk.get_by_role("main")).to_contain_text("Up to date")


def test_a_contact_is_found_added_and_removed(desk: Page, shop: list[Contact]):
    segment = create_segment(name="Fair", kind="static", now=timezone.now())
    desk.goto(f"/segments/{segment.pk}/")
    desk.get_by_label("Find a contact to add").press_sequentially("giulia", delay=20)
    desk.get_by_role("button", name="Add to Segment Giulia Rinaldi").click()
    expect(desk.get_by_role("status")).to_contain_text("Giulia Rinaldi was added to “Fair”.")
    expect(desk.get_by_role("region", name="Members")).to_contain_text("In the segment")
    desk.get_by_role("button", name="Remove Giulia Rinaldi").click()
    expect(desk.get_by_role("status")).to_contain_text("Giulia Rinaldi was removed from “Fair”.")
    expect(desk.get_by_text("Nobody is in this segment yet.")).to_be_visible()

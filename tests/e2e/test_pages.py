"""Every page of contacts and segments on a screen and on a phone, light and dark: accessible, and kept as a picture."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact, ContactList
from crm.models import User
from segments.editing import delete_segment
from segments.models import Segment
from tests.e2e.conftest import SCREEN, THEMES
from tests.e2e.shop import fill_segments
from tests.e2e.steps import add_condition, heading, save_segment, set_condition, settle

Look = Callable[[Page, str], None]

COLOURFUL = {
    *("contacts-filtered", "contact-new-error", "profile", "profile-segments", "profile-activity", "field-new-error"),
    *("segments", "segment-choose-type", "segment-editor", "segment-editor-error", "segment", "segment-error"),
    *("segment-static-found", "segment-delete-used", "segments-deleted"),
}


@pytest.fixture
def look(axe: Callable[..., None], shot: Callable[..., None]) -> Look:
    """Look at the page: nothing on it sticks out, it is accessible, and its picture is kept.

    The colours of the dark theme are checked on the pages that show many of them, and on the screen.
    """

    def look(page: Page, name: str) -> None:
        settle(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{page.url} can be scrolled sideways: {width} px"
        is_colourful = name in COLOURFUL and page.viewport_size == SCREEN["viewport"]
        axe(page, THEMES if is_colourful else THEMES[:1])
        shot(page, name)

    return look


@pytest.fixture
def devices(
    page: Page, phone: Page, shop: list[Contact], mara: User, sign_in: Callable[[Page, User], None]
) -> list[Page]:
    """A screen and a phone, signed in to the shop."""
    for device in (page, phone):
        sign_in(device, mara)
    return [page, phone]


@pytest.fixture
def segments(shop: list[Contact], mara: User) -> dict[str, Segment]:
    return fill_segments(mara, now=timezone.now())


def test_the_contact_list(devices: list[Page], segments: dict[str, Segment], look: Look):
    for page in devices:
        page.goto("/contacts/")
        expect(page.get_by_role("main")).to_contain_text("41 contacts")
        look(page, "contacts")
        page.goto(f"/contacts/?segment={segments['Millennials on the newsletter'].pk}&newsletter=subscribed")
        look(page, "contacts-filtered")
        page.goto("/contacts/?q=nobody+at+all")
        look(page, "contacts-none-found")


def test_what_opens_on_the_contact_list(devices: list[Page], shot: Callable[..., None], axe: Callable[..., None]):
    for page in devices:
        page.goto("/contacts/?country=ES")
        for panel in ("Filters", "Columns"):
            page.get_by_role("main").locator("summary").filter(has_text=panel).click()
            axe(page)
            shot(page, f"contacts-{panel.lower()}", full_page=False)
            page.keyboard.press("Escape")
        for name in ("Mateo Álvarez", "Lucía Romero"):
            page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
        axe(page)
        shot(page, "contacts-selected", full_page=False)


def test_bulk_actions(devices: list[Page], shop: list[Contact], segments: dict[str, Segment], look: Look):
    chosen = "&".join(f"contact={contact.pk}" for contact in shop[:7])
    for page in devices:
        page.goto(f"/contacts/bulk/add-to-segment/?{chosen}")
        look(page, "bulk-add-to-segment")
        page.get_by_role("button", name="Add to Segment").click()
        expect(page.get_by_label("Static segment")).to_have_attribute("aria-invalid", "true")
        look(page, "bulk-add-to-segment-error")
        page.goto(f"/contacts/bulk/delete/?{chosen}")
        look(page, "bulk-delete")


def test_the_contact_form(devices: list[Page], shop: list[Contact], look: Look):
    for page in devices:
        page.goto("/contacts/new/")
        look(page, "contact-new")
        page.get_by_label("Email", exact=True).fill(str(shop[1].email))
        page.get_by_label("Phone").fill("twelve")
        page.get_by_role("button", name="Add contact").click()
        expect(page.get_by_label("Phone")).to_have_value("twelve")
        look(page, "contact-new-error")
        page.goto(f"/contacts/{shop[0].pk}/edit/")
        look(page, "contact-edit")


def test_the_profile(devices: list[Page], shop: list[Contact], segments: dict[str, Segment], look: Look):
    giulia = shop[2]
    for page in devices:
        page.goto(f"/contacts/{giulia.pk}/")
        look(page, "profile")
        for tab in ("custom", "activity", "lists", "segments"):
            page.goto(f"/contacts/{giulia.pk}/{tab}/")
            look(page, f"profile-{tab}")
        page.goto(f"/contacts/{giulia.pk}/delete/")
        look(page, "contact-delete")
        page.goto(f"/contacts/{giulia.pk}/anonymise/")
        look(page, "contact-anonymise")
    anonymous = Contact.objects.get(email=None)
    devices[0].goto(f"/contacts/{anonymous.pk}/")
    look(devices[0], "profile-anonymous")
    devices[0].goto(f"/contacts/{anonymous.pk}/activity/")
    look(devices[0], "profile-activity-empty")


def test_lists(devices: list[Page], segments: dict[str, Segment], look: Look):
    news = ContactList.objects.order_by("pk")[0]
    for page in devices:
        page.goto("/contacts/lists/")
        look(page, "lists")
        page.goto("/contacts/lists/new/")
        page.get_by_label("Name").fill(str(news).upper())
        page.get_by_role("button", name="Create list").click()
        look(page, "list-new-error")
        page.goto(f"/contacts/lists/{news.pk}/delete/")
        look(page, "list-delete")


def test_contact_fields(
    page: Page,
    phone: Page,
    shop: list[Contact],
    administrator: User,
    sign_in: Callable[[Page, User], None],
    look: Look,
):
    for device in (page, phone):
        sign_in(device, administrator)
        device.goto("/contacts/fields/")
        look(device, "fields")
        device.goto("/contacts/fields/new/")
        device.get_by_label("Label").fill("Shoe size")
        device.get_by_label("Type").select_option(label="One choice")
        look(device, "field-new")
        device.get_by_role("button", name="Create field").click()
        expect(device.get_by_label("Options")).to_have_attribute("aria-invalid", "true")
        look(device, "field-new-error")


def test_the_list_of_segments(devices: list[Page], segments: dict[str, Segment], look: Look, shot: Callable[..., None]):
    for page in devices:
        page.goto("/segments/")
        look(page, "segments")
        page.locator("summary").filter(has_text="More for Customers abroad").click()
        shot(page, "segments-more", full_page=False)
        page.goto("/segments/?q=nothing")
        look(page, "segments-none-found")


def test_the_first_segment(devices: list[Page], look: Look):
    for page in devices:
        page.goto("/segments/")
        look(page, "segments-none")
        page.goto("/segments/new/")
        look(page, "segment-choose-type")
        page.goto("/segments/new/static/")
        look(page, "segment-editor-static")
        page.goto("/segments/new/dynamic/")
        look(page, "segment-editor-new")


def test_the_editor(devices: list[Page], segments: dict[str, Segment], look: Look, shot: Callable[..., None]):
    for page in devices:
        page.goto(f"/segments/{segments['Millennials on the newsletter'].pk}/edit/")
        expect(page.get_by_role("region", name="Preview")).to_contain_text("would enter")
        add_condition(page)
        row = set_condition(page, 3, about="Country", operator="is any of")
        row.locator(".picker > summary").click()
        for country in ("Spain", "Italy", "Germany"):
            row.get_by_role("checkbox", name=country, exact=True).check()
        shot(page, "segment-editor-choosing", full_page=False)
        row.locator(".picker > summary").click()
        add_condition(page)
        set_condition(page, 4, about="Tier", operator="is not").get_by_label("Value", exact=True).select_option(
            label="Bronze"
        )
        add_condition(page)
        row = set_condition(page, 5, about="Last seen", operator="is in the last")
        row.get_by_role("spinbutton").fill("90")
        expect(page.get_by_role("region", name="Preview")).to_contain_text("90 days")
        look(page, "segment-editor")
        row.get_by_role("spinbutton").fill("")
        add_condition(page)
        set_condition(page, 6, about="Points", operator="is between").get_by_label("From").fill("20")
        page.get_by_label("Name", exact=True).fill("Customers abroad")
        save_segment(page)
        expect(page.get_by_text("There is a segment of this name.")).to_be_visible()
        look(page, "segment-editor-error")


def test_the_page_of_a_segment(devices: list[Page], segments: dict[str, Segment], look: Look):
    for page in devices:
        for name, picture in [
            ("Customers abroad", "segment"),
            ("Trade fair leads 2026", "segment-static"),
            ("Readers of the old list", "segment-error"),
        ]:
            page.goto(f"/segments/{segments[name].pk}/")
            expect(heading(page)).to_have_text(name)
            look(page, picture)
        page.goto(f"/segments/{segments['Trade fair leads 2026'].pk}/?find=an#members")
        look(page, "segment-static-found")
        page.goto(f"/segments/{segments['Trade fair leads 2026'].pk}/uses/")
        look(page, "segment-uses")
        page.goto(f"/segments/{segments['Customers abroad'].pk}/uses/")
        look(page, "segment-uses-none")


def test_deleting_and_restoring_a_segment(devices: list[Page], segments: dict[str, Segment], mara: User, look: Look):
    delete_segment(segments["Customers abroad"], now=timezone.now(), user=mara)
    delete_segment(segments["Newsletter testers"], now=timezone.now(), user=mara)
    for page in devices:
        page.goto(f"/segments/{segments['Trade fair leads 2026'].pk}/delete/")
        look(page, "segment-delete-used")
        page.goto(f"/segments/{segments['Millennials on the newsletter'].pk}/delete/")
        look(page, "segment-delete")
        page.goto("/segments/deleted/")
        look(page, "segments-deleted")
        page.goto(f"/segments/{segments['Customers abroad'].pk}/restore/")
        look(page, "segment-restore")

"""Exporting in a browser: the wizard from the type to the export list, and the file that comes of it."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from contacts.exports.models import Export, ExportDownload
from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments.models import Segment
from tests.e2e.shop import fill_segments
from tests.e2e.steps import heading, settle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(settings: object, tmp_path: Path) -> Iterator[None]:
    """The files of this test are its own."""
    options = settings.STORAGES["default"]["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    return


def next_step(page: Page) -> None:
    page.get_by_role("button", name="Next", exact=True).last.click()


def chosen(page: Page) -> Locator:
    return page.locator(".chosen .chosen-name strong")


def test_a_segment_from_its_menu_to_the_file(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    shop: list[Contact],
) -> None:
    fill_segments(mara, now=timezone.now())
    segment = Segment.objects.live().filter(size__gt=3).order_by("name")[0]
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_role("link", name="Export", exact=True).click()
    expect(heading(page)).to_have_text("Export")
    expect(page.get_by_role("radio", name=re.compile("^Contacts"))).to_be_checked()
    axe(page)
    shot(page, "export-type")
    next_step(page)

    expect(page.get_by_role("radio", name="One segment")).to_be_checked()
    expect(page.get_by_label("Segment", exact=True)).to_have_value(str(segment.pk))
    axe(page)
    shot(page, "export-rows")
    next_step(page)

    page.get_by_role("button", name="Add Lists", exact=True).click()
    expect(chosen(page)).to_have_count(8)
    page.get_by_role("button", name="Remove External id", exact=True).click()
    expect(chosen(page)).to_have_count(7)
    page.get_by_role("button", name="Move Lists up", exact=True).click()
    expect(chosen(page).nth(5)).to_have_text("Lists")
    expect(page.get_by_role("button", name="Move Lists up", exact=True)).to_be_focused()
    page.locator(".chosen > li", has_text="Country").drag_to(page.locator(".chosen > li").first)
    expect(chosen(page).first).to_have_text("Country")
    page.get_by_label("Save these properties as").fill("For the printer")
    page.get_by_role("button", name="Save set").click()
    expect(page.get_by_label("Set of properties")).to_contain_text("For the printer (7)")
    settle(page)
    axe(page)
    shot(page, "export-properties")
    next_step(page)

    page.get_by_role("radio", name="JSON lines").check()
    page.get_by_role("radio", name="CSV").check()
    page.get_by_label("Delimiter").select_option(label="Semicolon")
    axe(page)
    shot(page, "export-format")
    page.get_by_role("button", name="Start export").click()

    expect(heading(page)).to_have_text(f"Contacts: Segment: {segment.name}")
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    axe(page, ["light"])
    jobs.run_job(Job.objects.get(kind="contacts.export").pk)
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    axe(page)
    shot(page, "export")
    page.get_by_role("link", name="Go to export list").click()
    expect(heading(page)).to_have_text("Exports")
    row = page.get_by_role("row", name=re.compile(re.escape(segment.name)))
    expect(row).to_contain_text("Ready")
    axe(page)
    shot(page, "exports")
    with page.expect_download() as waiting:
        row.get_by_role("link", name="Download").click()
    download = waiting.value
    assert re.fullmatch(r"contacts-segment-[a-z0-9-]+-\d{4}-\d\d-\d\d\.csv", download.suggested_filename)
    text = Path(download.path()).read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert head == ["Country", "Email", "First name", "Last name", "Newsletter", "Lists", "Created"]
    emails = segment.members.order_by("pk").values_list("email", flat=True)
    assert [cells[1] for cells in rows] == [email or "" for email in emails]
    assert ExportDownload.objects.get().user == mara
    assert Export.objects.get().rows == segment.size == len(rows)


def test_without_javascript_and_on_a_phone(
    new_page: Callable[..., Page],
    phone: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    shop: list[Contact],
) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, mara)
    page.goto("/contacts/?country=ES")
    page.get_by_role("link", name="Export", exact=True).click()
    next_step(page)
    expect(page.get_by_role("radio", name="What the contact list shows: Country: Spain")).to_be_checked()
    next_step(page)
    page.get_by_role("button", name="Add Points", exact=True).click()
    expect(chosen(page).last).to_have_text("Points")
    address = page.url
    next_step(page)
    page.get_by_role("radio", name="Excel (XLSX)").check()
    page.get_by_role("button", name="Start export").click()
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()

    sign_in(phone, mara)
    jobs.run_job(Job.objects.get(kind="contacts.export").pk)
    export = Export.objects.get()
    assert export.rows == Contact.objects.filter(country="ES").count()
    draft = Export.objects.create(
        type="contacts",
        options={"whose": ["all"]},
        columns=export.columns,
        title="All",
        user=mara,
        created_at=timezone.now(),
    )
    assert str(export.pk) in address
    names = {
        "/contacts/exports/": "exports",
        "/contacts/exports/new/": "export-type",
        f"/contacts/exports/{export.pk}/": "export",
        f"/contacts/exports/{draft.pk}/rows/": "export-rows",
        f"/contacts/exports/{draft.pk}/properties/": "export-properties",
        f"/contacts/exports/{draft.pk}/format/": "export-format",
    }
    for path, name in names.items():
        phone.goto(path)
        settle(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path
        axe(phone, ["light"])
        shot(phone, name)

"""Importing contacts in a browser: from a file or pasted rows to the report, the refused rows, and undoing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact, ContactField, ContactList, Import
from crm.models import User
from tests.contacts.import_pages import work
from tests.e2e.conftest import SCREEN
from tests.e2e.keyboard import press
from tests.e2e.steps import heading, members, navigate, settle

CUSTOMERS = """E-Mail;Vorname;Nachname;Geburtsdatum;Schuhgröße;Notiz
ana@example.com;Ana;Alba;01.05.1964;38;
BEA@example.com;Beatriz;Bruch;;41,5;"Zeile eins
Zeile zwei"
carl@example;Carl;Christ;17.03.1990;44;
dora@example.com;Dora;Dorn;31.02.1980;39;
eva@example.com;Eva;Ebner;12.12.1970;40;
"""


def bea() -> Contact:
    """Somebody who is known already."""
    return Contact.objects.create(email="bea@example.com", first_name="Bea", city="Bern", created_at=timezone.now())


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS, encoding="utf-8-sig")
    return path


def goes_to(page: Page, column: str) -> Locator:
    return page.get_by_label(f"{column} goes to", exact=True)


def go_on(page: Page) -> None:
    page.get_by_role("main").get_by_role("button", name="Next").or_(
        page.get_by_role("main").get_by_role("link", name="Next")
    ).click()


def the_worker_works(page: Page) -> None:
    """The worker does what the page waits for, and the page is looked at again: without JavaScript it does not turn."""
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    work()
    page.reload()


def into_a_new_segment(page: Page, name: str) -> None:
    page.get_by_label("Add to static segment").select_option(label="New…")
    page.get_by_label("Its name").fill(name)


def figure(page: Page, label: str) -> Locator:
    return page.locator(".count").filter(has=page.get_by_text(label, exact=True)).get_by_role("definition")


def expect_figures(page: Page, **numbers: int) -> None:
    for label, number in numbers.items():
        expect(figure(page, label.replace("_", " "))).to_have_text(str(number), timeout=15_000)


def test_upload_overwriting_into_a_new_segment(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    customers: Path,
) -> None:
    bea()
    ContactList.objects.create(name="Newsletter")
    sign_in(page, mara)
    page.goto("/contacts/")
    page.get_by_role("main").get_by_role("link", name="Import", exact=True).click()
    axe(page, themes=["light"])
    shot(page, "import-source")
    page.get_by_label("File").set_input_files(customers)
    go_on(page)

    expect(page.get_by_label("Delimiter")).to_have_value(";")
    expect(page.get_by_role("row", name="2 ana@example.com Ana")).to_be_visible()
    axe(page, themes=["light"])
    shot(page, "import-reading")
    go_on(page)

    expect(goes_to(page, "E-Mail")).to_have_value("email")
    goes_to(page, "Geburtsdatum").select_option(label="Date of birth")
    page.get_by_label("How dates are written in Geburtsdatum").select_option("dmy")
    expect(goes_to(page, "Notiz")).to_have_value("")
    goes_to(page, "Schuhgröße").select_option(label="New custom field…")
    new = page.get_by_role("group", name="New field for the column Schuhgröße")
    expect(new.get_by_label("Type")).to_have_value("decimal")
    new.get_by_label("Label").fill("Shoe size")
    expect(page.get_by_text("5 of 6 are imported")).to_be_visible()
    settle(page)
    axe(page)
    shot(page, "import-fields")
    goes_to(page, "Nachname").select_option(label="First name")
    go_on(page)
    expect(page.get_by_text("The column “Vorname” goes there already.")).to_be_visible()
    expect(new.get_by_label("Label")).to_have_value("Shoe size")
    shot(page, "import-fields-errors")
    goes_to(page, "Nachname").select_option(label="Last name")
    go_on(page)

    expect(heading(page)).to_have_text("Options")
    assert ContactField.objects.get().key == "shoe_size"
    into_a_new_segment(page, "Customers")
    page.get_by_label("Overwrite existing").check()
    page.get_by_label("They agreed to get the newsletter").check()
    axe(page, themes=["light"])
    shot(page, "import-options")
    go_on(page)
    expect(page.get_by_text("Say where they agreed.")).to_be_visible()
    expect(page.get_by_label("Its name")).to_have_value("Customers")
    page.get_by_label("Where they agreed").fill("Form in the shop")
    page.get_by_label("On", exact=True).fill("2026-01-15")
    go_on(page)

    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    work()
    expect_figures(page, Will_be_created=2, Will_be_updated=1, Will_be_refused=2)
    expect(page.get_by_role("row", name="2 ana@example.com Ana Alba 1 May 1964 38")).to_be_visible()
    axe(page)
    shot(page, "import-check")
    page.get_by_role("button", name="Import 3 contacts").click()

    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    shot(page, "import-running")
    work()
    expect(page.get_by_text("The import is done")).to_be_visible(timeout=15_000)
    expect_figures(page, Created=2, Updated=1, Refused=2)
    axe(page)
    shot(page, "import-report")
    assert members("Customers") == {"ana@example.com", "bea@example.com", "eva@example.com"}
    beatriz = Contact.objects.get(email="bea@example.com")
    assert (beatriz.first_name, beatriz.city, beatriz.custom) == ("Beatriz", "Bern", {"shoe_size": 41.5})
    assert beatriz.newsletter == Contact.Newsletter.SUBSCRIBED

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    refused = list(csv.DictReader(text.splitlines()))
    assert [(row["line"], row["E-Mail"], row["Geburtsdatum"]) for row in refused] == [
        ("5", "carl@example", "17.03.1990"),
        ("6", "dora@example.com", "31.02.1980"),
    ]
    assert all(row["reason"] for row in refused)

    page.get_by_role("link", name="View contacts").click()
    expect(page.get_by_role("link", name="Ana Alba")).to_be_visible()
    expect(page.locator(".pager")).to_contain_text("3 contacts")

    navigate(page, "Imports")
    page.get_by_role("link", name="customers.csv").click()
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_text("2 contacts that this import created are deleted.")).to_be_visible()
    shot(page, "import-undo")
    page.get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    work()
    expect(page.get_by_text("2 contacts were deleted.")).to_be_visible(timeout=15_000)
    shot(page, "import-undone")
    assert members("Customers") == {"bea@example.com"}
    navigate(page, "Imports")
    axe(page, themes=["light"])
    shot(page, "imports")


WITHOUT_JAVASCRIPT = {**SCREEN, "java_script_enabled": False}


@pytest.mark.parametrize(
    "device",
    [
        pytest.param(SCREEN, id="screen", marks=pytest.mark.every_database),
        pytest.param(WITHOUT_JAVASCRIPT, id="without JavaScript"),
    ],
)
def test_paste_without_overwriting_into_a_new_segment(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    mara: User,
    device: dict[str, Any],
) -> None:
    bea()
    page = new_page(**device)
    sign_in(page, mara)
    page.goto("/contacts/imports/")
    expect(page.get_by_text("Nothing was imported yet")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Import", exact=True).first.click()
    page.get_by_role("link", name="Paste rows").click()
    page.get_by_role("textbox", name="Rows").fill(
        "email\tfirst name\tlevel\nbea@example.com\tOther\tgold\nfay@example.com\tFay\tgold\n"
    )
    page.get_by_label("Name of the import").fill("From the fair")
    go_on(page)
    expect(page.get_by_role("cell", name="fay@example.com")).to_be_visible()
    go_on(page)
    goes_to(page, "level").select_option(label="New custom field…")
    if device is WITHOUT_JAVASCRIPT:
        go_on(page)
        expect(page.get_by_text("Say below what the new field is, and go on.")).to_be_visible()
    new = page.get_by_role("group", name="New field for the column level")
    new.get_by_label("Type").select_option(label="Text")
    go_on(page)
    expect(page.get_by_text("existing contacts are left as they are, and are not added to the segment")).to_be_visible()
    into_a_new_segment(page, "Fair")
    go_on(page)
    the_worker_works(page)
    expect_figures(page, Will_be_created=1, Will_be_updated=0, Will_be_left_as_they_are=1, Will_be_refused=0)
    page.get_by_role("button", name="Import 1 contact").click()
    the_worker_works(page)
    expect_figures(page, Created=1, Updated=0, Left_as_they_were=1, Refused=0)
    assert members("Fair") == {"fay@example.com"}
    assert Contact.objects.get(email="bea@example.com").first_name == "Bea"
    assert Contact.objects.get(email="fay@example.com").custom == {"level": "gold"}
    page.get_by_role("link", name="Fair").first.click()
    expect(heading(page)).to_contain_text("Fair")


def test_on_a_phone(
    phone: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    customers: Path,
) -> None:
    bea()
    sign_in(phone, mara)

    def looked_at(name: str, title: str) -> None:
        expect(heading(phone)).to_have_text(title)
        settle(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, name
        if name in ("import-fields", "import-check"):
            axe(phone, themes=["light"])
        shot(phone, name)

    phone.goto("/contacts/imports/new/")
    looked_at("import-source", "Import")
    phone.get_by_label("File").set_input_files(customers)
    go_on(phone)
    looked_at("import-reading", "Source")
    go_on(phone)
    looked_at("import-fields", "Associate fields")
    go_on(phone)
    looked_at("import-options", "Options")
    go_on(phone)
    the_worker_works(phone)
    looked_at("import-check", "Check")
    phone.get_by_role("button", name=re.compile("^Import")).click()
    the_worker_works(phone)
    looked_at("import-report", "customers.csv")
    navigate(phone, "Imports")
    looked_at("imports", "Imports")


def test_by_keyboard_alone(page: Page, sign_in: Callable[[Page, User], None], mara: User) -> None:
    sign_in(page, mara)
    page.goto("/contacts/imports/new/?from=paste")
    press(page, "Tab", "Rows")
    page.keyboard.insert_text("email,first name\ngil@example.com,Gil\n")
    for title in ("Source", "Associate fields", "Options", "Check"):
        press(page, "Tab", "Next")
        page.keyboard.press("Enter")
        expect(heading(page)).to_have_text(title)
    work()
    expect_figures(page, Will_be_created=1)
    press(page, "Tab", "Import 1 contact")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    work()
    assert Import.objects.get().created == 1


def test_many_columns(page: Page, sign_in: Callable[[Page, User], None], mara: User, tmp_path: Path) -> None:
    columns = ["email", *(f"Answer {number}" for number in range(1, 150))]
    path = tmp_path / "survey.csv"
    path.write_text(f"{','.join(columns)}\ngil@example.com{',' + 'long ' * 200}{',x' * 148}\n")
    sign_in(page, mara)
    page.goto("/contacts/imports/new/")
    page.get_by_label("File").set_input_files(path)
    go_on(page)
    go_on(page)
    expect(page.get_by_text("1 of 150 are imported")).to_be_visible()
    page.get_by_label("Find a column").fill("answer 14")
    expect(page.get_by_role("row", name="Answer 14")).to_have_count(11)
    goes_to(page, "Answer 149").focus()
    goes_to(page, "Answer 149").select_option(label="City")
    expect(page.get_by_text("2 of 150 are imported")).to_be_visible()
    page.get_by_label("Only those not imported").check()
    expect(goes_to(page, "Answer 149")).to_be_hidden()
    page.get_by_label("Find a column").fill("nothing like this")
    expect(page.get_by_text("No column is like that.")).to_be_visible()
    go_on(page)
    expect(heading(page)).to_have_text("Options")
    assert Import.objects.get().mapping[149]["target"] == "city"

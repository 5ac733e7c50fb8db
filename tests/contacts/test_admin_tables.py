"""Importing and exporting small tables of contacts and of contact fields in the administrators' site."""

import csv
import io
import re
from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from contacts.models import Change, Contact, ContactField
from contacts.types import FIELD_TYPES
from crm.models import User
from segments.models import Segment
from segments.refresh import refresh_segment
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db

CONTACTS = "/admin/contacts/contact/"
FIELDS = "/admin/contacts/contactfield/"


@pytest.fixture
def staff(administrator: User) -> Client:
    administrator.is_staff = True
    administrator.save()
    return logged_in(administrator)


@pytest.fixture
def tier() -> ContactField:
    options = [{"value": "g", "label": "Gold"}, {"value": "s", "label": "Silver"}]
    return ContactField.objects.create(key="tier", label="Tier", type="choice", options=options)


def upload(client: Client, address: str, text: str | bytes, name: str = "table.csv") -> Any:
    content = text.encode() if isinstance(text, str) else text
    return client.post(f"{address}import/", {"import_file": SimpleUploadedFile(name, content), "format": "0"})


def confirm(client: Client, address: str, page: Any) -> Any:
    form = page.context["confirm_form"]
    return client.post(f"{address}process_import/", dict(form.initial), follow=True)


def bring_in(client: Client, address: str, text: str | bytes) -> Any:
    page = upload(client, address, text)
    assert "confirm_form" in page.context, wrong(page)
    return confirm(client, address, page)


def wrong(page: Any) -> list[str]:
    """What the page says about a file or its rows."""
    result = page.context.get("result")
    if result is None:
        return [text for texts in page.context["form"].errors.values() for text in texts]
    base = [str(error.error) for error in result.base_errors]
    rows = [str(error.error) for _number, errors in result.row_errors() for error in errors]
    return [*base, *rows, *(str(text) for row in result.invalid_rows for text in row.error.messages)]


def taken_out(client: Client, address: str, file_format: int = 0, query: str = "") -> Any:
    fields = client.get(f"{address}export/").context["form"].fields
    chosen = {name: "on" for name in fields if name.startswith("contact")}
    return client.post(f"{address}export/{query}", {"format": str(file_format), "resource": "0", **chosen})


def rows_of(response: Any) -> list[dict[str, str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8", response.content
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


# Who may


@pytest.mark.parametrize("address", [CONTACTS, FIELDS])
def test_only_administrators(address: str, marketer: User, viewer: User, staff: Client):
    page = staff.get(address).text
    for action in ("import", "export"):
        assert f'href="{address}{action}/' in page
        assert staff.get(f"{address}{action}/").status_code == 200
    for user in (marketer, viewer):
        user.is_staff = True
        user.save()
        client = logged_in(user)
        page = client.get(address).text
        for action in ("import", "export"):
            assert f"{address}{action}/" not in page
            assert client.get(f"{address}{action}/").status_code == 403
        assert client.post(f"{address}process_import/").status_code == 403
    assert Client().get(f"{address}export/").status_code == 302


# Contacts


def test_contacts_are_created_and_changed_by_the_usual_rules(staff, tier, django_capture_on_commit_callbacks):
    ana = Contact.objects.create(email="ana@example.org", external_id="A1", city="Rome", points=7)
    segment = Segment.objects.create(
        name="Gold",
        kind="dynamic",
        definition={
            "version": 1,
            "match": "all",
            "rules": [{"type": "field", "field": "custom.tier", "operator": "is", "value": "g"}],
        },
        stale=True,
    )
    refresh_segment(segment, now=ana.created_at)
    head = "email,external_id,city,custom.tier,newsletter,points\n"
    table = f"{head}ANA@Example.org,A1,,Gold,,\nBo@example.org,,Bern,s,subscribed,3\n"
    page = upload(staff, CONTACTS, table)
    assert wrong(page) == []
    assert Contact.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        text = confirm(staff, CONTACTS, page).text
    assert "1 new, 1 updated, 0 deleted and 0 skipped" in text
    ana.refresh_from_db()
    assert (ana.email, ana.city, ana.custom, ana.points, ana.newsletter) == (
        "ana@example.org",
        "",
        {"tier": "g"},
        7,
        "never",
    )
    bo = Contact.objects.get(email="bo@example.org")
    assert (bo.city, bo.custom, bo.newsletter, bo.points) == ("Bern", {"tier": "s"}, "subscribed", 3)
    assert bo.newsletter_at is not None
    assert set(Contact.objects.filter(memberships__segment=segment)) == {ana}
    assert not Change.objects.exists()
    assert LogEntry.objects.count() == 2


def test_who_unsubscribed_stays_so(staff: Client):
    gone = Contact.objects.create(email="gone@example.org", newsletter="unsubscribed")
    bring_in(staff, CONTACTS, "email,newsletter,city\ngone@example.org,subscribed,Rome\n")
    gone.refresh_from_db()
    assert (gone.newsletter, gone.city) == ("unsubscribed", "Rome")


def test_what_is_exported_and_imported_again_changes_nothing(staff: Client, tier: ContactField, now: datetime):
    for kind in ("decimal", "boolean", "date", "datetime", "long_text", "integer"):
        ContactField.objects.create(key=f"a_{kind}", label=kind, type=kind)
    ContactField.objects.create(key="likes", label="Likes", type="choices", options=tier.options)
    Contact.objects.create(
        email="ana@example.org",
        first_name="=1+1",
        last_name="'quoted",
        date_of_birth="1980-02-29",
        newsletter="pending",
        custom={
            "tier": "g",
            "likes": ["g", "s"],
            "a_decimal": 0.1,
            "a_boolean": False,
            "a_date": "2026-01-31",
            "a_datetime": FIELD_TYPES["datetime"].to_json(now),
            "a_long_text": "two\nlines",
            "a_integer": -5,
        },
    )
    Contact.objects.create(external_id="B|2", points=-3)
    before = list(Contact.objects.order_by("pk").values())
    file = taken_out(staff, CONTACTS).content
    text = bring_in(staff, CONTACTS, file).text
    assert "0 new, 0 updated, 0 deleted and 2 skipped" in text
    [row, _other] = sorted(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))), key=lambda row: row["id"])
    assert (row["custom.a_decimal"], row["custom.a_datetime"]) == ("0.1", "2026-03-10T12:00:00+00:00")
    assert list(Contact.objects.order_by("pk").values()) == before
    workbook = taken_out(staff, CONTACTS, file_format=1).content
    assert "2 skipped" in bring_in(staff, CONTACTS, workbook).text


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("email,shoe\na@example.org,3\n", "There is no field “shoe”."),
        ("city\nRome\n", "One of the columns has to be id, external_id or email"),
        ("email,city\n,Rome\n", "Neither id, external_id nor email says whom this row is about."),
        ("id,city\n999,Rome\n", "There is no contact with this id."),
        ("id,city\n²,Rome\n", "There is no contact with this id."),
        ("email\nnot an email\n", "Enter a valid email address."),
        (
            "email,country\na@example.org,Atlantis\n",
            "Select a valid choice. Atlantis is not one of the available choices.",
        ),
        ("email,points\na@example.org,many\n", "“many” is not a number such as 1234.50."),
        ("email,external_id\nx@example.org,one\n", "Another contact has this value of email."),
        ("email\na@example.org\nb@example.org\nc@example.org\nd@example.org\n", "There are more than 3 rows"),
        ('email,city\na@example.org,"Rome\n', "Line 2:"),
        (b"PK\x03\x04 nothing of a workbook", ""),
        (b"%PDF-1.7", "The file is a PDF document."),
        ("", "The submitted file is empty."),
    ],
)
def test_what_is_refused(staff: Client, settings: Any, table: str | bytes, told: str):
    settings.ADMIN_FILE_ROWS = 3
    Contact.objects.create(external_id="one")
    Contact.objects.create(email="x@example.org", external_id="two")
    page = upload(staff, CONTACTS, table)
    found = wrong(page)
    assert found
    assert any(told in text for text in found), found
    assert "confirm_form" not in page.context
    assert Contact.objects.count() == 2


def test_of_many_rows_the_first_are_shown(staff: Client):
    rows = "".join(f"p{number}@example.org\n" for number in range(130))
    page = upload(staff, CONTACTS, f"email\n{rows}")
    assert "All 130 rows can be imported. Shown are the first 100." in page.text
    assert ("p99@example.org" in page.text, "p100@example.org" in page.text) == (True, False)
    assert "130 new" in confirm(staff, CONTACTS, page).text
    assert Contact.objects.count() == 130
    assert "0 new, 0 updated, 0 deleted and 130 skipped" in bring_in(staff, CONTACTS, f"email\n{rows}").text


def test_a_wrong_row_keeps_the_others_out(staff: Client):
    page = upload(staff, CONTACTS, "email,points\na@example.org,1\nb@example.org,x\n")
    assert "confirm_form" not in page.context
    assert not Contact.objects.exists()


def test_two_rows_for_one_new_contact_are_one_contact(staff: Client):
    bring_in(staff, CONTACTS, "email,city\na@example.org,Rome\nA@example.org,Bern\n")
    assert list(Contact.objects.values_list("email", "city")) == [("a@example.org", "Bern")]


def test_what_changed_since_the_check_imports_nothing(staff: Client):
    page = upload(staff, CONTACTS, "email,external_id\na@example.org,A1\nb@example.org,B2\n")
    Contact.objects.create(email="b@example.org", external_id="other")
    assert "no longer is. Try again." in confirm(staff, CONTACTS, page).text
    assert Contact.objects.count() == 1


def test_a_file_that_nobody_confirmed_is_gone(staff: Client):
    page = upload(staff, CONTACTS, "email\na@example.org\n")
    from django.core.cache import cache

    cache.clear()
    assert "The file is gone" in confirm(staff, CONTACTS, page).text
    assert not Contact.objects.exists()


def test_contacts_are_exported_as_the_list_shows_them(staff: Client, tier: ContactField, administrator: User):
    Contact.objects.create(email="ana@example.org", first_name="=HYPERLINK()", country="IT", custom={"tier": "g"})
    Contact.objects.create(email="bo@example.org", country="CH", points=-4)
    [row] = rows_of(taken_out(staff, CONTACTS, query="?country=IT"))
    assert (row["email"], row["first_name"], row["country"], row["custom.tier"]) == (
        "ana@example.org",
        "'=HYPERLINK()",
        "IT",
        "g",
    )
    assert row["purchases_count"] == "0"
    assert {row["points"] for row in rows_of(taken_out(staff, CONTACTS))} == {"0", "-4"}
    sheet = load_workbook(io.BytesIO(taken_out(staff, CONTACTS, file_format=1).content)).active
    cells = {cell.value for line in sheet.iter_rows() for cell in line}
    assert {"'=HYPERLINK()", -4} <= cells
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.user, entry.object_repr, entry.change_message) for entry in entries] == [
        (administrator, "1 row of contacts", "Exported as CSV."),
        (administrator, "2 rows of contacts", "Exported as CSV."),
        (administrator, "2 rows of contacts", "Exported as xlsx."),
    ]


def test_an_export_is_bounded(staff: Client, settings: Any):
    settings.ADMIN_FILE_ROWS = 2
    Contact.objects.bulk_create(Contact(external_id=str(number)) for number in range(3))
    assert "There are more than 2 rows, which is the most here." in taken_out(staff, CONTACTS).text
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_of_an_export_does_not_grow(staff: Client, django_assert_num_queries: Any, number: int):
    Contact.objects.bulk_create(Contact(external_id=str(place)) for place in range(number))
    ContentType.objects.get_for_model(Contact)  # read once for each process
    # Session, user, permissions (2); the catalogue for the form, its checks and the file; contacts; who took them out.
    with django_assert_num_queries(11):
        rows = rows_of(staff.post(f"{CONTACTS}export/", {"format": "0", "resource": "0", "contactresource_id": "on"}))
    assert len(rows) == number


# Contact fields


def test_fields_are_declared_and_changed(staff: Client, tier: ContactField):
    options = '"g|Gold\ns|Silver\np|Platinum"'
    table = f"key,label,type,options,help_text\ntier,Level,choice,{options},How good\nsize,Size,decimal,,\n"
    text = bring_in(staff, FIELDS, table).text
    assert "1 new, 1 updated" in text
    tier.refresh_from_db()
    assert (tier.label, tier.help_text, tier.choices) == (
        "Level",
        "How good",
        [("g", "Gold"), ("s", "Silver"), ("p", "Platinum")],
    )
    assert ContactField.objects.get(key="size").type == "decimal"
    again = bring_in(staff, FIELDS, taken_out(staff, FIELDS).content).text
    assert "0 new, 0 updated, 0 deleted and 2 skipped" in again


def test_a_field_is_archived(staff: Client, tier: ContactField):
    bring_in(staff, FIELDS, "key,label,type,archived\ntier,Tier,choice,true\n")
    tier.refresh_from_db()
    assert (tier.archived, len(tier.options)) == (True, 2)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("key,label\nsize,Size\n", "A column is missing: type."),
        ("key,label,type,colour\nsize,Size,text,red\n", "There is no field “colour”."),
        ("key,label,type\nsize,Size,shoes\n", "Select a valid choice."),
        ("key,label,type\nSIZE!,Size,text\n", "Use a-z, 0-9 and _, starting with a letter."),
        ("key,label,type\nsize,Size,choice\n", "Enter at least one option."),
        ("key,label,type\ntier,Tier,text\n", "The type of a field never changes."),
        ("key,label,type,options\ntier,Tier,choice,s|Silver\n", "1 contact has the option “Gold” that you removed."),
        ("key,label,type,archived\ntier,Tier,choice,perhaps\n", "Write true or false."),
    ],
)
def test_what_is_refused_of_fields(staff: Client, tier: ContactField, table: str, told: str):
    Contact.objects.create(custom={"tier": "g"})
    page = upload(staff, FIELDS, table)
    assert any(told in text for text in wrong(page)), wrong(page)
    assert list(ContactField.objects.values_list("key", "label")) == [("tier", "Tier")]


def test_nothing_is_asked_of_other_sites(staff: Client):
    for address in (f"{CONTACTS}import/", f"{CONTACTS}export/"):
        page = staff.get(address).text
        assert re.findall(r"(?:src|href)=[\"'](?:https?:)?//[^\"']*", page) == []

"""Contacts > Imports: the history and the steps of the wizard."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from openpyxl import Workbook

from contacts.models import ContactField, ContactList, Import
from crm.models import Job, User
from segments.editing import create_segment
from segments.models import Segment
from tests.conftest import logged_in
from tests.contacts.import_pages import (
    OPTIONS,
    STEPS,
    checked,
    draft,
    html_of,
    mapping,
    page,
    ready,
    upload,
    work,
)

pytestmark = pytest.mark.django_db


# Who may


def test_roles(viewer: User, marketer: User) -> None:
    client = logged_in(marketer)
    import_run = checked(client)
    pages = ["/contacts/imports/", "/contacts/imports/new/", page(import_run)]
    pages += [page(import_run, step) for step in (*STEPS, "delete", "undo")]
    for url in [*pages, page(import_run, "refused.csv")[:-1]]:
        assert Client().get(url).status_code == 302
        assert logged_in(viewer).get(url).status_code == 403, url
        assert client.get(url, follow=True).status_code == 200, url
    for url in [*pages[1:], page(import_run, "run")]:
        assert logged_in(viewer).post(url).status_code in (403, 405), url
    import_run.refresh_from_db()
    assert import_run.state == Import.State.CHECKED


def test_who_may_import_finds_it(viewer_client: Client, marketer_client: Client) -> None:
    assert 'href="/contacts/imports/"' in html_of(marketer_client, "/contacts/")
    assert 'href="/contacts/imports/new/"' in html_of(marketer_client, "/contacts/")
    assert "/contacts/imports/" not in html_of(viewer_client, "/contacts/")


# Source


def test_upload(marketer_client: Client, marketer: User) -> None:
    response = upload(marketer_client)
    import_run = Import.objects.get()
    assert (response.status_code, response["Location"]) == (303, page(import_run, "source"))
    assert (import_run.name, import_run.kind, import_run.user) == ("people.csv", "contacts", marketer)
    html = html_of(marketer_client, page(import_run, "source"))
    assert "ana@example.com" in html
    assert "4 columns" in html
    assert '<option value="," selected>' in html


def test_paste(marketer_client: Client) -> None:
    text = "email\tfirst name\nana@example.com\tAna\n"
    posted = {"kind": "contacts", "pasted": text, "name": "Fair"}
    assert marketer_client.post("/contacts/imports/new/?from=paste", posted).status_code == 303
    import_run = Import.objects.get()
    assert import_run.name == "Fair"
    assert import_run.columns == ["email", "first name"]
    assert import_run.source["delimiter"] == "\t"


def test_pasted_rows_without_a_name(marketer_client: Client) -> None:
    marketer_client.post("/contacts/imports/new/?from=paste", {"kind": "events", "pasted": "email\na@example.com\n"})
    assert Import.objects.get().name.startswith("Pasted on ")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("people.csv", b"", "The submitted file is empty|The file is empty."),
        ("people.exe", b"email\na@example.com\n", "A file of the type .exe cannot be imported."),
        ("people.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "in the old format XLS"),
        ("people.csv", b"%PDF-1.4 ...", "The file is a PDF document."),
        ("people.csv", b"<!doctype html><table></table>", "The file is a web page"),
    ],
)
def test_files_that_are_refused(marketer_client: Client, name: str, content: bytes, text: str) -> None:
    response = upload(marketer_client, content, name=name, kind="events")
    html = response.content.decode()
    assert response.status_code == 422
    assert any(one in html for one in text.split("|")), html
    assert re.search(r'value="events"[^>]* checked', html)
    assert not Import.objects.exists()


def test_a_file_must_be_chosen(marketer_client: Client) -> None:
    response = marketer_client.post("/contacts/imports/new/", {"kind": "contacts", "name": "Kept"})
    assert response.status_code == 422
    html = response.content.decode()
    assert "Choose a file." in html
    assert 'value="Kept"' in html


def test_a_file_that_is_too_large(marketer_client: Client, settings: Any) -> None:
    settings.IMPORT_MAX_MEGABYTES = 1
    response = upload(marketer_client, b"email\n" + b"a@example.com\n" * 100_000, name="large.csv")
    html = response.content.decode()
    assert response.status_code == 422
    assert "The file is larger than 1 MB." in html
    assert "Choose a file." not in html
    assert not Import.objects.exists()


def test_pasting_too_much(marketer_client: Client, settings: Any) -> None:
    rows = "email\n" + "a@example.com\n" * 160_000
    response = marketer_client.post("/contacts/imports/new/?from=paste", {"kind": "contacts", "pasted": rows})
    assert response.status_code == 422
    assert "This is more than can be pasted." in response.content.decode()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
    response = marketer_client.post("/contacts/imports/new/?from=paste", {"kind": "contacts", "pasted": rows})
    assert response.status_code == 413
    assert "This is more than can be pasted." in response.content.decode()


def test_an_upload_without_the_token_is_refused(marketer: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    assert upload(client).status_code == 403
    assert not Import.objects.exists()


def test_reading_it_otherwise(marketer_client: Client) -> None:
    import_run = draft(marketer_client, "email;name\na@example.com;Ana, Bea\n")
    assert import_run.source["delimiter"] == ";"
    posted = {"encoding": "windows-1252", "delimiter": ",", "header": ""}
    response = marketer_client.post(page(import_run, "source"), posted)
    assert (response.status_code, response["Location"]) == (303, page(import_run, "source"))
    import_run.refresh_from_db()
    assert import_run.source | {"sheet": ""} == {
        "format": "csv",
        "encoding": "windows-1252",
        "delimiter": ",",
        "header": False,
        "sheet": "",
    }
    assert marketer_client.post(page(import_run, "source"), {"encoding": "x"}).status_code == 422


def test_a_file_that_is_not_what_its_name_says(marketer_client: Client) -> None:
    response = upload(marketer_client, '{"email": "ana@example.com"}\n', name="people.csv")
    html = html_of(marketer_client, response["Location"])
    assert "The name “people.csv” says something else, but the file is read as what it is: JSON lines." in html


def test_choosing_a_sheet(marketer_client: Client) -> None:
    workbook = Workbook()
    workbook.active.title = "Notes"
    workbook.active.append(["nothing", "here"])
    people = workbook.create_sheet("People")
    people.append(["email", "first name"])
    people.append(["ana@example.com", "Ana"])
    content = io.BytesIO()
    workbook.save(content)
    upload(marketer_client, content.getvalue(), name="people.xlsx")
    import_run = Import.objects.get()
    assert marketer_client.post(page(import_run, "source"), {"sheet": "People", "header": "on"}).status_code == 303
    html = html_of(marketer_client, page(import_run, "source"))
    assert "ana@example.com" in html
    assert '<option value="People" selected>' in html


# Associate fields


def test_the_fields_are_proposed(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    html = html_of(marketer_client, page(import_run, "fields"))
    assert [entry["target"] for entry in import_run.mapping] == ["email", "first_name", "date_of_birth", ""]
    chosen = re.findall(r'<option value="([^"]*)" selected data-family', html)
    assert chosen == ["email", "first_name", "date_of_birth", ""]
    assert re.search(r"<span data-taken>3</span>\s+of 4 are imported", html)
    assert "1964-05-01" in html


def test_the_mapping_is_kept(marketer_client: Client) -> None:
    news = ContactList.objects.create(name="News")
    import_run = draft(marketer_client)
    posted = mapping(import_run, c1__target="last_name", c2__target="", c3__target=f"list:{news.pk}")
    response = marketer_client.post(page(import_run, "fields"), posted)
    assert (response.status_code, response["Location"]) == (303, page(import_run, "options"))
    import_run.refresh_from_db()
    assert [entry["target"] for entry in import_run.mapping] == ["email", "last_name", "", f"list:{news.pk}"]


def test_two_columns_cannot_go_to_one_field(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run, c3__target="first_name"))
    html = response.content.decode()
    assert response.status_code == 422
    assert "The column “First name” goes there already. Only one can." in html
    assert re.findall(r'<option value="([^"]*)" selected data-family', html)[3] == "first_name"
    assert re.search(r'id="id_c3-target"[^>]* aria-invalid="true"', html)


def test_a_key_is_needed(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run, c0__target=""))
    assert response.status_code == 422
    assert "Choose the column that has the email or the external id" in response.content.decode()


def test_day_or_month_first_is_asked(marketer_client: Client) -> None:
    import_run = draft(marketer_client, "email,birthday\na@example.com,03/04/1970\nb@example.com,05/06/1980\n")
    assert import_run.mapping[1]["dates"] is None
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run))
    assert response.status_code == 422
    assert "Day or month first? The values do not tell" in response.content.decode()
    assert marketer_client.post(page(import_run, "fields"), mapping(import_run, c1__dates="mdy")).status_code == 303
    import_run.refresh_from_db()
    assert import_run.mapping[1] == {"target": "date_of_birth", "dates": "mdy", "decimal": "."}


def test_what_is_not_offered_is_refused(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    for target in ("purchases_count", "list:999", "x"):
        response = marketer_client.post(page(import_run, "fields"), mapping(import_run, c3__target=target))
        assert response.status_code == 422, target
        assert "This cannot be chosen any more." in response.content.decode()


def test_declare_a_field(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    assert "New custom field…" in html_of(marketer_client, page(import_run, "fields"))
    url = f"{page(import_run, 'fields')}3/?c3-target=new"
    html = html_of(marketer_client, url)
    assert 'value="Shoe size"' in html
    assert '<option value="integer" selected>' in html
    assert marketer_client.get(f"{page(import_run, 'fields')}99/").status_code == 404
    asked = marketer_client.post(page(import_run, "fields"), mapping(import_run, c3__target="new"))
    assert asked.status_code == 422
    assert 'value="Shoe size"' in asked.content.decode()
    declared = {"c3-target": "new", "c3-new-label": "Shoe size", "c3-new-type": "integer", "c3-new-key": ""}
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run) | declared)
    assert response.status_code == 303, response.content.decode()
    field = ContactField.objects.get()
    assert (field.key, field.type, field.label) == ("shoe_size", "integer", "Shoe size")
    import_run.refresh_from_db()
    assert import_run.mapping[3]["target"] == "custom.shoe_size"


def test_who_may_not_declare_fields(marketer: User) -> None:
    marketer.groups.get().permissions.remove(Permission.objects.get(codename="add_contactfield"))
    client = logged_in(marketer)
    import_run = draft(client)
    html = html_of(client, page(import_run, "fields"))
    assert "Administrators can declare new ones." in html
    assert "New custom field…" not in html
    assert client.get(f"{page(import_run, 'fields')}3/?c3-target=new").status_code == 403


def test_errors_in_a_declaration_stay_with_what_was_typed(administrator_client: Client) -> None:
    ContactField.objects.create(key="size", label="Size", type="text")
    import_run = draft(administrator_client, "email,a,b\na@example.com,1,2\n")
    url = page(import_run, "fields")
    new = {"c1-target": "new", "c1-new-label": "Big", "c1-new-type": "text", "c1-new-key": "size"}
    html = administrator_client.post(url, mapping(import_run) | new).content.decode()
    assert "There is a field with this key." in html
    assert 'value="Big"' in html
    one, other = new | {"c1-new-key": "big"}, {"c2-target": "new", "c2-new-label": "Big", "c2-new-type": "text"}
    html = administrator_client.post(url, mapping(import_run) | one | other).content.decode()
    assert "The column “a” goes there already." in html
    choice = new | {"c1-new-key": "", "c1-new-type": "choice", "c1-new-options_text": ""}
    assert "Enter at least one option." in administrator_client.post(url, mapping(import_run) | choice).content.decode()
    assert ContactField.objects.count() == 1


def test_saved_mappings_are_offered_again(marketer_client: Client) -> None:
    first = draft(marketer_client)
    marketer_client.post(page(first, "fields"), mapping(first, c1__target="last_name"))
    marketer_client.post(page(first, "options"), OPTIONS)
    work()
    marketer_client.post(page(first, "run"))
    second = draft(marketer_client)
    assert second.mapping[1]["target"] == "last_name"
    assert "You imported a file with these columns before" in html_of(marketer_client, page(second, "fields"))
    assert marketer_client.post(page(second, "fields"), {"anew": "1"}).status_code == 303
    second.refresh_from_db()
    assert second.mapping[1]["target"] == "first_name"


def test_hundreds_of_columns(marketer_client: Client) -> None:
    names = ["email", *(f"column {number}" for number in range(499))]
    text = f"{','.join(names)}\na@example.com{',x' * 499}\n"
    import_run = draft(marketer_client, text)
    html = html_of(marketer_client, page(import_run, "fields"))
    assert html.count("data-column=") == 500
    assert "Find a column" in html
    assert marketer_client.post(page(import_run, "fields"), mapping(import_run)).status_code == 303


# Options


def test_what_overwriting_means_is_said(marketer_client: Client) -> None:
    html = html_of(marketer_client, page(ready(marketer_client), "options"))
    assert "existing contacts are left as they are, and are not added to the segment or the lists" in html
    assert re.search(r'name="create"[^>]* checked', html)
    assert not re.search(r'name="overwrite"[^>]* checked', html)


def test_options_come_after_the_fields(marketer_client: Client) -> None:
    import_run = draft(marketer_client, "a,b\n1,2\n")
    assert marketer_client.get(page(import_run, "options"))["Location"] == page(import_run, "fields")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"create": ""}, "With both switched off nothing would happen."),
        ({"consent": "on", "consent_on": "2026-01-01"}, "Say where they agreed."),
        ({"consent": "on", "consent_source": "Fair"}, "Say when they agreed."),
        ({"consent": "on", "consent_source": "Fair", "consent_on": "2999-01-01"}, "This day is still to come."),
        ({"resubscribe": "on"}, "Say why."),
        ({"segment": "new"}, "Enter a name."),
        ({"segment": "new", "new_segment": "FAIR"}, "This name is taken."),
        ({"new_list": "news"}, "There is a list of this name."),
        ({"match": "external_id"}, "Select a valid choice."),
    ],
)
def test_options_that_are_refused(marketer_client: Client, now: Any, changed: dict[str, str], text: str) -> None:
    create_segment(name="Fair", kind=Segment.Kind.STATIC, now=now)
    ContactList.objects.create(name="News")
    import_run = ready(marketer_client)
    response = marketer_client.post(page(import_run, "options"), OPTIONS | {"new_list": "Typed"} | changed)
    html = response.content.decode()
    assert response.status_code == 422
    assert text in html
    assert "new_list" in changed or 'value="Typed"' in html
    assert not Job.objects.exists()


def test_options_are_kept_for_who_comes_back(marketer_client: Client) -> None:
    news = ContactList.objects.create(name="News")
    consent = {"consent": "on", "consent_source": "Fair stand", "consent_on": "2026-01-02"}
    again = {"resubscribe": "on", "resubscribe_reason": "They asked for it"}
    place = {"segment": "new", "new_segment": "Fair", "lists": [str(news.pk)]}
    import_run = ready(marketer_client)
    assert marketer_client.post(page(import_run, "options"), OPTIONS | consent | again | place).status_code == 303
    work()
    html = html_of(marketer_client, page(import_run, "options"))
    for text in ("Fair stand", "2026-01-02", "They asked for it", 'value="Fair"', 'value="new" selected'):
        assert text in html
    assert not Segment.objects.exists()
    assert marketer_client.get(page(import_run))["Location"] == page(import_run, "check")

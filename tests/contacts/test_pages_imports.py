"""Contacts > Imports: the history and the steps of the wizard."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact, ContactField, ContactList, Import
from contacts.views.imports import report
from crm.models import Job, User
from segments.editing import create_segment
from segments.models import Membership, Segment
from tests.conftest import logged_in
from tests.contacts.import_pages import OPTIONS, PEOPLE, checked, done, draft, mapping, page, upload, work

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"
STEPS = ("source", "fields", "options", "check")


def html_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    return response.content.decode()


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


# Associate fields


def test_the_fields_are_proposed(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    html = html_of(marketer_client, page(import_run, "fields"))
    assert [entry["target"] for entry in import_run.mapping] == ["email", "first_name", "date_of_birth", ""]
    chosen = re.findall(r'<option value="([^"]*)" selected data-family', html)
    assert chosen == ["email", "first_name", "date_of_birth", ""]
    assert re.search(r"<span data-taken>3</span>\s+of 4 are imported", html)
    assert "1964-05-01" in html
    assert "Administrators can declare new ones." in html
    assert "New custom field…" not in html


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
    for target in ("purchases_count", "list:999", "new", "x"):
        response = marketer_client.post(page(import_run, "fields"), mapping(import_run, c3__target=target))
        assert response.status_code == 422, target
        assert "This cannot be chosen any more." in response.content.decode()


def test_declare_a_field(administrator_client: Client) -> None:
    import_run = draft(administrator_client)
    assert "New custom field…" in html_of(administrator_client, page(import_run, "fields"))
    url = f"{page(import_run, 'fields')}3/?c3-target=new"
    html = html_of(administrator_client, url)
    assert 'value="Shoe size"' in html
    assert '<option value="integer" selected>' in html
    assert administrator_client.get(f"{page(import_run, 'fields')}99/").status_code == 404
    asked = administrator_client.post(page(import_run, "fields"), mapping(import_run, c3__target="new"))
    assert asked.status_code == 422
    assert 'value="Shoe size"' in asked.content.decode()
    declared = {"c3-target": "new", "c3-new-label": "Shoe size", "c3-new-type": "integer", "c3-new-key": ""}
    response = administrator_client.post(page(import_run, "fields"), mapping(import_run) | declared)
    assert response.status_code == 303, response.content.decode()
    field = ContactField.objects.get()
    assert (field.key, field.type, field.label) == ("shoe_size", "integer", "Shoe size")
    import_run.refresh_from_db()
    assert import_run.mapping[3]["target"] == "custom.shoe_size"


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


def ready(client: Client, text: str = PEOPLE) -> Import:
    """A draft whose fields are associated."""
    import_run = draft(client, text)
    assert client.post(page(import_run, "fields"), mapping(import_run)).status_code == 303
    return import_run


def test_what_overwriting_means_is_said(marketer_client: Client) -> None:
    html = html_of(marketer_client, page(ready(marketer_client), "options"))
    assert "existing contacts are left as they are, and are not added to the segment or the lists" in html
    assert re.search(r'name="create"[^>]* checked', html)
    assert not re.search(r'name="overwrite"[^>]* checked', html)


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


# Check, run, report


def test_check(marketer_client: Client) -> None:
    import_run = ready(marketer_client)
    response = marketer_client.post(page(import_run, "options"), OPTIONS)
    assert (response.status_code, response["Location"]) == (303, page(import_run, "check"))
    html = html_of(marketer_client, page(import_run, "check"))
    assert "Waiting for the worker" in html
    assert "Import 2 contacts" not in html
    assert marketer_client.get(page(import_run))["Location"] == page(import_run, "check")
    assert marketer_client.get(page(import_run, "fields"))["Location"] == page(import_run)
    work()
    html = html_of(marketer_client, page(import_run, "check"))
    assert numbers(html) == {"Will be created": 2, "Will be updated": 0, "Will be refused": 1}
    assert "Import 2 contacts" in html
    assert "A value is not valid" in html
    assert "1 May 1964" in html
    assert not Contact.objects.exists()


def numbers(html: str) -> dict[str, int]:
    found = re.findall(r"<dt>(?:<svg.*?</svg>)?(.*?)</dt><dd>(.*?)</dd>", html, re.DOTALL)
    return {label.strip(): int(number.replace(",", "")) for label, number in found if number.strip().isdigit()}


def test_run_and_report(marketer_client: Client) -> None:
    Contact.objects.create(email="bo@example.com", first_name="Before")
    import_run = checked(marketer_client, segment="new", new_segment="Fair", new_list="Visitors")
    response = marketer_client.post(page(import_run, "run"))
    assert (response.status_code, response["Location"]) == (303, page(import_run))
    assert "Waiting for the worker" in html_of(marketer_client, page(import_run))
    work()
    html = html_of(marketer_client, page(import_run))
    assert numbers(html) == {"Created": 1, "Updated": 0, "Left as they were": 1, "Refused": 1}
    segment = Segment.objects.get(name="Fair")
    assert f'href="/segments/{segment.pk}/"' in html
    assert f'href="/contacts/?import={import_run.pk}"' in html
    assert set(Membership.objects.values_list("contact__email", flat=True)) == {"ana@example.com"}
    subscribed = Contact.objects.filter(list_memberships__list__name="Visitors")
    assert [contact.email for contact in subscribed] == ["ana@example.com"]
    assert Contact.objects.get(email="bo@example.com").first_name == "Before"


def test_refused_rows(marketer_client: Client) -> None:
    import_run = done(marketer_client)
    response = marketer_client.get(f"{page(import_run)}refused.csv")
    assert response["Content-Disposition"] == 'attachment; filename="peoplecsv-refused.csv"'
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["line"], row["E-Mail"], row["First name"]) == ("4", "nobody", "Cy")
    assert "email" in row["reason"].lower()
    without = done(marketer_client, "email\nzoe@example.com\n")
    assert marketer_client.get(f"{page(without)}refused.csv").status_code == 404


def test_only_what_was_checked_is_run(marketer_client: Client) -> None:
    import_run = checked(marketer_client)
    marketer_client.post(page(import_run, "fields"), mapping(import_run, c1__target=""))
    response = marketer_client.post(page(import_run, "run"))
    assert response["Location"] == page(import_run, "check")
    assert "have not been checked as they are to be imported now" in html_of(marketer_client, response["Location"])
    assert marketer_client.post(page(import_run, "check")).status_code == 303
    work()
    assert marketer_client.post(page(import_run, "run"))["Location"] == page(import_run)
    assert marketer_client.post(page(import_run, "run"))["Location"] == page(import_run)
    assert Job.objects.filter(kind="contacts.import").count() == 1


def test_a_name_that_was_taken_meanwhile(marketer_client: Client, now: Any) -> None:
    import_run = checked(marketer_client, segment="new", new_segment="Fair", new_list="Visitors")
    create_segment(name="fair", kind=Segment.Kind.STATIC, now=now)
    response = marketer_client.post(page(import_run, "run"), follow=True)
    assert response.redirect_chain[-1][0] == page(import_run, "options")
    assert "Somebody has made “Fair” meanwhile." in response.content.decode()
    assert not ContactList.objects.exists()


def test_a_check_that_failed_says_so(marketer_client: Client) -> None:
    import_run = ready(marketer_client)
    Import.objects.update(error="The disk is full.")
    assert "The disk is full." in html_of(marketer_client, page(import_run, "check"))


def test_nothing_to_import(marketer_client: Client) -> None:
    html = html_of(
        marketer_client, page(checked(marketer_client, "email\na@example.com\n", create="", overwrite="on"), "check")
    )
    assert "Nothing would be imported." in html
    assert "/run/" not in html


def test_a_file_that_is_gone(marketer_client: Client) -> None:
    import_run = draft(marketer_client)
    import_run.file.delete(save=False)
    for step in ("source", "fields", "check"):
        response = marketer_client.get(page(import_run, step))
        assert response.status_code == 410, step
        assert "The file cannot be read any more" in response.content.decode()


# Undo


def test_undo(marketer_client: Client) -> None:
    import_run = done(marketer_client)
    Contact.objects.filter(email="bo@example.com").update(updated_at=timezone.now() + timedelta(hours=1))
    assert page(import_run, "undo") in html_of(marketer_client, page(import_run))
    html = html_of(marketer_client, page(import_run, "undo"))
    assert "1 contact that this import created is deleted." in html
    assert "1 contact changed since" in html
    assert marketer_client.post(page(import_run, "undo"))["Location"] == page(import_run)
    work()
    html = html_of(marketer_client, page(import_run))
    assert "1 contact was deleted." in html
    assert "1 changed since" in html
    assert [contact.email for contact in Contact.objects.all()] == ["bo@example.com"]
    assert marketer_client.get(page(import_run, "undo"))["Location"] == page(import_run)


def test_undoing_a_large_import(marketer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import_run = done(marketer_client)
    monkeypatch.setattr(report, "COUNTED_AT_ONCE", 1)
    html = html_of(marketer_client, page(import_run, "undo"))
    assert "Of the 2 contacts that this import created" in html
    assert "contacts changed since" in html


def test_the_profile_shows_the_imports(marketer: User, viewer: User) -> None:
    client = logged_in(marketer)
    first = done(client)
    second = done(client, "email,last name\nana@example.com,Alba\n", overwrite="on")
    ana = Contact.objects.get(email="ana@example.com")
    html = html_of(client, f"/contacts/{ana.pk}/")
    for import_run in (first, second):
        assert page(import_run) in html
    assert re.search(r"people\.csv</a>\s*<span[^>]*>created", html)
    assert "/contacts/imports/" not in html_of(logged_in(viewer), f"/contacts/{ana.pk}/")


# Events


def test_events(marketer_client: Client) -> None:
    Contact.objects.create(email="ana@example.com")
    text = "email,date,amount,order,Product group\nana@example.com,2026-03-01,59.80,A-1,Shoes\n"
    import_run = draft(marketer_client, text, kind="events")
    html = html_of(marketer_client, page(import_run, "fields"))
    assert "Whose event it is" in html
    chosen = {
        "c0-target": "email",
        "c1-target": "occurred_at",
        "c2-target": "value",
        "c3-target": "",
        "c4-target": "property:text",
        "c4-property_name": "Product group",
    }
    response = marketer_client.post(page(import_run, "fields"), mapping(import_run) | chosen)
    assert response.status_code == 422
    assert "A name of letters from a to z" in response.content.decode()
    chosen["c4-property_name"] = "category"
    assert marketer_client.post(page(import_run, "fields"), mapping(import_run) | chosen).status_code == 303
    assert "would double them" in html_of(marketer_client, page(import_run, "options"))
    assert marketer_client.post(page(import_run, "options"), {"event_type": ""}).status_code == 422
    assert (
        marketer_client.post(page(import_run, "options"), {"event_type": "new", "other_type": "A"}).status_code == 422
    )
    assert marketer_client.post(page(import_run, "options"), {"event_type": "purchase"}).status_code == 303
    work()
    assert "Import 1 event" in html_of(marketer_client, page(import_run, "check"))
    marketer_client.post(page(import_run, "run"))
    work()
    html = html_of(marketer_client, page(import_run))
    assert numbers(html) == {"Created": 1, "Refused": 0}
    assert "Purchased" in html
    event = Contact.objects.get().events.get()
    assert (event.type, event.properties) == ("purchase", {"category": "Shoes"})


def test_events_need_a_contact_and_a_time(marketer_client: Client) -> None:
    import_run = draft(marketer_client, "a,b\n1,2\n", kind="events")
    html = marketer_client.post(page(import_run, "fields"), {}).content.decode()
    assert "Choose the column that says whose event it is" in html
    assert "Choose the column that says when it happened." in html


# History


def test_nothing_imported_yet(marketer_client: Client) -> None:
    html = html_of(marketer_client, "/contacts/imports/")
    assert "Nothing was imported yet" in html
    assert 'href="/contacts/imports/new/"' in html


def names(client: Client, query: str = "") -> list[str]:
    return re.findall(r'<a class="title" href="/contacts/imports/\d+/">(.*?)</a>', html_of(client, query))


def test_history(marketer_client: Client) -> None:
    finished = done(marketer_client)
    waiting = draft(marketer_client, name="Straße.csv")
    events = draft(marketer_client, "email\na@example.com\n", name="orders.csv", kind="events")
    url = "/contacts/imports/"
    assert names(marketer_client, url) == [events.name, waiting.name, finished.name]
    assert names(marketer_client, f"{url}?q=STRASSE") == [waiting.name]
    assert names(marketer_client, f"{url}?kind=events") == [events.name]
    assert names(marketer_client, f"{url}?state=done") == [finished.name]
    assert names(marketer_client, f"{url}?state=nonsense&kind=nonsense") == [events.name, waiting.name, finished.name]
    assert "No import matches" in html_of(marketer_client, f"{url}?q=xyz")
    html = html_of(marketer_client, url)
    assert html.count("Continue") == 2


def test_pages_of_the_history(marketer_client: Client, now: Any) -> None:
    Import.objects.bulk_create(
        Import(name=f"n{number:02}", created_at=now + timedelta(minutes=number)) for number in range(30)
    )
    first = html_of(marketer_client, "/contacts/imports/")
    assert len(names(marketer_client, "/contacts/imports/")) == 25
    older = re.search(r'rel="next" href="([^"]*)"', first)
    assert older
    assert names(marketer_client, f"/contacts/imports/{older[1]}") == ["n04", "n03", "n02", "n01", "n00"]


def test_delete_a_draft(marketer_client: Client) -> None:
    import_run = checked(marketer_client)
    path = import_run.file.path
    assert "Delete the draft “people.csv”?" in html_of(marketer_client, page(import_run, "delete"))
    response = marketer_client.post(page(import_run, "delete"))
    assert (response.status_code, response["Location"]) == (303, "/contacts/imports/")
    assert not Import.objects.exists()
    assert path


def test_what_has_begun_is_not_deleted(marketer_client: Client) -> None:
    import_run = done(marketer_client)
    assert marketer_client.post(page(import_run, "delete"))["Location"] == page(import_run)
    assert Import.objects.get() == import_run


def test_hostile_texts_are_text(administrator_client: Client) -> None:
    ContactList.objects.create(name=HOSTILE)
    text = f'email,"{HOSTILE}"\n"{HOSTILE}","{HOSTILE}"\na@example.com,"{HOSTILE}"\n'
    import_run = draft(administrator_client, text, name="x.csv")
    Import.objects.update(name=HOSTILE)
    url = page(import_run, "fields")
    assert administrator_client.post(url, mapping(import_run, c1__target="last_name")).status_code == 303
    administrator_client.post(page(import_run, "options"), OPTIONS | {"new_list": f"{HOSTILE}2"})
    work()
    pages = ["/contacts/imports/", *(page(import_run, step) for step in (*STEPS, "delete"))]
    pages.append(f"{page(import_run, 'fields')}1/?c1-target=new")
    for one in pages:
        assert HOSTILE not in html_of(administrator_client, one), one
    administrator_client.post(page(import_run, "run"))
    work()
    assert HOSTILE not in html_of(administrator_client, page(import_run))
    assert HOSTILE not in html_of(administrator_client, page(import_run, "undo"))


# Queries


def test_queries_of_the_history(marketer_client: Client, now: Any, django_assert_num_queries: Any) -> None:
    for number in (1, 3):
        while Import.objects.count() < number:
            Import.objects.create(name="people.csv", created_at=now, user=User.objects.get())
        # Session, user, permissions, bell, and the imports.
        with django_assert_num_queries(5):
            assert len(names(marketer_client, "/contacts/imports/")) == number


def test_queries_of_the_steps(marketer_client: Client, now: Any, django_assert_num_queries: Any) -> None:
    rows = "email,a\n"
    for number in (1, 3):
        ContactList.objects.create(name=f"List {number}")
        create_segment(name=f"Segment {number}", kind=Segment.Kind.STATIC, now=now)
        ContactField.objects.create(key=f"f{number}", label=f"Field {number}", type="text")
        rows += "a@example.com,1\n" * number
        import_run = checked(marketer_client, rows)
        # Session, user, permissions, and the import; fields, lists, saved mapping; lists, segments; fields twice.
        for step, queries in {"source": 5, "fields": 8, "options": 7, "check": 7}.items():
            with django_assert_num_queries(queries):
                assert marketer_client.get(page(import_run, step)).status_code == 200

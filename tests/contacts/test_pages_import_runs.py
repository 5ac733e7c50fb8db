"""Contacts > Imports: the check, the run and its report, undoing, and the history."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.imports.sources import UnreadableFile
from contacts.models import Contact, ContactField, ContactList, Import
from contacts.views.imports import report
from crm.models import Job, User
from segments.editing import create_segment
from segments.models import Membership, Segment
from tests.conftest import logged_in
from tests.contacts.import_pages import (
    HOSTILE,
    OPTIONS,
    STEPS,
    checked,
    done,
    draft,
    html_of,
    mapping,
    page,
    ready,
    work,
)

pytestmark = pytest.mark.django_db


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


def test_a_field_that_was_deleted_meanwhile(marketer_client: Client) -> None:
    ContactField.objects.create(key="size", label="Size", type="text")
    import_run = checked(marketer_client, "email,size\na@example.com,L\n")
    assert import_run.mapping[1]["target"] == "custom.size"
    ContactField.objects.all().delete()
    response = marketer_client.get(page(import_run, "check"), follow=True)
    assert response.redirect_chain[-1][0] == page(import_run, "fields")
    assert "A field that a column goes to has been deleted." in response.content.decode()


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


def test_cancel_and_go_on(marketer_client: Client) -> None:
    import_run = ready(marketer_client)
    marketer_client.post(page(import_run, "options"), OPTIONS)
    marketer_client.post(f"/jobs/{Job.objects.get().pk}/cancel/")
    html = html_of(marketer_client, page(import_run, "check"))
    assert "have not been checked as they are to be imported now" in html
    marketer_client.post(page(import_run, "check"))
    work()
    marketer_client.post(page(import_run, "run"))
    job = Job.objects.get(kind="contacts.import")
    assert "Cancel" in html_of(marketer_client, page(import_run))
    marketer_client.post(f"/jobs/{job.pk}/cancel/")
    html = html_of(marketer_client, page(import_run))
    assert "This was cancelled." in html
    assert "Try again" in html
    assert not Contact.objects.exists()
    marketer_client.post(f"/jobs/{job.pk}/retry/")
    work()
    assert "The import is done" in html_of(marketer_client, page(import_run))
    assert Contact.objects.count() == 2


def test_an_import_that_failed(marketer_client: Client) -> None:
    import_run = checked(marketer_client)
    import_run.file.delete(save=False)
    marketer_client.post(page(import_run, "run"))
    with pytest.raises(UnreadableFile):
        work()
    html = html_of(marketer_client, page(import_run))
    assert "This stopped before it was done: The file of this import has been removed." in html
    assert "Try again" in html


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


def test_delete_a_draft(marketer_client: Client, django_capture_on_commit_callbacks: Any) -> None:
    import_run = checked(marketer_client)
    file = Path(import_run.file.path)
    assert "Delete the draft “people.csv”?" in html_of(marketer_client, page(import_run, "delete"))
    with django_capture_on_commit_callbacks(execute=True):
        response = marketer_client.post(page(import_run, "delete"))
    assert (response.status_code, response["Location"]) == (303, "/contacts/imports/")
    assert not Import.objects.exists()
    assert not file.exists()


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

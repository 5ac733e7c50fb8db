"""Contacts > Exports: the list, an export with its file, who may see and download what."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.exports import downloads
from contacts.models import Contact, Export, ExportDownload
from crm.models import Job, User
from segments.models import Segment
from tests.conftest import logged_in
from tests.contacts.exporting import exported, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_files")]

QUERIES = {"": 5, "new/": 4, "n/": 7, "n/rows/": 8, "n/properties/": 7, "n/format/": 6}


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def link_on(client: Client, export: Export) -> str:
    """The address behind the button Download."""
    found = re.search(
        rf'href="(/contacts/exports/{export.pk}/file/[^"]+)"', page(client, f"/contacts/exports/{export.pk}/")
    )
    assert found
    return html.unescape(found[1])


def finished(user: User, *, title: str = "Contacts", **values: Any) -> Export:
    """An export whose file is there, as far as the database says."""
    now = timezone.now()
    times = {"created_at": now, "started_at": now, "moment": now, "finished_at": now}
    return Export.objects.create(
        type="contacts",
        columns=["email"],
        title=title,
        user=user,
        rows=12_345,
        size=2_048,
        **times | {"expires_at": now + timedelta(days=7)} | values,
    )


# The list


def test_no_exports(marketer_client: Client) -> None:
    text = page(marketer_client, "/contacts/exports/")
    assert "No exports yet" in text
    assert 'href="/contacts/exports/new/"' in text


def test_the_list_shows_ones_own_and_administrators_everybodys(marketer: User, administrator: User) -> None:
    finished(marketer, title="Contacts: Segment: <i>")
    finished(administrator, title="All of them")
    finished(marketer, title="Gone", removed_at=timezone.now())
    own = page(logged_in(marketer), "/contacts/exports/")
    assert "Contacts: Segment: &lt;i&gt;" in own
    assert "12,345" in own
    assert "2.0\xa0KB" in own
    assert "All of them" not in own
    assert own.count("/file/") == 1
    assert "File removed" in own
    everybodys = page(logged_in(administrator), "/contacts/exports/")
    assert "All of them" in everybodys
    assert "Contacts: Segment: &lt;i&gt;" in everybodys


def test_the_list_asks_for_itself_while_something_is_under_way(marketer: User, now: datetime) -> None:
    client = logged_in(marketer)
    export = started(user=marketer, now=now)
    Job.objects.update(state=Job.State.RUNNING, done=30, total=60)
    text = page(client, "/contacts/exports/")
    assert 'hx-trigger="every 3s"' in text
    assert "50%" in text
    headers = {"HX-Request": "true", "HX-Target": "exports"}
    assert "<html" not in client.get("/contacts/exports/", headers=headers).content.decode()
    Job.objects.update(state=Job.State.FAILED, error="Disk full")
    assert 'hx-trigger="every' not in page(client, "/contacts/exports/")
    assert "Disk full" in page(client, f"/contacts/exports/{export.pk}/")


@pytest.mark.parametrize("number", [1, 3])
def test_queries(marketer: User, now: datetime, number: int) -> None:
    client = logged_in(marketer)
    for place in range(number):
        one = finished(marketer, title=f"Export {place}")
        started(user=marketer, now=now)
        Contact.objects.create(email=f"{place}@example.com")
        Segment.objects.create(name=f"Segment {place}", kind="static")
    draft = Export.objects.create(
        type="contacts", options={"whose": ["all"]}, columns=["email"], title="Contacts", user=marketer, created_at=now
    )
    counts = {}
    for address in ("", "new/", f"{one.pk}/", f"{draft.pk}/rows/", f"{draft.pk}/properties/", f"{draft.pk}/format/"):
        with CaptureQueriesContext(connection) as queries:
            page(client, f"/contacts/exports/{address}")
        counts[re.sub(r"\d+", "n", address)] = len(queries)
    assert counts == QUERIES


# Who may what


@pytest.mark.parametrize(
    "address", ["", "new/", "{pk}/", "{pk}/rows/", "{pk}/properties/", "{pk}/format/", "{pk}/remove/"]
)
def test_viewers_and_strangers(viewer_client: Client, draft_of_export: Export, address: str) -> None:
    url = f"/contacts/exports/{address.format(pk=draft_of_export.pk)}"
    assert viewer_client.get(url).status_code == 403
    assert viewer_client.post(url, {"type": "contacts"}).status_code in (403, 405)
    response = Client().get(url)
    assert response["Location"].startswith("/accounts/login/")


def test_nobody_goes_on_with_somebody_elses_draft(administrator_client: Client, draft_of_export: Export) -> None:
    for step in ("", "rows/", "properties/", "format/"):
        page(administrator_client, f"/contacts/exports/{draft_of_export.pk}/{step}", 404)


def test_somebody_elses_export(administrator: User, marketer: User) -> None:
    export = finished(administrator)
    signed = downloads.link_for(export, marketer)
    client = logged_in(marketer)
    for address in (f"/contacts/exports/{export.pk}/", f"/contacts/exports/{export.pk}/remove/", signed):
        page(client, address, 404)
    assert not ExportDownload.objects.exists()


def test_a_type_that_one_may_not_see(marketer: User, draft_of_export: Export) -> None:
    group = marketer.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_transition"))
    client = logged_in(marketer)
    assert "Transitions of a segment" not in page(client, "/contacts/exports/new/")
    assert client.post("/contacts/exports/new/", {"type": "transitions"}).status_code == 422
    Export.objects.update(type="transitions")
    assert client.get(f"/contacts/exports/{draft_of_export.pk}/rows/").status_code == 403


# Downloads


@pytest.mark.django_db(transaction=True)
def test_download(marketer: User, administrator: User, now: datetime) -> None:
    Contact.objects.create(email="ana@example.com")
    export = exported(user=marketer, now=timezone.now(), columns=("email",))
    client = logged_in(marketer)
    response = client.get(link_on(client, export))
    assert b"".join(response.streaming_content) == "\ufeffEmail\r\nana@example.com\r\n".encode()
    day = f"{export.moment:%Y-%m-%d}"
    assert response["Content-Disposition"] == f'attachment; filename="contacts-{day}.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"
    boss = logged_in(administrator)
    assert boss.get(link_on(boss, export)).status_code == 200
    assert list(ExportDownload.objects.values_list("export", "user")) == [
        (export.pk, administrator.pk),
        (export.pk, marketer.pk),
    ]
    log = page(boss, f"/contacts/exports/{export.pk}/")
    assert "Downloads" in log
    assert "marketer" in log
    assert ">Downloads<" not in page(client, f"/contacts/exports/{export.pk}/")


def test_a_link_is_for_one_person_and_for_a_while(
    marketer: User, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = finished(marketer)
    link = downloads.link_for(export, marketer)
    other = finished(marketer)
    wrong = [
        downloads.link_for(export, administrator),
        link[:-2] + "x/",
        link.replace(f"/{export.pk}/", f"/{other.pk}/", 1),
    ]
    monkeypatch.setattr("contacts.exports.downloads.LINKS_LAST", timedelta(seconds=-1))
    client = logged_in(marketer)
    for address in [*wrong, link]:
        response = client.get(address)
        assert response.status_code == 303
        assert "The link has expired. Here is a new one." in page(client, response["Location"])
    assert not ExportDownload.objects.exists()


@pytest.mark.parametrize(
    "values", [{"removed_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(hours=1)}, {}]
)
def test_no_file(marketer: User, values: dict[str, Any]) -> None:
    export = finished(marketer, **values)
    client = logged_in(marketer)
    response = client.get(downloads.link_for(export, marketer))
    assert response.status_code == 303
    text = page(client, response["Location"])
    assert ("There is no file of this export." if values else "The file of this export is gone.") in text
    assert not ExportDownload.objects.exists()


def test_remove_the_file_before_its_time(marketer: User) -> None:
    export = finished(marketer)
    client = logged_in(marketer)
    address = f"/contacts/exports/{export.pk}/remove/"
    assert "Remove file" in page(client, address)
    assert client.post(address).status_code == 303
    export.refresh_from_db()
    assert export.state == Export.State.REMOVED
    assert client.get(address).status_code == 303


def test_who_made_an_export_can_be_gone(administrator: User, marketer: User) -> None:
    export = finished(marketer)
    export.downloads.create(user=marketer, at=timezone.now())
    marketer.delete()
    text = page(logged_in(administrator), f"/contacts/exports/{export.pk}/")
    assert "Somebody who is gone" in text
    assert page(logged_in(administrator), "/contacts/exports/")

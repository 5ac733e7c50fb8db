"""Contacts > Exports: the wizard, the list, who may see and download what."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.exports import downloads, running
from contacts.models import Contact, Export, ExportDownload, PropertySet
from crm.models import Job, User
from segments.models import Segment
from tests.conftest import logged_in
from tests.contacts.exporting import exported, started

pytestmark = pytest.mark.django_db

QUERIES = {"": 5, "new/": 4, "n/": 7, "n/rows/": 8, "n/properties/": 7, "n/format/": 6}
CSV = {"format": "csv", "csv-delimiter": "comma", "csv-encoding": "utf-8", "csv-dates": "iso", "csv-harmless": "on"}


@pytest.fixture(autouse=True)
def no_files(settings: Any, tmp_path: Path) -> None:
    """Every test has a folder of its own."""
    options = settings.STORAGES["default"]["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


@pytest.fixture
def draft(marketer: User, now: datetime) -> Export:
    """A draft of all contacts whose properties are to be chosen."""
    return Export.objects.create(
        type="contacts",
        options={"whose": ["all"]},
        columns=["email", "country"],
        title="Contacts",
        user=marketer,
        created_at=now,
    )


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


# The wizard


def test_from_type_to_the_list(marketer_client: Client, marketer: User) -> None:
    Segment.objects.create(name="<b>Regulars", kind="static")
    segment = Segment.objects.get()
    response = marketer_client.post("/contacts/exports/new/", {"type": "contacts"})
    export = Export.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/contacts/exports/{export.pk}/rows/")
    response = marketer_client.post(response["Location"], {"whose": "segment", "segment": segment.pk})
    assert (response.status_code, response["Location"]) == (303, f"/contacts/exports/{export.pk}/properties/")
    assert "Contacts: Segment: &lt;b&gt;Regulars" in page(marketer_client, response["Location"])
    response = marketer_client.post(response["Location"], {"column": ["country", "email"], "next": "1"})
    assert (response.status_code, response["Location"]) == (303, f"/contacts/exports/{export.pk}/format/")
    response = marketer_client.post(response["Location"], CSV | {"csv-delimiter": "tab"})
    assert (response.status_code, response["Location"]) == (303, f"/contacts/exports/{export.pk}/")
    export.refresh_from_db()
    assert export.columns == ["country", "email"]
    assert export.format_options == {"delimiter": ["tab"], "encoding": ["utf-8"], "dates": ["iso"], "harmless": ["on"]}
    job = Job.objects.get()
    assert (export.job, job.kind, job.params, job.user) == (job, running.JOB, {"export": export.pk}, marketer)
    summary = page(marketer_client, response["Location"])
    assert "Go to export list" in summary
    assert "Waiting for the worker" in summary
    assert "Country, Email" in summary
    assert "Waiting" in page(marketer_client, "/contacts/exports/")


@pytest.mark.parametrize("query", ["filter=country%3DES%26newsletter%3Dsubscribed", "segment={pk}"])
def test_begun_from_a_list_or_a_segment(marketer_client: Client, query: str) -> None:
    segment = Segment.objects.create(name="Regulars", kind="static")
    response = marketer_client.post(f"/contacts/exports/new/?{query.format(pk=segment.pk)}", {"type": "contacts"})
    rows = page(marketer_client, response["Location"])
    checked = re.findall(r'<input type="radio" name="whose" value="(\w+)"[^>]* checked', rows)
    if "filter" in query:
        assert checked == ["filter"]
        assert "What the contact list shows: Newsletter: Subscribed, Country: Spain" in rows
        values = {"whose": "filter", "filter": "country=ES&newsletter=subscribed"}
    else:
        assert checked == ["segment"]
        assert f'<option value="{segment.pk}" selected>Regulars' in rows
        values = {"whose": "segment", "segment": str(segment.pk)}
    assert marketer_client.post(response["Location"], values).status_code == 303


def test_where_an_export_begins(marketer: User, viewer: User) -> None:
    Segment.objects.create(name="Regulars", kind="static")
    pk = Segment.objects.get().pk
    Contact.objects.create(email="ana@example.com", country="ES")
    links = {
        "/contacts/?country=ES": 'href="/contacts/exports/new/?filter=country%3DES"',
        "/contacts/": 'href="/contacts/exports/new/"',
        f"/segments/{pk}/": f'href="/contacts/exports/new/?segment={pk}"',
    }
    for address, link in links.items():
        assert link in page(logged_in(marketer), address)
        assert "/contacts/exports/" not in page(logged_in(viewer), address)


def test_filtering_without_reloading_keeps_the_button_right(marketer_client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "results"}
    fragment = marketer_client.get("/contacts/?q=ana", headers=headers).content.decode()
    assert 'id="export" hx-swap-oob="true" href="/contacts/exports/new/?filter=q%3Dana"' in fragment


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "This field is required."),
        ({"whose": "segment"}, "Choose one."),
        ({"whose": "segment", "segment": "99"}, "Choose another: this one no longer exists."),
        ({"whose": "filter", "filter": "country=XX"}, "One of the filters is not valid."),
    ],
)
def test_wrong_rows(marketer_client: Client, draft: Export, values: dict[str, str], text: str) -> None:
    response = marketer_client.post(f"/contacts/exports/{draft.pk}/rows/", values)
    assert response.status_code == 422
    assert text in response.content.decode()


def test_wrong_days_keep_what_was_typed(marketer_client: Client) -> None:
    marketer_client.post("/contacts/exports/new/", {"type": "events"})
    address = f"/contacts/exports/{Export.objects.get().pk}/rows/"
    response = marketer_client.post(address, {"whose": "all", "first": "2026-03-02", "last": "2026-03-01"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "This day is before the first one." in text
    assert 'value="2026-03-02"' in text


@pytest.mark.parametrize(
    ("button", "columns"),
    [
        ({"add": "points"}, ["email", "country", "points"]),
        ({"add": "nonsense"}, ["email", "country"]),
        ({"leave_out": "email"}, ["country"]),
        ({"down": "email"}, ["country", "email"]),
        ({"up": "country"}, ["country", "email"]),
        ({"up": "email"}, ["email", "country"]),
        ({"up": "points"}, ["email", "country"]),
        ({"group": "Lists and segments"}, ["email", "country", "lists", "segments"]),
    ],
)
def test_buttons_of_the_properties(
    marketer_client: Client, draft: Export, button: dict[str, str], columns: list[str]
) -> None:
    address = f"/contacts/exports/{draft.pk}/properties/"
    values = {"column": ["email", "country"], **button}
    response = marketer_client.post(address, values)
    assert (response.status_code, response["Location"]) == (303, address)
    draft.refresh_from_db()
    assert draft.columns == columns
    draft.columns = ["email", "country"]
    draft.save()
    fragment = marketer_client.post(address, values, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r'name="column" value="(.*?)"', fragment) == columns
    assert "<html" not in fragment


def test_at_least_one_property(marketer_client: Client, draft: Export) -> None:
    response = marketer_client.post(f"/contacts/exports/{draft.pk}/properties/", {"next": "1"})
    assert response.status_code == 422
    assert "Choose at least one property" in response.content.decode()
    response = marketer_client.get(f"/contacts/exports/{draft.pk}/format/")
    assert response["Location"] == f"/contacts/exports/{draft.pk}/properties/"


def test_saved_sets(marketer_client: Client, draft: Export, marketer: User) -> None:
    address = f"/contacts/exports/{draft.pk}/properties/"
    columns = {"column": ["points", "email"]}
    response = marketer_client.post(address, columns | {"name": " ", "save_set": "1"})
    assert response.status_code == 422
    assert "Type a name for the set." in response.content.decode()
    for chosen in (["email"], ["points", "email"]):
        marketer_client.post(address, {"column": chosen, "name": "For <print>", "save_set": "1"})
    saved = PropertySet.objects.get()
    assert (saved.name, saved.columns, saved.user, saved.type) == (
        "For <print>",
        ["points", "email"],
        marketer,
        "contacts",
    )
    assert "For &lt;print&gt; (2)" in page(marketer_client, address)
    marketer_client.post(address, {"column": ["country"], "set": saved.pk, "use_set": "1"})
    draft.refresh_from_db()
    assert draft.columns == ["points", "email"]
    marketer_client.post(address, columns | {"set": saved.pk, "delete_set": "1"})
    assert not PropertySet.objects.exists()


def test_wrong_options_of_a_format(marketer_client: Client, draft: Export) -> None:
    address = f"/contacts/exports/{draft.pk}/format/"
    for values in ({}, {"format": "pdf"}, {"format": "csv"}, CSV | {"csv-encoding": "rot13"}):
        assert marketer_client.post(address, values).status_code == 422
    assert not Job.objects.exists()


def test_a_draft_goes_on_where_it_was_left(marketer_client: Client, draft: Export) -> None:
    address = f"/contacts/exports/{draft.pk}/"
    assert marketer_client.get(address)["Location"] == f"{address}properties/"
    Export.objects.update(title="")
    assert marketer_client.get(address)["Location"] == f"{address}rows/"
    assert marketer_client.get(f"{address}format/")["Location"] == f"{address}rows/"
    assert marketer_client.get(f"{address}properties/")["Location"] == f"{address}rows/"


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
def test_viewers_and_strangers(viewer_client: Client, draft: Export, address: str) -> None:
    url = f"/contacts/exports/{address.format(pk=draft.pk)}"
    assert viewer_client.get(url).status_code == 403
    assert viewer_client.post(url, {"type": "contacts"}).status_code in (403, 405)
    response = Client().get(url)
    assert response["Location"].startswith("/accounts/login/")


def test_nobody_goes_on_with_somebody_elses_draft(administrator_client: Client, draft: Export) -> None:
    for step in ("", "rows/", "properties/", "format/"):
        page(administrator_client, f"/contacts/exports/{draft.pk}/{step}", 404)


def test_somebody_elses_export(administrator: User, marketer: User) -> None:
    export = finished(administrator)
    signed = downloads.link_for(export, marketer)
    client = logged_in(marketer)
    for address in (f"/contacts/exports/{export.pk}/", f"/contacts/exports/{export.pk}/remove/", signed):
        page(client, address, 404)
    assert not ExportDownload.objects.exists()


def test_a_type_that_one_may_not_see(marketer: User, draft: Export) -> None:
    group = marketer.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_transition"))
    client = logged_in(marketer)
    assert "Transitions of a segment" not in page(client, "/contacts/exports/new/")
    assert client.post("/contacts/exports/new/", {"type": "transitions"}).status_code == 422
    Export.objects.update(type="transitions")
    assert client.get(f"/contacts/exports/{draft.pk}/rows/").status_code == 403


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

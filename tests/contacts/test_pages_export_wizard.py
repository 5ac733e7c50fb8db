"""The steps of a new export."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from contacts.exports import running
from contacts.models import Contact, Export, PropertySet
from crm.models import Job, User
from segments.models import Segment
from tests.conftest import logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_files")]

CSV = {"format": "csv", "csv-delimiter": "comma", "csv-encoding": "utf-8", "csv-dates": "iso", "csv-harmless": "on"}


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


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
def test_wrong_rows(marketer_client: Client, draft_of_export: Export, values: dict[str, str], text: str) -> None:
    response = marketer_client.post(f"/contacts/exports/{draft_of_export.pk}/rows/", values)
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
    marketer_client: Client, draft_of_export: Export, button: dict[str, str], columns: list[str]
) -> None:
    address = f"/contacts/exports/{draft_of_export.pk}/properties/"
    values = {"column": ["email", "country"], **button}
    response = marketer_client.post(address, values)
    assert (response.status_code, response["Location"]) == (303, address)
    draft_of_export.refresh_from_db()
    assert draft_of_export.columns == columns
    draft_of_export.columns = ["email", "country"]
    draft_of_export.save()
    fragment = marketer_client.post(address, values, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r'name="column" value="(.*?)"', fragment) == columns
    assert "<html" not in fragment


def test_at_least_one_property(marketer_client: Client, draft_of_export: Export) -> None:
    response = marketer_client.post(f"/contacts/exports/{draft_of_export.pk}/properties/", {"next": "1"})
    assert response.status_code == 422
    assert "Choose at least one property" in response.content.decode()
    response = marketer_client.get(f"/contacts/exports/{draft_of_export.pk}/format/")
    assert response["Location"] == f"/contacts/exports/{draft_of_export.pk}/properties/"


def test_saved_sets(marketer_client: Client, draft_of_export: Export, marketer: User) -> None:
    address = f"/contacts/exports/{draft_of_export.pk}/properties/"
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
    draft_of_export.refresh_from_db()
    assert draft_of_export.columns == ["points", "email"]
    marketer_client.post(address, columns | {"set": saved.pk, "delete_set": "1"})
    assert not PropertySet.objects.exists()


def test_wrong_options_of_a_format(marketer_client: Client, draft_of_export: Export) -> None:
    address = f"/contacts/exports/{draft_of_export.pk}/format/"
    for values in ({}, {"format": "pdf"}, {"format": "csv"}, CSV | {"csv-encoding": "rot13"}):
        assert marketer_client.post(address, values).status_code == 422
    assert not Job.objects.exists()


def test_a_draft_goes_on_where_it_was_left(marketer_client: Client, draft_of_export: Export) -> None:
    address = f"/contacts/exports/{draft_of_export.pk}/"
    assert marketer_client.get(address)["Location"] == f"{address}properties/"
    Export.objects.update(title="")
    assert marketer_client.get(address)["Location"] == f"{address}rows/"
    assert marketer_client.get(f"{address}format/")["Location"] == f"{address}rows/"
    assert marketer_client.get(f"{address}properties/")["Location"] == f"{address}rows/"

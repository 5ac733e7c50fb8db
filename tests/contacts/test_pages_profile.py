"""A contact's profile: its tabs, and what can be done from it."""

import json
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.editing import create_contact
from contacts.events import NewEvent, record
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactField, ContactList, Event, ListMembership
from crm.models import User
from segments.models import Segment
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(now: datetime) -> Contact:
    ContactField.objects.create(
        key="tier", label="Tier", type="choice", options=[{"value": "gold", "label": "Gold customer"}]
    )
    ContactField.objects.create(key="site", label="Website", type="url")
    ContactField.objects.create(key="old", label="Old field", type="text", archived=True)
    values = {
        "email": "ada@example.com",
        "external_id": "C-7",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "+34612345678",
        "date_of_birth": date(1990, 12, 10),
        "country": "GB",
        "newsletter": "subscribed",
        "custom.tier": "gold",
        "custom.site": "https://ada.example.com/?a=1&b=2",
        "custom.old": "hidden",
    }
    return create_contact(values, now=now)


def definitions(html: str) -> dict[str, str]:
    pairs = re.findall(r"<dt>(.*?)</dt><dd.*?>(.*?)</dd>", html, re.DOTALL)
    return {label: re.sub(r"<.*?>", "", text) for label, text in pairs}


def test_head_and_general(viewer_client: Client, contact: Contact, now: datetime) -> None:
    record([NewEvent("purchase", now, contact_id=contact.pk, value=value) for value in (10, 15, 20)], now=now)
    html = viewer_client.get(f"/contacts/{contact.pk}/").content.decode()
    assert "Newsletter: Subscribed" in html
    assert "Email: OK" in html
    shown = definitions(html)
    assert shown["Purchases"] == "3"
    assert shown["Total"] == shown["Total of purchases"] == "45.00"
    assert shown["Average purchase"] == "15.00"
    assert shown["Phone"] == "+34 612 34 56 78"
    assert shown["Date of birth"] == "10 Dec 1990"
    assert shown["Country"] == "United Kingdom"
    assert shown["City"] == "–"


def test_custom_fields(viewer_client: Client, contact: Contact) -> None:
    html = viewer_client.get(f"/contacts/{contact.pk}/custom/").content.decode()
    shown = definitions(html)
    assert shown["Tier"] == "Gold customer"
    assert 'href="https://ada.example.com/?a=1&amp;b=2" rel="noopener noreferrer"' in html
    assert "Old field" not in html
    assert "hidden" not in re.sub(r'type="hidden"|aria-hidden|<input.*?>', "", html)


def test_empty_tabs(administrator_client: Client, now: datetime) -> None:
    nobody = Contact.objects.create(visitor_key="v", created_at=now)
    for key, text in {
        "custom": "No custom fields",
        "activity": "Nothing has happened yet",
        "lists": "On no list",
        "segments": "In no segment",
    }.items():
        html = administrator_client.get(f"/contacts/{nobody.pk}/{key}/").content.decode()
        assert text in html
        assert "Anonymous visitor" in html


def test_activity_goes_on_with_and_without_htmx(viewer_client: Client, contact: Contact, now: datetime) -> None:
    record(
        [NewEvent(f"step_{number:02}", now - timedelta(minutes=number), contact_id=contact.pk) for number in range(60)],
        now=now,
    )
    url = f"/contacts/{contact.pk}/activity/"
    titles = re.compile(r"Step (\d\d)")
    first = viewer_client.get(url).content.decode()
    assert [int(number) for number in titles.findall(first)] == list(range(25))
    found = re.search(r'href="(\?after=.*?)" hx-get="(.*?)"', first)
    assert found
    assert found[1] == found[2]
    second = viewer_client.get(url + found[1])
    assert [int(number) for number in titles.findall(second.content.decode())] == list(range(25, 50))
    assert b"Back to the newest" in second.content
    fragment = viewer_client.get(url + found[1], headers={"HX-Request": "true"}).content.decode()
    assert [int(number) for number in titles.findall(fragment)] == list(range(25, 50))
    assert "<html" not in fragment
    assert "<ol" not in fragment
    assert viewer_client.get(url + "?after=x").status_code == 404


def test_lists(marketer_client: Client, contact: Contact, now: datetime) -> None:
    news, trade = ContactList.objects.create(name="News"), ContactList.objects.create(name="Trade")
    url = f"/contacts/{contact.pk}/lists/"
    assert re.findall(r"<option value=\"\d+\">(.*?)<", marketer_client.get(url).content.decode()) == ["News", "Trade"]
    response = marketer_client.post(url, {"list": news.pk})
    assert (response.status_code, response["Location"]) == (303, url)
    html = marketer_client.get(url).content.decode()
    assert "Subscribed to “News”." in html
    assert re.findall(r"<option value=\"\d+\">(.*?)<", html) == ["Trade"]
    assert set(Contact.objects.on_list(news.pk)) == {contact}
    marketer_client.post(url, {"list": news.pk, "unsubscribe": "1"})
    html = marketer_client.get(url).content.decode()
    assert "Unsubscribed from “News”." in html
    assert re.findall(r"<option value=\"\d+\">(.*?)<", html) == ["News", "Trade"]
    assert ListMembership.objects.get().unsubscribed_at is not None
    marketer_client.post(url, {"list": "999"})
    assert "Perhaps the one you chose was deleted." in marketer_client.get(url).content.decode()
    assert not trade.memberships.exists()


def test_download_all_data(marketer_client: Client, contact: Contact, now: datetime) -> None:
    record([NewEvent("page_visit", now, contact_id=contact.pk, properties={"url": "/é"})], now=now)
    response = marketer_client.get(f"/contacts/{contact.pk}/data.json")
    assert response["Content-Disposition"] == f'attachment; filename="contact-{contact.pk}.json"'
    assert response["Cache-Control"] == "no-store"
    data = json.loads(response.content)
    assert data["contact"]["email"] == "ada@example.com"
    assert data["contact"]["date_of_birth"] == "1990-12-10"
    assert data["contact"]["custom"]["old"] == "hidden"
    assert data["events"][0]["properties"] == {"url": "/é"}
    of_contacts = {"contact", "lists", "events", "imports"}
    assert set(data) == of_contacts | {"segments", "facebook", "emails", "workflows", "web_contents"}


def test_anonymise(marketer_client: Client, contact: Contact) -> None:
    url = f"/contacts/{contact.pk}/anonymise/"
    assert b"Anonymise Ada Lovelace?" in marketer_client.get(url).content
    assert Contact.objects.get().email == "ada@example.com"
    response = marketer_client.post(url)
    assert (response.status_code, response["Location"]) == (303, f"/contacts/{contact.pk}/")
    html = marketer_client.get(response["Location"]).content.decode()
    assert "The contact was made anonymous." in html
    assert "Ada" not in html
    assert Contact.objects.get().email is None


def test_delete(marketer_client: Client, contact: Contact) -> None:
    other = Contact.objects.create(email="bob@example.com")
    url = f"/contacts/{contact.pk}/delete/"
    assert b"Delete Ada Lovelace?" in marketer_client.get(url).content
    assert Contact.objects.count() == 2
    response = marketer_client.post(url)
    assert (response.status_code, response["Location"]) == (303, "/contacts/")
    assert "“Ada Lovelace” was deleted." in marketer_client.get("/contacts/").content.decode()
    assert set(Contact.objects.all()) == {other}
    assert marketer_client.post(url).status_code == 404


def test_hostile_names_are_text(administrator_client: Client, now: datetime) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    contact = create_contact({"email": "h@example.com", "first_name": hostile, "city": hostile}, now=now)
    record(
        [NewEvent("page_visit", now, contact_id=contact.pk, properties={hostile: hostile, "items": [hostile]})], now=now
    )
    subscribe(ContactList.objects.create(name=hostile), Contact.objects.all(), now=now)
    Segment.objects.create(name=hostile, kind="static")
    for page in ("", "custom/", "activity/", "lists/", "segments/", "edit/", "delete/", "anonymise/"):
        html = administrator_client.get(f"/contacts/{contact.pk}/{page}").content.decode()
        assert "<img src=x" not in html, page
        assert "<script>alert" not in html, page


TABS = ["general", "custom", "activity", "lists", "segments"]
ACTIONS = ["edit", "data.json", "anonymise", "delete"]


def offered(client: Client, contact: Contact) -> tuple[list[str], list[str]]:
    """The tabs and the actions that the profile offers."""
    html = client.get(f"/contacts/{contact.pk}/").content.decode()
    links = re.findall(rf'href="/contacts/{contact.pk}/([a-z.]*)/?"', html)
    return [key or "general" for key in links if (key or "general") in TABS], sorted(set(links) & set(ACTIONS))


def test_roles(viewer: User, marketer: User, contact: Contact, now: datetime) -> None:
    ContactList.objects.create(name="News")
    as_viewer, as_marketer = logged_in(viewer), logged_in(marketer)
    assert offered(as_viewer, contact) == (TABS, ["data.json"])
    assert offered(as_marketer, contact) == (TABS, sorted(ACTIONS))
    for key in TABS:
        assert as_viewer.get(f"/contacts/{contact.pk}/{key}/").status_code == 200
        assert Client().get(f"/contacts/{contact.pk}/{key}/").status_code == 302
    for key in ("edit", "anonymise", "delete"):
        assert as_viewer.get(f"/contacts/{contact.pk}/{key}/").status_code == 403
        assert as_viewer.post(f"/contacts/{contact.pk}/{key}/").status_code == 403
    list_id = ContactList.objects.get().pk
    assert as_viewer.post(f"/contacts/{contact.pk}/lists/", {"list": list_id}).status_code == 403
    unsubscription = {"list": list_id, "unsubscribe": "1"}
    assert as_viewer.post(f"/contacts/{contact.pk}/lists/", unsubscription).status_code == 403
    assert b"<select" not in as_viewer.get(f"/contacts/{contact.pk}/lists/").content
    assert as_marketer.post(f"/contacts/{contact.pk}/").status_code == 405
    assert as_marketer.get(f"/contacts/{contact.pk}/nonsense/").status_code == 404
    assert as_marketer.get("/contacts/999999/").status_code == 404
    assert not ListMembership.objects.exists()


def test_without_permission_a_tab_is_not_there(marketer: User, contact: Contact) -> None:
    from django.contrib.auth.models import Permission

    marketer.groups.clear()
    marketer.user_permissions.add(Permission.objects.get(codename="view_contact", content_type__app_label="contacts"))
    client = logged_in(marketer)
    assert offered(client, contact) == (["general", "custom"], [])
    assert client.get(f"/contacts/{contact.pk}/activity/").status_code == 403
    assert client.get(f"/contacts/{contact.pk}/data.json").status_code == 403


def test_queries_do_not_grow(
    marketer_client: Client, contact: Contact, now: datetime, django_assert_num_queries: Any
) -> None:
    for number in range(2):
        contact_list = ContactList.objects.create(name=f"List {number}")
        subscribe(contact_list, Contact.objects.filter(pk=contact.pk), now=now)
        unsubscribe(contact_list, Contact.objects.filter(pk=contact.pk), now=now)
        Event.objects.create(contact=contact, type="purchase", occurred_at=now, received_at=now)
        Segment.objects.create(name=f"Segment {number}", kind="static")
        # Session, user, permissions and contact come first.
        for key, queries in {"general": 7, "custom": 6, "activity": 7, "lists": 7, "segments": 7}.items():
            with django_assert_num_queries(queries):
                marketer_client.get(reverse("contacts:profile", args=[contact.pk, key]))

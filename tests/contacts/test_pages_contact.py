"""Adding and editing a contact in the browser's forms."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from django.test import Client

from contacts.editing import create_contact, update_contact
from contacts.models import Contact, ContactField
from crm.models import User
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def custom_fields() -> None:
    options = [{"value": "gold", "label": "Gold"}, {"value": "silver", "label": "Silver"}]
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=options)
    ContactField.objects.create(key="size", label="Size", type="decimal")
    ContactField.objects.create(key="likes", label="Likes", type="choices", options=options)
    ContactField.objects.create(key="vip", label="VIP", type="boolean")
    ContactField.objects.create(key="met", label="Met", type="datetime")
    ContactField.objects.create(key="old", label="Old", type="text", archived=True)


def page_values(html: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands, the hidden initial values included."""
    form = re.search(r'<form class="stack.*?</form>', html, re.DOTALL)
    assert form
    values: dict[str, list[str]] = {}

    def put(name: str, value: str) -> None:
        values.setdefault(name, []).append(value.replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&"))

    for tag in re.findall(r"<input .*?>", form[0], re.DOTALL):
        attributes = dict(re.findall(r'([\w-]+)="(.*?)"', tag, re.DOTALL))
        checkable = attributes["type"] in ("checkbox", "radio")
        if not checkable or re.search(r"\bchecked\b", tag):
            put(attributes["name"], attributes.get("value", ""))
    for name, body in re.findall(r'<textarea name="(.*?)".*?>\n?(.*?)</textarea>', form[0], re.DOTALL):
        put(name, body)
    for name, body in re.findall(r'<select name="(.*?)".*?>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', body) or re.findall(r'<option value="([^"]*)"', body)
        put(name, chosen[0])
    return values


def test_add_a_contact(marketer_client: Client, custom_fields: None) -> None:
    values = page_values(marketer_client.get("/contacts/new/").content.decode())
    assert values["newsletter"] == ["never"]
    assert values["email_status"] == ["ok"]
    values |= {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "phone": "+34 612 345 678",
        "country": "GB",
        "date_of_birth": "1815-12-10",
        "newsletter": "subscribed",
        "custom_tier": "gold",
        "custom_size": "42.5",
        "custom_likes": ["silver", "gold"],
        "custom_vip": "false",
    }
    response = marketer_client.post("/contacts/new/", values)
    contact = Contact.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/contacts/{contact.pk}/")
    assert (contact.email, contact.phone, contact.country) == ("ada@example.com", "+34612345678", "GB")
    assert (contact.date_of_birth, contact.newsletter) == (date(1815, 12, 10), "subscribed")
    assert contact.newsletter_at == contact.created_at
    assert contact.custom == {"tier": "gold", "size": 42.5, "likes": ["silver", "gold"], "vip": False}
    assert b"was added." in marketer_client.get(response["Location"]).content


@pytest.mark.parametrize(
    ("name", "typed", "text"),
    [
        ("email", "not an address", "Enter a valid email address."),
        ("phone", "12", "Enter a valid phone number with its country code"),
        ("date_of_birth", "yesterday", "Enter a valid date."),
        ("country", "XX", "Select a valid choice."),
        ("points", "many", "Enter a whole number."),
        ("custom_tier", "bronze", "Select a valid choice."),
        ("custom_size", "big", "Enter a number."),
        ("first_name", "x" * 151, "at most 150 characters"),
        ("first_name", "a\x00b", "Null characters are not allowed."),
    ],
)
def test_errors_stand_by_the_field_and_keep_what_was_typed(
    marketer_client: Client, custom_fields: None, name: str, typed: str, text: str
) -> None:
    values = {"email": "ada@example.com", "last_name": "Lovelace", "newsletter": "never", "email_status": "ok"}
    response = marketer_client.post("/contacts/new/", {**values, name: typed})
    html = response.content.decode()
    assert response.status_code == 422
    assert re.search(rf'<ul class="errors" id="id_{name}_error"><li>[^<]*{re.escape(text)}', html)
    kept = page_values(html)
    assert kept["last_name"] == ["Lovelace"]
    if not html.count(f'<select name="{name}"'):
        assert kept[name] == [typed]
    assert not Contact.objects.exists()


def test_somebody_who_cannot_be_told_apart_is_not_added(marketer_client: Client) -> None:
    values = {"first_name": "Ada", "newsletter": "never", "email_status": "ok"}
    response = marketer_client.post("/contacts/new/", values)
    assert response.status_code == 422
    assert b"Enter an email, a phone number or an external id" in response.content
    for identity in ({"phone": "+34612345678"}, {"external_id": "7"}):
        assert marketer_client.post("/contacts/new/", {**values, **identity}).status_code == 303


def test_a_taken_email_leads_to_its_contact(marketer_client: Client, now: datetime) -> None:
    ada = create_contact({"email": "ada@example.com", "first_name": "<b>Ada</b>", "external_id": "7"}, now=now)
    values = {"email": "ADA@example.com", "external_id": "7", "newsletter": "never", "email_status": "ok"}
    html = marketer_client.post("/contacts/new/", values).content.decode()
    link = f'<a href="/contacts/{ada.pk}/">&lt;b&gt;Ada&lt;/b&gt;</a>'
    assert f"{link} has this email already." in html
    assert f"{link} has this external id already." in html
    bob = create_contact({"email": "bob@example.com"}, now=now)
    html = marketer_client.post(f"/contacts/{bob.pk}/edit/", {**values, "external_id": ""}).content.decode()
    assert f"{link} has this email already." in html
    assert page_values(html)["email"] == ["ADA@example.com"]


def test_an_email_taken_at_the_same_moment(
    marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form's own look-up came too early: the database refuses, and the error reads the same."""
    ada = create_contact({"email": "ada@example.com"}, now=now)
    bob = create_contact({"email": "bob@example.com"}, now=now)
    monkeypatch.setattr("contacts.forms.taken_by", lambda *args, **kwargs: None)
    values = {"email": "ada@example.com", "newsletter": "never", "email_status": "ok"}
    for url in ("/contacts/new/", f"/contacts/{bob.pk}/edit/"):
        response = marketer_client.post(url, values)
        assert response.status_code == 422
        assert f'href="/contacts/{ada.pk}/">ada@example.com</a> has this email already.' in response.content.decode()


def test_saving_the_page_as_it_is_changes_nothing(marketer_client: Client, custom_fields: None, now: datetime) -> None:
    values = {
        "email": "ada@example.com",
        "first_name": "A \"quoted\" <name> & 'more'",
        "phone": "+34612345678",
        "date_of_birth": date(1990, 2, 28),
        "language": "es",
        "newsletter": "pending",
        "custom.tier": "gold",
        "custom.size": 42.25,
        "custom.likes": ["gold"],
        "custom.vip": True,
        "custom.met": now,
        "custom.old": "kept",
    }
    contact = create_contact(values, now=now)
    before = Contact.objects.filter(pk=contact.pk).values().get()
    url = f"/contacts/{contact.pk}/edit/"
    sent = page_values(marketer_client.get(url).content.decode())
    assert (sent["custom_vip"], sent["custom_size"], sent["custom_met"]) == (["true"], ["42.25"], ["2026-03-10T12:00"])
    assert marketer_client.post(url, sent).status_code == 303
    assert Contact.objects.filter(pk=contact.pk).values().get() == before


def test_what_others_wrote_meanwhile_stays(marketer_client: Client, custom_fields: None, now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com", "custom.tier": "gold", "city": "Rome"}, now=now)
    url = f"/contacts/{contact.pk}/edit/"
    sent = page_values(marketer_client.get(url).content.decode())
    update_contact(
        contact, {"custom.tier": "silver", "custom.size": 3, "city": "Oslo", "newsletter": "pending"}, now=now
    )
    marketer_client.post(url, {**sent, "first_name": "Ada", "custom_vip": "true"})
    after = Contact.objects.get()
    assert (after.first_name, after.city, after.newsletter) == ("Ada", "Oslo", "pending")
    assert after.custom == {"tier": "silver", "size": 3, "vip": True}


def test_a_choice_that_is_no_longer_offered_stays(marketer_client: Client, custom_fields: None, now: datetime) -> None:
    contact = create_contact({"email": "a@example.com", "custom.tier": "gold", "custom.likes": ["gold"]}, now=now)
    ContactField.objects.filter(key__in=["tier", "likes"]).update(options=[{"value": "silver", "label": "Silver"}])
    url = f"/contacts/{contact.pk}/edit/"
    html = marketer_client.get(url).content.decode()
    assert html.count("gold (no longer offered)") == 2
    sent = page_values(html)
    assert marketer_client.post(url, {**sent, "first_name": "Ada"}).status_code == 303
    assert Contact.objects.get().custom == {"tier": "gold", "likes": ["gold"]}
    assert marketer_client.post(url, {**sent, "custom_tier": "silver", "custom_likes": []}).status_code == 303
    assert Contact.objects.get().custom == {"tier": "silver"}


def test_help_texts_are_text(marketer_client: Client) -> None:
    ContactField.objects.create(key="x", label="<b>X</b>", type="text", help_text="<img src=x onerror=alert(1)>")
    html = marketer_client.get("/contacts/new/").content.decode()
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def test_roles(viewer: User, marketer: User, now: datetime) -> None:
    contact = create_contact({"email": "ada@example.com"}, now=now)
    for url in ("/contacts/new/", f"/contacts/{contact.pk}/edit/"):
        assert Client().get(url).status_code == 302
        assert logged_in(viewer).get(url).status_code == 403
        assert logged_in(viewer).post(url, {"email": "x@example.com"}).status_code == 403
        assert logged_in(marketer).get(url).status_code == 200
    assert logged_in(marketer).get("/contacts/999999/edit/").status_code == 404
    assert set(Contact.objects.values_list("email", flat=True)) == {"ada@example.com"}


def test_queries_do_not_grow(
    marketer_client: Client, custom_fields: None, now: datetime, django_assert_num_queries: Any
) -> None:
    contact = create_contact({"email": "ada@example.com"}, now=now)
    for more in range(2):
        ContactField.objects.create(key=f"more{more}", label="More", type="text")
        # Session, user, permissions; the contact and the catalogue.
        with django_assert_num_queries(6):
            marketer_client.get(f"/contacts/{contact.pk}/edit/")
        with django_assert_num_queries(5):
            marketer_client.get("/contacts/new/")

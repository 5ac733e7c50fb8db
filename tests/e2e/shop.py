"""A small shop for browser tests: forty contacts as people have them, their lists, fields and doings, and segments."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from unicodedata import normalize

import pytest

from contacts import changes
from contacts.events import NewEvent, record
from contacts.lists import delete_list, subscribe, unsubscribe
from contacts.models import Contact, ContactField, ContactList
from crm.models import User
from segments.editing import create_segment, fill
from segments.faults import DefinitionError
from segments.membership import add
from segments.models import Cause, Segment

PEOPLE = """
Amelia Thornton GB, Mateo Álvarez ES, Giulia Rinaldi IT, Noah Lindqvist SE, Chloé Marchand FR, Jonas Weber DE,
Inês Carvalho PT, Oliver Bancroft GB, Lucía Romero ES, Pieter de Vries NL, Zofia Nowak PL, Liam Gallagher IE,
Elena Popescu RO, Hugo Lefèvre FR, Marta Kovács HU, Tomás Herrera ES, Freja Nielsen DK, Luca Moretti IT,
Sofia Papadaki GR, Emil Hansen NO, Carmen Ortega ES, Daniel Fischer DE, Aoife Byrne IE, Nicolás Vidal ES,
Annika Mäkinen FI, Paul Dubois BE, Francesca Conti IT, William Ashdown GB, Katarína Horváthová SK, Álvaro Núñez ES,
Leonie Krüger DE, Tiago Almeida PT, Hannah Whitfield GB, Matteo Ferrari IT, Camille Rousseau FR, Jakub Dvořák CZ,
Isabel Navarro ES, Sven Bergström SE, Maria Gruber AT, Ewa Zielińska PL
"""
NEWSLETTER = ["subscribed", "subscribed", "never", "subscribed", "unsubscribed", "pending", "subscribed"]
EMAIL_STATUS = ["ok"] * 11 + ["soft_bounce"] + ["ok"] * 5 + ["bounced"]
GOODS = [("Desk lamp Aro", "79.90"), ("Office chair Lumo", "349"), ("Shelf Nord", "129.50"), ("Rug Isla", "89")]
NEWS = "News of the month"


def all_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


MILLENNIALS = all_of(
    {
        "type": "field",
        "field": "date_of_birth",
        "operator": "between",
        "value": {"from": "1981-01-01", "to": "1996-12-31"},
    },
    {"type": "field", "field": "newsletter", "operator": "is", "value": "subscribed"},
)
ABROAD = all_of({"type": "field", "field": "country", "operator": "is_none_of", "value": ["ES", "PT"]})


def on_list(contact_list: ContactList) -> dict[str, Any]:
    return all_of({"type": "list", "list": contact_list.pk, "operator": "member"})


def open_shop(*, now: datetime) -> list[Contact]:
    """Fill the account; returns the contacts, the ones created last first."""
    _declare_fields()
    people = [person.split() for person in PEOPLE.replace("\n", " ").split(",")]
    with changes.recorded(now=now):
        contacts = Contact.objects.bulk_create(
            _contact(number, first, " ".join(last), country, now=now)
            for number, (first, *last, country) in enumerate(people)
        )
        _anonymous_visitor(now=now)
    _subscribe(contacts, now=now)
    record([event for contact in contacts[:12] for event in _doings(contact, now=now)], now=now)
    return contacts


def emails(contacts: Iterable[Contact]) -> set[str | None]:
    return {contact.email for contact in contacts}


def _declare_fields() -> None:
    tiers = [{"value": value, "label": value.title()} for value in ("bronze", "silver", "gold")]
    rooms = [{"value": value, "label": value.title()} for value in ("office", "kitchen", "bedroom", "garden")]
    ContactField.objects.create(
        key="tier", label="Tier", type="choice", options=tiers, help_text="From the loyalty programme"
    )
    ContactField.objects.create(key="rooms", label="Rooms", type="choices", options=rooms)
    ContactField.objects.create(key="budget", label="Budget for the year", type="decimal")
    ContactField.objects.create(key="website", label="Website", type="url")
    ContactField.objects.create(key="fax", label="Fax", type="phone", archived=True)


def _contact(number: int, first: str, last: str, country: str, *, now: datetime) -> Contact:
    newsletter = NEWSLETTER[number % len(NEWSLETTER)]
    created = now - timedelta(days=3 * number + 1, minutes=17 * number)
    return Contact(
        email=_email(first, last),
        external_id=f"C-{10_250 - 7 * number}",
        first_name=first,
        last_name=last,
        phone=f"+34612345{number:03}" if country == "ES" else "",
        date_of_birth=None if number % 9 == 8 else date(1952 + number * 31 % 54, number % 12 + 1, number * 7 % 28 + 1),
        country=country,
        newsletter=newsletter,
        newsletter_at=None if newsletter == "never" else created,
        email_status=EMAIL_STATUS[number % len(EMAIL_STATUS)],
        points=number * 37 % 240,
        custom={"tier": ("bronze", "silver", "gold")[number % 3], "rooms": ["office", "garden"][: number % 3]},
        first_seen_at=created,
        last_seen_at=now - timedelta(hours=9 * number + 2),
        created_at=created,
        updated_at=created,
    )


def _email(first: str, last: str) -> str:
    plain = normalize("NFKD", f"{first}.{last}".lower()).encode("ascii", "ignore").decode()
    return f"{plain.replace(' ', '')}@example.com"


def _anonymous_visitor(*, now: datetime) -> None:
    Contact.objects.create(visitor_key="9f2c61d0", first_seen_at=now, last_seen_at=now, created_at=now, updated_at=now)


def _subscribe(contacts: list[Contact], *, now: datetime) -> None:
    news = ContactList.objects.create(name=NEWS, description="New goods and offers, on the first Monday.")
    trade = ContactList.objects.create(name="Trade customers", description="Price lists and terms for the trade.")
    ContactList.objects.create(name="Workshop invitations")
    everybody = Contact.objects.filter(newsletter="subscribed")
    subscribe(news, everybody, now=now - timedelta(days=40))
    subscribe(trade, Contact.objects.filter(country="IT"), now=now - timedelta(days=20))
    unsubscribe(news, Contact.objects.filter(pk=contacts[0].pk), now=now - timedelta(days=3))


def _doings(contact: Contact, *, now: datetime) -> list[NewEvent]:
    at = now - timedelta(days=1, minutes=contact.points)
    goods, price = GOODS[contact.points % len(GOODS)]
    minutes = [timedelta(minutes=minute) for minute in range(40)]
    return [
        NewEvent("email_delivered", at - timedelta(days=2), contact.pk, properties={"campaign": "Autumn light"}),
        NewEvent(
            "email_opened", at - timedelta(days=2) + minutes[31], contact.pk, properties={"campaign": "Autumn light"}
        ),
        NewEvent("page_visit", at, contact.pk, properties={"page": "/lamps"}),
        NewEvent("product_visit", at + minutes[2], contact.pk, properties={"product": goods}),
        NewEvent("cart_add", at + minutes[5], contact.pk, properties={"product": goods}),
        NewEvent(
            "purchase", at + minutes[9], contact.pk, value=float(price), properties={"product": goods, "quantity": 1}
        ),
        NewEvent(
            "purchase",
            at - timedelta(days=33),
            contact.pk,
            value=42.5,
            properties={"product": "Mug Sol", "quantity": 5},
        ),
        NewEvent("store_visit", at - timedelta(days=50), contact.pk, properties={"store": "Valencia"}),
    ]


def fill_segments(user: User, *, now: datetime) -> dict[str, Segment]:
    """Segments of every kind and state that pages show; by name."""
    made = {"now": now, "user": user}
    news, old_list = ContactList.objects.get(name=NEWS), ContactList.objects.create(name="Old list")
    fair = create_segment(
        name="Trade fair leads 2026",
        kind="static",
        description="Cards collected at the stand in Valencia.",
        **made,
    )
    testers = create_segment(name="Newsletter testers", kind="static", is_test=True, **made)
    on_fair = all_of({"type": "segment", "segment": fair.pk, "operator": "member"})
    defined = [
        create_segment(
            name="Millennials on the newsletter",
            kind="dynamic",
            definition=MILLENNIALS,
            description="Born from 1981 to 1996, and subscribed.",
            **made,
        ),
        create_segment(name="Readers of the news of the month", kind="dynamic", definition=on_list(news), **made),
        create_segment(
            name="Customers abroad",
            kind="dynamic",
            definition=ABROAD,
            description="Everybody but Spain and Portugal, for the change of shipping costs in December. "
            "Includes contacts whose country we do not know.",
            **made,
        ),
        create_segment(name="Fair leads to call", kind="dynamic_plus", definition=on_fair, **made),
    ]
    broken = create_segment(name="Readers of the old list", kind="dynamic", definition=on_list(old_list), **made)
    add(fair, Contact.objects.filter(country="IT"), now=now, cause=Cause.HAND, detail=str(user.get_full_name()))
    add(testers, Contact.objects.filter(country="GB"), now=now, cause=Cause.HAND, detail=str(user.get_full_name()))
    for segment in defined:
        fill(segment, now=now, user=user)
    delete_list(old_list, now=now)
    with pytest.raises(DefinitionError):  # kept on the segment, as pages show it
        fill(broken, now=now, user=user)
    return {segment.name: segment for segment in Segment.objects.all()}

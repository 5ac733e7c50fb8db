"""What the people of the demo shop do: they look around, search, buy, and read the newsletter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from contacts.events import NewEvent
from contacts.models import Contact
from crm.demo.people import Person

PRODUCTS = (
    ("Trail shoes Fjell", "shoes", "129.90"),
    ("Running shoes Vento", "shoes", "99.00"),
    ("Sandals Cala", "shoes", "49.50"),
    ("Rain jacket Nimbus", "clothing", "159.00"),
    ("Merino shirt Åre", "clothing", "64.95"),
    ("Hiking socks, two pairs", "clothing", "17.90"),
    ("Backpack Sherpa 28 l", "bags", "89.00"),
    ("Hip bag Pico", "bags", "34.00"),
    ("Yoga mat Kork", "equipment", "54.90"),
    ("Bicycle lamp Lumen", "equipment", "39.95"),
    ("Water bottle 0.75 l", "equipment", "21.00"),
    ("Headlamp Nox", "equipment", "44.90"),
)
SEARCHES = ("trail shoes", "rain jacket", "socks", "backpack 30l", "yoga mat", "gift", "waterproof", "sale")
PAGES = ("/", "/new", "/sale", "/shoes", "/guides/first-marathon", "/about", "/shipping")
DEVICES = ("phone", "phone", "phone", "computer", "computer", "tablet")
SESSIONS_A_WEEK = 0.35
VISITORS_A_WEEK = 4


def happened(
    people: list[Person], since: datetime, until: datetime, random: Random, number: Iterator[int]
) -> list[NewEvent]:
    """What people who are contacts did in the shop between two moments, and visitors. ``number`` counts the orders."""
    events: list[NewEvent] = []
    weeks = (until - since) / timedelta(weeks=1)
    for person in people:
        if person.is_active(until) and random.random() < person.zeal * SESSIONS_A_WEEK * 2 * weeks:
            start = max(since, person.joined_at)
            events += _session({"contact_id": person.contact.pk}, start, until, person.zeal, random, number)
    for _visitor in range(round(VISITORS_A_WEEK * weeks)):
        events += _session({"visitor_key": f"demo-{random.getrandbits(64):016x}"}, since, until, 0, random, number)
    return events


def newsletter(readers: list[Person], campaign: str, sent_at: datetime, random: Random) -> list[NewEvent]:
    """A newsletter goes out: some open it, sooner or later, and some of those click."""
    events: list[NewEvent] = []

    def add(person: Person, kind: str, hours: float) -> None:
        at = sent_at + timedelta(hours=hours)
        events.append(NewEvent(kind, at, contact_id=person.contact.pk, properties={"campaign": campaign}))

    for person in readers:
        if person.contact.email_status != Contact.EmailStatus.OK:
            add(person, "email_bounced", 0.1)
            continue
        add(person, "email_delivered", random.random() / 10)
        if random.random() < 0.25 + person.zeal / 2:
            opened = random.expovariate(1 / 8)
            add(person, "email_opened", 0.2 + opened)
            if random.random() < 0.3:
                add(person, "email_clicked", 0.3 + opened)
    return events


def _session(
    who: dict[str, Any], since: datetime, until: datetime, zeal: float, random: Random, number: Iterator[int]
) -> Iterator[NewEvent]:
    """One visit of the shop."""
    at = since + random.random() * (until - since)
    device = random.choice(DEVICES)

    def event(kind: str, properties: dict[str, Any], **more: Any) -> NewEvent:
        nonlocal at
        at = min(until, at + timedelta(seconds=random.randrange(5, 240)))
        return NewEvent(kind, at, properties=properties | {"device": device}, **who, **more)

    yield event("page_visit", {"path": random.choice(PAGES)})
    if random.random() < 0.3:
        yield event("product_search", {"query": random.choice(SEARCHES)})
    basket = []
    for product, category, price in random.sample(PRODUCTS, random.choice((1, 1, 2, 3))):
        seen = {"product": product, "category": category, "price": float(price)}
        yield event("product_visit", seen)
        if random.random() < 0.15 + zeal / 2:
            yield event("cart_add", seen | {"quantity": 1})
            basket.append((product, category, Decimal(price)))
            if random.random() < 0.1:
                yield event("cart_remove", seen | {"quantity": 1})
                basket.pop()
    if basket and zeal and random.random() < 0.6:
        quantity = random.choice((1, 1, 1, 2, 3))
        total = sum((price for _product, _category, price in basket), Decimal(0)) * quantity
        product, category, _price = basket[0]
        bought = {"product": product, "category": category, "quantity": quantity * len(basket), "currency": "EUR"}
        yield event("purchase", bought, value=total, key=f"demo-order-{next(number)}")

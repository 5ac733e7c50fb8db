"""The people of the demo shop: its customers and those who signed up for news, with fields of every kind."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from contacts.models import Contact, ContactField, ContactList
from contacts.types import FIELD_TYPES
from crm.demo.countries import COUNTRIES

TIERS = [("bronze", "Bronze"), ("silver", "Silver"), ("gold", "Gold")]
INTERESTS = [("running", "Running"), ("hiking", "Hiking"), ("cycling", "Cycling"), ("yoga", "Yoga")]
FIELDS = [
    ("tier", "Loyalty tier", "choice", TIERS),
    ("interests", "Interests", "choices", INTERESTS),
    ("shoe_size", "Shoe size", "integer", []),
    ("budget", "Monthly budget", "decimal", []),
    ("catalogue", "Wants the printed catalogue", "boolean", []),
    ("member_until", "Member until", "date", []),
    ("last_call_at", "Last call", "datetime", []),
    ("company", "Company", "text", []),
]
LISTS = {
    "News": "What is new in the shop, every other week.",
    "Offers": "Sales and vouchers.",
    "Loyalty programme": "Members collect points with every purchase.",
}
COMPANIES = ("Kestrel & Daughters", "Blauwal GmbH", "Atelier Ombre", "Tres Molinos S.L.", "Ørn Design", "La Botteghina")


@dataclass(frozen=True)
class Person:
    """Somebody who becomes a contact at ``joined_at``. ``zeal`` from 0 to 1 says how much they do, ``left_at`` since
    when nothing, and ``lists`` where they subscribe.
    """

    contact: Contact
    joined_at: datetime
    left_at: datetime | None
    zeal: float
    lists: tuple[str, ...]

    def is_active(self, at: datetime) -> bool:
        return self.joined_at <= at and (self.left_at is None or at < self.left_at)


def declare_fields(*, now: datetime) -> None:
    for key, label, kind, options in FIELDS:
        choices = [{"value": value, "label": name} for value, name in options]
        ContactField.objects.create(key=key, label=label, type=kind, options=choices, created_at=now)


def make_lists(*, now: datetime) -> dict[str, ContactList]:
    return {
        name: ContactList.objects.create(name=name, description=description, created_at=now)
        for name, description in LISTS.items()
    }


def people(number: int, random: Random, *, now: datetime) -> list[Person]:
    """The people, in the order in which they come; a fifth of them was there before the history begins a year ago."""
    return sorted(_people(number, random, now=now), key=lambda person: person.joined_at)


def _people(number: int, random: Random, *, now: datetime) -> Iterator[Person]:
    emails: set[str] = set()
    for customer in range(number):
        days_ago = random.uniform(365, 1_200) if random.random() < 0.2 else 365 * random.random() ** 1.2
        joined_at = (now - timedelta(days=days_ago)).replace(microsecond=0)
        contact = _contact(random, joined_at, now=now)
        contact.email = _email(contact, emails)
        contact.external_id = f"C{10_000 + customer}" if random.random() < 0.85 else None
        lists = tuple(
            name
            for name, share in zip(LISTS, (0.9, 0.5, 0.3), strict=True)
            if contact.newsletter == Contact.Newsletter.SUBSCRIBED and random.random() < share
        )
        stays = random.random() < 0.6
        left_at = None if stays else joined_at + timedelta(days=random.expovariate(1 / 90))
        yield Person(contact, joined_at, left_at, random.random() ** 2, lists)


def _contact(random: Random, joined_at: datetime, *, now: datetime) -> Contact:
    country = random.choices(COUNTRIES, [one.share for one in COUNTRIES])[0]
    is_woman = random.random() < 0.55
    city, region, postal_code = random.choice(country.places)
    newsletter = random.choices(Contact.Newsletter.values, [55, 8, 12, 25])[0]
    born = datetime(1941, 1, 1, tzinfo=UTC) + timedelta(days=random.triangular(0, 24_500, 16_000))
    status = random.choices(Contact.EmailStatus.values, [94, 3, 2, 1])[0]
    return Contact(
        first_name=random.choice(country.women if is_woman else country.men),
        last_name=random.choice(country.surnames),
        phone=_digits(country.phone, random) if random.random() < 0.7 else "",
        date_of_birth=born.date() if random.random() < 0.8 else None,
        gender="" if random.random() < 0.1 else "female" if is_woman else "male",
        language=country.language,
        country=country.code,
        region=region,
        city=city,
        postal_code=_digits(postal_code, random),
        time_zone=country.time_zone,
        newsletter=newsletter,
        newsletter_at=None if newsletter == Contact.Newsletter.NEVER else joined_at,
        email_status=status,
        points=int(random.expovariate(1 / 40)),
        created_at=joined_at,
        updated_at=joined_at,
        custom=_custom(random, joined_at, now=now),
    )


def _custom(random: Random, joined_at: datetime, *, now: datetime) -> dict[str, Any]:
    until = now + timedelta(days=random.randrange(-60, 400))
    called = joined_at + random.random() * (now - joined_at)
    values: dict[str, Any] = {
        "tier": random.choices([key for key, _label in TIERS], [6, 3, 1])[0],
        "interests": [key for key, _label in INTERESTS if random.random() < 0.4],
        "shoe_size": random.randrange(35, 48),
        "budget": FIELD_TYPES["decimal"].to_json(random.randrange(40, 1_200) / 2),
        "catalogue": random.random() < 0.3,
        "member_until": until.date().isoformat(),
        "last_call_at": FIELD_TYPES["datetime"].to_json(called),
        "company": random.choice(COMPANIES),
    }
    shares = {"tier": 0.6, "interests": 0.7, "shoe_size": 0.6, "budget": 0.4, "member_until": 0.3, "last_call_at": 0.1}
    return {key: value for key, value in values.items() if value != [] and random.random() < shares.get(key, 0.15)}


def _email(contact: Contact, taken: set[str]) -> str:
    """An address from the name, as far as it can be written in ASCII, and from domains that are kept for examples."""
    plain = unicodedata.normalize("NFKD", f"{contact.first_name}.{contact.last_name}".lower().replace("ł", "l"))
    local = "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter == "."))
    local = local.strip(".") or "customer"
    email, number = f"{local}@example.com", 1
    while email in taken:
        number += 1
        email = f"{local}{number}@example.{('com', 'org', 'net')[number % 3]}"
    taken.add(email)
    return email


def _digits(pattern: str, random: Random) -> str:
    return "".join(str(random.randrange(10)) if letter == "#" else letter for letter in pattern)

"""What several tests of contacts use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from contacts.lists import subscribe
from contacts.models import Contact, ContactField, ContactList, Export
from crm.models import User


@pytest.fixture
def own_files(settings: Any, tmp_path: Path) -> None:
    """The test keeps its files in a folder of its own."""
    options = settings.STORAGES["default"]["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


@pytest.fixture
def people(now: datetime) -> list[Contact]:
    """Two contacts with something of every kind, and one with nothing."""
    sizes = [{"value": value, "label": value.title()} for value in ("s|m", "l")]
    for key, kind in (("vip", "boolean"), ("sizes", "choices"), ("budget", "decimal"), ("note", "text")):
        options = sizes if kind == "choices" else []
        ContactField.objects.create(key=key, label=key.title(), type=kind, options=options)
    born, created = date(1850, 2, 28), datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    custom = {"vip": True, "sizes": ["s|m", "l"], "budget": 12.5, "note": "=1+1"}
    contacts = [
        Contact(email="ana@example.com", date_of_birth=born, created_at=created, points=-3, custom=custom),
        Contact(email="bea@example.com", created_at=now, custom={"vip": False, "note": 'says "hi", ŝi\n'}),
        Contact(external_id="'=C3", created_at=now),
    ]
    Contact.objects.bulk_create(contacts)
    for name in ("News", "Fairs|Shows"):
        subscribe(ContactList.objects.create(name=name), Contact.objects.filter(email="ana@example.com"), now=now)
    return contacts


@pytest.fixture
def draft_of_export(marketer: User, now: datetime) -> Export:
    """A draft of all contacts whose properties are to be chosen."""
    return Export.objects.create(
        type="contacts",
        options={"whose": ["all"]},
        columns=["email", "country"],
        title="Contacts",
        user=marketer,
        created_at=now,
    )

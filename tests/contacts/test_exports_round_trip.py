"""What is exported and imported again changes nothing, whatever type a field has and whatever stands in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile

from contacts.exports.downloads import file_name
from contacts.exports.types import EXPORT_TYPES
from contacts.fields import catalogue
from contacts.imports import drafting, running
from contacts.imports.models import Import
from contacts.models import Contact, ContactField, ContactList
from crm.models import User
from tests.contacts.exporting import content, exported
from tests.contacts.importing import do

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@a",
    "'=1",
    "''+1",
    "'tis",
    "a,b;c|d",
    'say "hi"',
    "two\nlines",
    "007",
    "ŝ 中",
    "\\|",
    "1e5",
]
OPTIONS = [
    {"value": value, "label": f"Label {place}"} for place, value in enumerate(["a|b", "c,d", "e\\", "=f", "'=g"])
]
VALUES: dict[str, list[Any]] = {
    "text": TEXTS,
    "long_text": [*TEXTS, "x" * 5_000],
    "integer": [0, -1, 2**53 - 1, 7],
    "decimal": [0, -0.0001, 12.5, 99999999999.9999, 1e-4],
    "boolean": [True, False],
    "date": ["0001-01-01", "1899-12-31", "1900-02-28", "2024-02-29", "9999-12-31"],
    "datetime": ["2026-03-29T01:30:00.123456Z", "2026-10-25T00:30:00.000000Z", "1850-01-01T00:00:00.000000Z"],
    "email": ["a+b@example.com", "-x@example.com"],
    "phone": ["+34612345678"],
    "url": ["https://example.com/?a=1&b=2,3|4"],
    "choice": [option["value"] for option in OPTIONS],
    "choices": [["a|b"], ["a|b", "e\\"], ["e\\", "=f"], ["=f", "'=g"], ["c,d", "'=g"]],
}


@pytest.fixture
def contacts(settings: Any, own_files: None) -> list[Contact]:
    """A field of every type, and a contact for every value and one without any."""
    settings.TIME_ZONE = "Europe/Madrid"
    assert set(VALUES) == set(ContactField.Type.values)
    for kind in VALUES:
        options = OPTIONS if kind.startswith("choice") else []
        ContactField.objects.create(key=f"of_{kind}", label=f"Field of {kind}", type=kind, options=options)
    most = max(map(len, VALUES.values()))
    rows = [
        {f"of_{kind}": of_kind[row] for kind, of_kind in VALUES.items() if row < len(of_kind)} for row in range(most)
    ]
    return Contact.objects.bulk_create(
        Contact(email=f"{row}@example.com", external_id=f"{TEXTS[row % len(TEXTS)]} {row}", custom=custom)
        for row, custom in enumerate([*rows, {}])
    )


def fill_system_fields(now: datetime) -> None:
    Contact.objects.filter(email="0@example.com").update(
        first_name="=SUM(A1)",
        last_name="-Peña",
        phone="+34612345678",
        date_of_birth="1965-01-01",
        gender="other",
        language="es",
        country="ES",
        region="'=x",
        city="@home",
        postal_code="08001",
        time_zone="Europe/Madrid",
        newsletter="subscribed",
        newsletter_at=datetime(2026, 10, 25, 0, 30, 0, 1, tzinfo=UTC),
        email_status="bounced",
        points=-7,
        first_seen_at=now,
    )


def differences(before: list[dict[str, Any]]) -> list[tuple[str, str, Any, Any]]:
    """What is no longer as it was: the contact, the field, what it was and what it is."""
    return [
        (old["email"], key, old.get(key), new.get(key))
        for old, new in zip(before, stored(), strict=True)
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    ]


def stored() -> list[dict[str, Any]]:
    return [row | row.pop("custom") for row in Contact.objects.order_by("pk").values()]


@pytest.mark.parametrize("empty", ["keep", "erase"])
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("csv", {}),
        ("csv", {"delimiter": "semicolon", "encoding": "utf-16"}),
        ("csv", {"delimiter": "tab", "encoding": "utf-8"}),
        ("csv", {"delimiter": "bar", "encoding": "utf-8"}),
        ("xlsx", {}),
        ("jsonl", {}),
    ],
)
def test_the_same_comes_back(
    contacts: list[Contact], marketer: User, now: datetime, format: str, options: dict[str, str], empty: str
) -> None:
    fill_system_fields(now)
    before = stored()
    lists = ContactList.objects.count()
    keys = [one.key for one in EXPORT_TYPES["contacts"].properties()]
    export = exported(user=marketer, now=now, columns=keys, format=format, **options)
    name = file_name(export)
    import_run = drafting.begin(ContentFile(content(export), name=name), name=name, kind="contacts", user=None, now=now)
    targets = {one["target"] for one in import_run.mapping} - {""}
    assert targets == {field.key for field in catalogue().editable()}
    import_run.options = import_run.options | {"overwrite": True, "empty": empty}
    drafting.save_draft(import_run)
    done = do(running.start(import_run, user=None, now=now), now=now)
    assert done.state == Import.State.DONE
    refused = list(done.refused_rows.values_list("line", "reason"))
    assert refused == []
    assert differences(before) == []
    assert (done.rows, done.unchanged, done.updated, done.created) == (len(contacts), len(contacts), 0, 0)
    assert ContactList.objects.count() == lists

"""Changing one field of many contacts: every type and every way, exactly, on both databases."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.amending import ADD, APPEND, CLEAR, MULTIPLY, NOW, SET, amend, amendments_of, can_be_amended
from contacts.fields import catalogue
from contacts.models import Change, Contact, ContactField

pytestmark = pytest.mark.django_db

TYPES = ["text", "long_text", "integer", "decimal", "boolean", "date", "datetime", "email", "phone", "url"]


@pytest.fixture(autouse=True)
def fields(db: None) -> None:
    for type_key in TYPES:
        ContactField.objects.create(key=f"a_{type_key}", label=type_key, type=type_key)
    options = [{"value": value, "label": value.title()} for value in ("red", "green", "blue")]
    for type_key in ("choice", "choices"):
        ContactField.objects.create(key=f"a_{type_key}", label=type_key, type=type_key, options=options)


def contact(**custom: Any) -> Contact:
    return Contact.objects.create(custom=custom)


def amended(key: str, amendment: str, value: Any, contacts: list[Contact], now: datetime) -> list[Any]:
    field = catalogue()[key]
    amend([one.pk for one in contacts], field, amendment, value, now=now)
    return [field.value_of(Contact.objects.get(pk=one.pk)) for one in contacts]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("custom.a_text", "quote \"' and ñ"),
        ("custom.a_long_text", "two\nlines"),
        ("custom.a_integer", 2**53 - 1),
        ("custom.a_decimal", Decimal("12.5")),
        ("custom.a_boolean", True),
        ("custom.a_boolean", False),
        ("custom.a_date", date(2026, 2, 28)),
        ("custom.a_datetime", datetime(2026, 2, 28, 23, 59, tzinfo=UTC)),
        ("custom.a_email", "a@example.com"),
        ("custom.a_phone", "+34612345678"),
        ("custom.a_url", "https://example.com/?a=1&b=2"),
        ("custom.a_choice", "red"),
        ("custom.a_choices", ["red", "blue"]),
        ("first_name", "Ana"),
        ("phone", "+34612345678"),
        ("date_of_birth", date(1990, 5, 17)),
        ("gender", "female"),
        ("country", "ES"),
        ("newsletter", "pending"),
        ("email_status", "bounced"),
        ("points", 7),
    ],
)
def test_every_type_is_set_and_cleared(key: str, value: Any, now: datetime) -> None:
    field = catalogue()[key]
    changed, same, other = contact(keep=1), contact(), contact()
    amend([same.pk], field, SET, value, now=now)
    later = now + timedelta(hours=1)
    assert amend([changed.pk, same.pk], field, SET, value, now=later) == 1
    assert [field.value_of(Contact.objects.get(pk=one.pk)) for one in (changed, same)] == [value, value]
    stored = Contact.objects.get(pk=changed.pk)
    assert stored.custom.get("keep") == 1
    assert stored.updated_at == later
    assert Contact.objects.get(pk=same.pk).updated_at == now
    assert Contact.objects.get(pk=other.pk).updated_at != later
    if not field.always_set:
        assert amend([changed.pk, other.pk], field, CLEAR, now=now) == 1
        assert field.value_of(Contact.objects.get(pk=changed.pk)) is None
        assert Contact.objects.get(pk=changed.pk).custom == {"keep": 1}


def test_numbers_are_added_and_multiplied(now: datetime) -> None:
    contacts = [contact(), contact(a_decimal=0.1), contact(a_decimal=10), contact(a_decimal="text")]
    key = "custom.a_decimal"
    assert amended(key, ADD, Decimal("0.2"), contacts, now) == [
        Decimal("0.2"),
        Decimal("0.3"),
        Decimal("10.2"),
        Decimal("0.2"),
    ]
    assert amended(key, MULTIPLY, Decimal(5), contacts, now)[:3] == [Decimal(1), Decimal("1.5"), Decimal(51)]
    assert Contact.objects.get(pk=contacts[2].pk).custom == {"a_decimal": 51}
    untouched = contact(other=2)
    assert amend([untouched.pk], catalogue()[key], MULTIPLY, Decimal(2), now=now) == 0
    assert amended(key, ADD, Decimal(99_999_999_999), contacts[:1], now) == [Decimal("99999999999.9999")]


def test_whole_numbers_stay_whole_and_within_their_column(now: datetime) -> None:
    one, two = contact(a_integer=5), contact()
    assert amended("custom.a_integer", MULTIPLY, Decimal("1.5"), [one, two], now) == [8, None]
    assert amended("custom.a_integer", ADD, 2**53 - 1, [one], now) == [2**53 - 1]
    assert type(Contact.objects.get(pk=one.pk).custom["a_integer"]) is int
    assert amended("points", ADD, 5, [one, two], now) == [5, 5]
    assert amended("points", MULTIPLY, Decimal("-1.5"), [one], now) == [-8]
    assert amended("points", ADD, 2**31 - 1, [one, two], now) == [2**31 - 9, 2**31 - 1]


def test_texts_and_choices_get_longer(now: datetime) -> None:
    full, empty, wrong = contact(a_text="vip"), contact(), contact(a_text=5)
    assert amended("custom.a_text", APPEND, "100% new", [full, empty, wrong], now) == [
        "vip, 100% new",
        "100% new",
        "100% new",
    ]
    assert [len(text) for text in amended("custom.a_text", APPEND, "x" * 255, [full], now)] == [255]
    assert amended("custom.a_long_text", APPEND, "line", [full], now) == ["line"]
    assert amended("custom.a_long_text", APPEND, "line", [full], now) == ["line\nline"]
    had, none = contact(a_choices=["red"]), contact()
    found = amended("custom.a_choices", APPEND, ["blue", "red"], [had, none], now)
    assert [sorted(one) for one in found] == [["blue", "red"], ["blue", "red"]]
    assert amend([had.pk], catalogue()["custom.a_choices"], APPEND, ["red"], now=now) == 0
    named = Contact.objects.create(city="Vigo")
    assert amended("city", APPEND, "Lugo", [named, none], now) == ["Vigo, Lugo", "Lugo"]


def test_the_current_date_is_that_of_the_account(now: datetime, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    one = contact()
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    assert amended("custom.a_date", NOW, None, [one], late) == [date(2026, 3, 11)]
    assert amended("custom.a_datetime", NOW, None, [one], late) == [late]


def test_a_change_of_the_newsletter_is_dated(now: datetime) -> None:
    one = contact()
    amend([one.pk], catalogue()["newsletter"], SET, "subscribed", now=now)
    one.refresh_from_db()
    assert (one.newsletter, one.newsletter_at) == ("subscribed", now)


def test_what_tells_contacts_apart_or_follows_from_events_is_refused(now: datetime) -> None:
    fields = catalogue()
    for key in ("email", "external_id", "purchases_total", "created_at"):
        assert not can_be_amended(fields[key])
        with pytest.raises(ValueError, match=key):
            amend([], fields[key], SET, "x", now=now)
    assert CLEAR not in amendments_of(fields["points"])
    with pytest.raises(ValueError, match="multiply"):
        amend([], fields["city"], MULTIPLY, 2, now=now)


def test_changes_are_logged_by_field(now: datetime) -> None:
    one = contact(a_integer=1)
    Change.objects.all().delete()
    amend([one.pk], catalogue()["custom.a_integer"], ADD, 1, now=now)
    assert set(Change.objects.values_list("contact_id", "key")) == {
        (one.pk, "field:custom.a_integer"),
        (one.pk, "field:updated_at"),
    }


@pytest.mark.parametrize("key", ["points", "custom.a_decimal"])
def test_many_take_no_more_statements_than_few(key: str, now: datetime) -> None:
    contacts = Contact.objects.bulk_create(Contact(custom={"a_decimal": 1}) for _number in range(300))
    field = catalogue()[key]
    for ids in ([contacts[0].pk], [one.pk for one in contacts]):
        with CaptureQueriesContext(connection) as queries:
            assert amend(ids, field, ADD, Decimal(2), now=now) == len(ids)
        assert len(queries) == 4

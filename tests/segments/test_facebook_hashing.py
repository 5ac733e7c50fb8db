"""What Facebook is told about a contact: one form, hashed as its documentation says."""

import string
import unicodedata
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from facebook_business.adobjects.customaudience import CustomAudience
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Contact
from segments.facebook import hashing

ANA = {
    "email": " Ana.Lopez@Example.com ",
    "phone": "+34 (600) 12-34-56",
    "first_name": "Ana María",
    "last_name": " O’Neill-López ",
    "city": "San Sebastián / Donostia 2",
    "country": "ES",
    "date_of_birth": date(1984, 2, 9),
    "external_id": " A-17 ",
}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_every_value_in_its_form_and_hashed_but_the_external_id():
    assert hashing.row(Contact(**ANA)) == [
        "A-17",
        digest("ana.lopez@example.com"),
        digest("34600123456"),
        digest("anamaría"),
        digest("oneilllópez"),
        digest("sansebastiándonostia"),
        digest("es"),
        digest("1984"),
        digest("02"),
        digest("09"),
    ]


def test_the_file_has_the_date_of_birth_as_a_whole():
    assert ",".join(key.name for key in hashing.IN_FILE) == "EMAIL,PHONE,FN,LN,CT,COUNTRY,DOB,DOBY,EXTERN_ID"
    assert hashing.row(Contact(**ANA), hashing.IN_FILE)[-3:] == [digest("19840209"), digest("1984"), "A-17"]


def test_what_is_missing_stays_empty():
    assert hashing.row(Contact(email="ana@example.com")) == ["", digest("ana@example.com"), *[""] * 8]


@pytest.mark.parametrize(
    ("values", "key", "sent"),
    [
        ({"phone": "600123456"}, "PHONE", ""),  # of which country?
        ({"phone": "+0034600123456"}, "PHONE", digest("34600123456")),
        ({"phone": "+"}, "PHONE", ""),
        ({"first_name": "…"}, "FN", ""),
        ({"first_name": "李"}, "FN", digest("李")),
        ({"first_name": "E\u0301va"}, "FN", digest("éva")),
        ({"city": "Москва"}, "CT", digest("москва")),
        ({"date_of_birth": date(1899, 12, 31)}, "DOBY", ""),
        ({"date_of_birth": date(1899, 12, 31)}, "DOBD", ""),
        ({"date_of_birth": date(1900, 1, 1)}, "DOBM", digest("01")),
    ],
)
def test_odd_values(values: dict[str, Any], key: str, sent: str):
    assert dict(zip([one.name for one in hashing.SENT], hashing.row(Contact(**values)), strict=True))[key] == sent


@given(st.text(string.printable, max_size=40))
def test_names_and_cities_of_plain_letters_are_as_the_sdk_has_them(text: str):
    assert hashing.name(text) == CustomAudience.normalize_key("FN", text.lower())
    assert hashing.name(text) == CustomAudience.normalize_key("CT", text.lower())


@given(st.text(max_size=40))
def test_names_are_letters_alone_in_one_form(text: str):
    name = hashing.name(text)
    assert {unicodedata.category(letter)[0] for letter in name} <= {"L", "M"}
    assert unicodedata.is_normalized("NFC", name)
    assert hashing.name(f" {unicodedata.normalize('NFD', text)} ") == name


@given(st.text("0123456789 ()-.", max_size=20))
def test_phones_are_digits_without_zeros_before(text: str):
    digits = hashing.phone(f"+{text}")
    assert digits == CustomAudience.normalize_key("PHONE", text).lstrip("0")
    assert hashing.phone(text) == ""


@given(st.emails())
def test_emails_are_the_same_whatever_their_case(text: str):
    assert hashing.email(f"\t{text.upper()} ") == hashing.email(text.lower())


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)))
def test_dates_of_birth_in_parts_and_as_a_whole(born: date):
    contact = Contact(date_of_birth=born)
    parts = [hashing.year_of_birth(contact), hashing.month_of_birth(contact), hashing.day_of_birth(contact)]
    assert "-".join(parts) == born.isoformat()
    assert dict(zip(hashing.IN_FILE, hashing.row(contact, hashing.IN_FILE), strict=True))[hashing.IN_FILE[6]] == digest(
        "".join(parts)
    )


@given(st.lists(st.text(max_size=10), max_size=4), st.lists(st.text(max_size=10), max_size=4))
def test_fingerprints_tell_hashed_rows_apart(one: list[str], other: list[str]):
    first, second = ([digest(value) for value in row] for row in (one, other))
    assert (hashing.fingerprint(first) == hashing.fingerprint(second)) == (one == other)
    assert len(hashing.fingerprint(first)) == 32

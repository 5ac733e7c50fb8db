"""Texts, numbers, booleans and choices: equal, negated, and without a value."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from contacts.models import Contact
from tests.segments import worlds
from tests.segments.asking import people, who

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fields():
    worlds.declare_fields()


# Texts

NAMES = {"upper": "ANA", "lower": "ana", "longer": "Diana", "other": "Bob", "empty": "", "null": None}


@pytest.mark.parametrize("key", ["city", "custom.nickname", "custom.bio", "phone", "custom.website", "custom.former"])
@pytest.mark.parametrize(
    ("operator", "negative", "value", "expected"),
    [
        ("is", "is_not", "Ana", {"upper", "lower"}),
        ("contains", "does_not_contain", "iAN", {"longer"}),
        ("starts_with", "does_not_start_with", "an", {"upper", "lower"}),
        ("ends_with", "does_not_end_with", "aNa", {"upper", "lower", "longer"}),
        ("is_any_of", "is_none_of", ["BOB", "ana"], {"upper", "lower", "other"}),
    ],
)
def test_texts(key: str, operator: str, negative: str, value: Any, expected: set[str], now: datetime):
    people(key, NAMES)
    assert who(key, operator, value, now=now) == expected
    assert who(key, negative, value, now=now) == set(NAMES) - expected
    assert who(key, negative, value, now=now, only_set=True) == set(NAMES) - expected - {"empty", "null"}
    assert who(key, "is_set", now=now) == set(NAMES) - {"empty", "null"}
    assert who(key, "is_not_set", now=now) == {"empty", "null"}


@pytest.mark.parametrize("key", ["city", "custom.nickname"])
@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("STRASSE", "straße"),
        ("Straẞe", "STRASSE"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("οδυσσευσ", "ΟΔΥΣΣΕΥΣ"),
        ("ÉCOLE", "école"),
        ("ꭰꮝ", "ᎠᏍ"),
        ("𐐀𐐁", "𐐨𐐩"),
        ("ﬁN", "FIN"),
        ("ǅ", "ǆ"),
        ("İstanbul", "i̇STANBUL"),
        ("50%", "50%"),
        ("a_b\\c'd\"", "A_B\\C'D\""),
    ],
)
def test_case_never_matters(key: str, stored: str, asked: str, now: datetime):
    people(key, {"found": f"x{stored}y", "same": stored, "other": "zzz"})
    assert who(key, "is", asked, now=now) == {"same"}
    assert who(key, "contains", asked, now=now) == {"found", "same"}
    assert who(key, "starts_with", f"x{asked}", now=now) == {"found"}
    assert who(key, "ends_with", f"{asked}Y", now=now) == {"found"}
    assert who(key, "is_any_of", [asked, "q"], now=now) == {"same"}


def test_wildcards_are_letters(now: datetime):
    people("city", {"percent": "100%", "letters": "100x", "underscore": "a_b", "between": "axb", "star": "a*b"})
    assert who("city", "contains", "%", now=now) == {"percent"}
    assert who("city", "contains", "a_b", now=now) == {"underscore"}
    assert who("city", "contains", "*", now=now) == {"star"}


def test_an_end_longer_than_the_text(now: datetime):
    people("city", {"short": "on", "long": "London"})
    assert who("city", "ends_with", "London", now=now) == {"long"}
    assert who("city", "ends_with", "on", now=now) == {"short", "long"}


# Numbers

AMOUNTS = {
    "low": Decimal("-5"),
    "zero": Decimal("0"),
    "near": Decimal("11.7699"),
    "on": Decimal("11.77"),
    "above": Decimal("11.7701"),
    "null": None,
}


@pytest.mark.parametrize("key", ["purchases_average", "custom.budget"])
@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equals", 11.77, {"on"}),
        ("greater_than", 11.77, {"above"}),
        ("at_least", 11.77, {"on", "above"}),
        ("less_than", 11.77, {"low", "zero", "near"}),
        ("at_most", 11.77, {"low", "zero", "near", "on"}),
        ("between", {"from": 0, "to": 11.77}, {"zero", "near", "on"}),
        ("between", {"from": 11.77, "to": 11.77}, {"on"}),
        ("equals", 0, {"zero"}),
        ("equals", "11.77", {"on"}),
        ("less_than", 0, {"low"}),
        ("does_not_equal", 11.77, {"low", "zero", "near", "above", "null"}),
        ("not_between", {"from": -5, "to": 11.77}, {"above", "null"}),
    ],
)
def test_numbers(key: str, operator: str, value: Any, expected: set[str], now: datetime):
    people(key, AMOUNTS)
    assert who(key, operator, value, now=now) == expected
    if "null" in expected:
        assert who(key, operator, value, now=now, only_set=True) == expected - {"null"}


@pytest.mark.parametrize("key", ["purchases_average", "custom.budget"])
def test_money_compares_exactly(key: str, now: datetime):
    """As floating-point numbers, 0.1 + 0.2 and 0.3 differ, and so do sums of cents."""
    people(key, {"sum": Decimal("0.1") + Decimal("0.2"), "big": Decimal("99999999999.9999")})
    assert who(key, "equals", 0.3, now=now) == {"sum"}
    assert who(key, "equals", 99999999999.9999, now=now) == {"big"}
    assert who(key, "greater_than", 99999999999.9998, now=now) == {"big"}


def test_large_whole_numbers(now: datetime):
    people("custom.shoe_size", {"largest": 2**53 - 1, "next": 2**53 - 2})
    assert who("custom.shoe_size", "equals", 2**53 - 1, now=now) == {"largest"}


def test_points_are_always_set(now: datetime):
    people("points", {"none": None, "some": 5})
    assert who("points", "equals", 0, now=now) == {"none"}
    assert who("points", "is_set", now=now) == {"none", "some"}


def test_booleans(now: datetime):
    people("custom.vip", {"yes": True, "no": False, "null": None})
    assert who("custom.vip", "is_true", now=now) == {"yes"}
    assert who("custom.vip", "is_false", now=now) == {"no"}
    assert who("custom.vip", "is_set", now=now) == {"yes", "no"}
    assert who("custom.vip", "is_not_set", now=now) == {"null"}


# Choices


@pytest.mark.parametrize(("key", "first", "second"), [("country", "ES", "DE"), ("custom.tier", "gold", "silver")])
def test_one_choice(key: str, first: str, second: str, now: datetime):
    people(key, {"first": first, "second": second, "empty": "", "null": None})
    assert who(key, "is", first, now=now) == {"first"}
    assert who(key, "is_not", first, now=now) == {"second", "empty", "null"}
    assert who(key, "is_not", first, now=now, only_set=True) == {"second"}
    assert who(key, "is_any_of", [first, second], now=now) == {"first", "second"}
    assert who(key, "is_none_of", [first], now=now) == {"second", "empty", "null"}
    assert who(key, "is_none_of", [first], now=now, only_set=True) == {"second"}
    assert who(key, "is_set", now=now) == {"first", "second"}


def test_choices_are_compared_by_what_is_stored(now: datetime):
    people("custom.tier", {"lower": "gold", "upper": "Gold"})
    assert who("custom.tier", "is", "gold", now=now) == {"lower"}


INTERESTS = {
    "gold": ["gold"],
    "both": ["silver", "gold"],
    "twice": ["gold", "gold"],
    "quoted": ["o'clock", "ñ"],
    "empty": [],
    "null": None,
}


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("has", "gold", {"gold", "both", "twice"}),
        ("does_not_have", "gold", {"quoted", "empty", "null"}),
        ("has_any_of", ["silver", "ñ"], {"both", "quoted"}),
        ("has_all_of", ["gold", "silver"], {"both"}),
        ("has_none_of", ["silver", "ñ"], {"gold", "twice", "empty", "null"}),
        ("is_exactly", ["gold"], {"gold", "twice"}),
        ("is_exactly", ["gold", "silver"], {"both"}),
        ("is_exactly", ["ñ", "o'clock"], {"quoted"}),
        ("is_set", None, {"gold", "both", "twice", "quoted"}),
        ("is_not_set", None, {"empty", "null"}),
    ],
)
def test_several_choices(operator: str, value: Any, expected: set[str], now: datetime):
    people("custom.interests", INTERESTS)
    assert who("custom.interests", operator, value, now=now) == expected
    if operator in ("does_not_have", "has_none_of"):
        assert who("custom.interests", operator, value, now=now, only_set=True) == expected - {"empty", "null"}


# JSON of another type than the field's


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("shoe_size", [None, True, "5", "", [], [60], {}]),
        ("budget", [None, False, "5", "", [], [60], {}]),
        ("vip", [None, 1, 0, "true", "", [], [True], {}]),
        ("joined_on", [None, 20240229, True, "", "today", [], ["2024-02-29"], {}]),
        ("renews_at", [None, 1709200800, True, "", "now", [], ["2024-02-29T10:00:00.000000Z"], {}]),
        ("tier", [None, 5, True, "", [], ["gold"], {}]),
        ("interests", [None, 5, True, "", "gold", [], [60], [["gold"]], {"gold": True}]),
    ],
)
def test_a_value_of_the_wrong_type_is_none(key: str, wrong: list[Any], now: datetime):
    Contact.objects.create(external_id="missing")
    for number, raw in enumerate(wrong):
        Contact.objects.create(external_id=str(number), custom={key: raw})
    assert who(f"custom.{key}", "is_set", now=now) == set()
    assert who(f"custom.{key}", "is_not_set", now=now) == {"missing", *map(str, range(len(wrong)))}


@pytest.mark.parametrize("raw", [None, 5, True, [], ["ana"], {}, ""])
def test_texts_of_the_wrong_type_are_none(raw: Any, now: datetime):
    Contact.objects.create(external_id="wrong", custom={"nickname": raw})
    assert who("custom.nickname", "is_not", "ana", now=now) == {"wrong"}
    assert who("custom.nickname", "is_not", "ana", now=now, only_set=True) == set()
    assert who("custom.nickname", "is_not_set", now=now) == {"wrong"}


@pytest.mark.parametrize(
    "raw",
    [
        *("2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00"),
        "0000-01-01",
        *("2024-2-9", "20240229", "2024-02-29 ", "2024-02-29\n", "٢٠٢٤-٠٢-٢٩", "2024-02-29T10:00:00.000000Z"),
    ],
)
def test_a_day_that_the_calendar_does_not_have_is_no_value(raw: str, now: datetime):
    Contact.objects.create(external_id="odd", custom={"joined_on": raw})
    assert who("custom.joined_on", "is_set", now=now) == set()
    assert who("custom.joined_on", "on_or_after", "0001-01-01", now=now) == set()
    for month in range(1, 13):
        assert who("custom.joined_on", "anniversary_in_month", {"month": month}, now=now) == set()


@pytest.mark.parametrize(
    "raw",
    [
        *("2023-02-29T10:00:00.000000Z", "2024-02-29T24:00:00.000000Z", "2024-02-29T10:60:00.000000Z"),
        *("2024-02-29T10:00:60.000000Z", "2024-02-29T10:00:00Z", "2024-02-29T10:00:00.000000", "2024-02-29"),
    ],
)
def test_a_moment_that_the_clock_does_not_have_is_no_value(raw: str, now: datetime):
    Contact.objects.create(external_id="odd", custom={"renews_at": raw})
    assert who("custom.renews_at", "is_set", now=now) == set()
    assert who("custom.renews_at", "more_than_ago", {"count": 1, "unit": "minutes"}, now=now) == set()
    assert who("custom.renews_at", "anniversary_in_month", {"month": 2}, now=now) == set()


@pytest.mark.parametrize("day", ["0001-01-01", "2024-02-29", "2000-02-29", "1999-12-31", "2024-01-31", "9999-12-31"])
def test_days_at_the_ends_of_months_are_values(day: str, now: datetime):
    Contact.objects.create(external_id="day", custom={"joined_on": day, "renews_at": f"{day}T23:59:59.999999Z"})
    assert who("custom.joined_on", "on", day, now=now) == {"day"}
    assert who("custom.renews_at", "is_set", now=now) == {"day"}

"""From columns and cells of a file to fields and values."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from contacts.fields import Catalogue, catalogue
from contacts.imports.cleaning import cleaner, read_property
from contacts.imports.dates import moment_reader
from contacts.imports.mapping import EVENT_TARGETS, MappingError, contact_targets, map_columns
from contacts.imports.numbers import read_number, read_whole_number
from contacts.models import ContactField

# Columns


@pytest.fixture
def tier(db) -> ContactField:
    options = [{"value": "gold", "label": "Gold level"}, {"value": "none", "label": "Without"}]
    return ContactField.objects.create(key="tier", label="Loyalty tier", type="choice", options=options)


def mapped(columns: list[str], *chosen: tuple[str, str]) -> tuple[dict[str, int], list[str]]:
    mapping = map_columns(columns, chosen, contact_targets(catalogue()))
    return dict(mapping.places), list(mapping.ignored)


def test_columns_find_their_fields_by_key_or_label(tier):
    columns = ["E-mail", "EMAIL", "first name", "Last-Name", "  date_of_birth", "Loyalty Tier", "purchases_total"]
    assert mapped(columns) == (
        {"email": 1, "first_name": 2, "last_name": 3, "date_of_birth": 4, "custom.tier": 5},
        ["E-mail", "purchases_total"],
    )
    assert mapped(["custom.tier"]) == mapped(["TIER"]) == ({"custom.tier": 0}, [])


def test_columns_go_where_they_are_sent(tier):
    assert mapped(["id", "email", "old email"], ("id", "external_id"), ("old email", "email"), ("EMAIL", "")) == (
        {"external_id": 0, "email": 2},
        ["email"],
    )


def test_a_field_that_is_taken_is_not_taken_again_by_name(db):
    assert mapped(["mail", "email"], ("mail", "email")) == ({"email": 0}, ["email"])


@pytest.mark.parametrize(
    ("columns", "chosen", "reason"),
    [
        (["a"], [("b", "email")], "There is no column “b”. The columns are: a."),
        (["a", "a"], [("a", "email")], "There are several columns “a”."),
        (["a"], [("a", "email"), ("a", "phone")], "The column “a” is mapped twice."),
        (["a", "b"], [("a", "email"), ("b", "email")], "The columns “a” and “b” both go to the field “email”."),
        (["email", "Email"], [], "The columns “email” and “Email” both go to the field “email”."),
        (["a"], [("a", "custom.gone")], "There is no field “custom.gone”. The fields are: email, external_id,"),
        (
            ["a"],
            [("a", "purchases_count")],
            "Muster keeps the field “purchases_count” up to date itself: nothing can be imported into it.",
        ),
        (["a"], [("a", "custom.old")], "The field “custom.old” is archived: nothing can be imported into it."),
    ],
)
def test_columns_that_cannot_be_mapped(db, columns, chosen, reason):
    ContactField.objects.create(key="old", label="Old", type="text", archived=True)
    with pytest.raises(MappingError) as error:
        mapped(columns, *chosen)
    assert str(error.value).startswith(reason)


def test_columns_of_events():
    chosen = [("id", "external_id"), ("n", "properties.quantity"), ("sku", "properties.sku:text")]
    mapping = map_columns(["id", "n", "sku", "Occurred at", "value", "x"], chosen, EVENT_TARGETS)
    assert mapping.places == {
        "external_id": 0,
        "properties.quantity": 1,
        "properties.sku:text": 2,
        "occurred_at": 3,
        "value": 4,
    }
    assert mapping.ignored == ["x"]


@pytest.mark.parametrize("target", ["properties.", "properties.A", "properties.a b", "properties.a:date", "quantity"])
def test_what_is_no_property(target):
    with pytest.raises(MappingError, match=r"properties\.…"):
        map_columns(["a"], [("a", target)], EVENT_TARGETS)


# Values


def read(key: str, text: str) -> object:
    return cleaner(catalogue()[key])(text)


@pytest.fixture
def custom_fields(db, tier) -> None:
    for kind in ("text", "long_text", "integer", "decimal", "boolean", "date", "datetime", "email", "phone", "url"):
        ContactField.objects.create(key=f"my_{kind}", label=kind, type=kind)
    options = [{"value": value, "label": value.title()} for value in ("tea", "coffee", "soup")]
    ContactField.objects.create(key="my_choices", label="choices", type="choices", options=options)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("email", "Ana@Example.ORG", "ana@example.org"),
        ("email", "ana+x@bücher.example", "ana+x@bücher.example"),
        ("external_id", "00012", "00012"),
        ("first_name", "Žofie", "Žofie"),
        ("phone", "+34 612 345 678", "+34612345678"),
        ("date_of_birth", "1964-02-29", "1964-02-29"),
        ("date_of_birth", "1850-06-15", "1850-06-15"),
        ("date_of_birth", "1970-02-20 00:00:00", "1970-02-20"),
        ("gender", "Female", "female"),
        ("gender", "H", "male"),
        ("country", "es", "ES"),
        ("country", "Spain", "ES"),
        ("country", "España", "ES"),
        ("country", "DEU", "DE"),
        ("country", "Niger", "NE"),
        ("language", "german", "de"),
        ("language", "Allemand", "de"),
        ("time_zone", "europe/madrid", "Europe/Madrid"),
        ("newsletter", "SUBSCRIBED", "subscribed"),
        ("newsletter", "sí", "subscribed"),
        ("newsletter", "no", "unsubscribed"),
        ("email_status", "Soft bounce", "soft_bounce"),
        ("points", "-12", -12),
        ("points", "1,200", 1200),
        ("custom.tier", "gold level", "gold"),
        ("custom.tier", "Without", "none"),
        ("custom.my_text", "a", "a"),
        ("custom.my_long_text", "a\nb", "a\nb"),
        ("custom.my_integer", "007", 7),
        ("custom.my_decimal", "12.50", 12.5),
        ("custom.my_decimal", "12.0", 12),
        ("custom.my_boolean", "Yes", True),
        ("custom.my_boolean", "0", False),
        ("custom.my_boolean", "TRUE", True),
        ("custom.my_boolean", "nein", False),
        ("custom.my_date", "2020-02-29", "2020-02-29"),
        ("custom.my_datetime", "2020-02-29", "2020-02-29T00:00:00.000000Z"),
        ("custom.my_datetime", "2020-02-29T10:30:00+02:00", "2020-02-29T08:30:00.000000Z"),
        ("custom.my_email", "A@b.example", "a@b.example"),
        ("custom.my_url", "example.org/x", "https://example.org/x"),
        ("custom.my_choices", "Soup| tea |soup", ["tea", "soup"]),
    ],
)
def test_cells_that_can_be_read(custom_fields, key, text, value):
    result = read(key, text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("email", "ana@example", "Enter a valid email address."),
        ("email", "ana..x@example.org", "Enter a valid email address."),
        ("email", "a" * 250 + "@x.example", "Ensure this value has at most 254 characters (it has 260)."),
        ("first_name", "x" * 151, "Ensure this value has at most 150 characters (it has 151)."),
        ("first_name", "x\0", "Null characters are not allowed."),
        ("phone", "12", "Enter a valid phone number with its country code, such as +34 612 345 678."),
        ("date_of_birth", "03/04/1970", "Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."),
        ("date_of_birth", "1970-02-30", "“1970-02-30” is not a date and time that exists."),
        ("date_of_birth", "1970-02-20 10:00", "“1970-02-20 10:00” has a time, where only a date can be kept."),
        ("country", "Atlantis", "Select a valid choice. Atlantis is not one of the available choices."),
        ("first_name", "#N/A", "“#N/A” is an error of a spreadsheet, not a value."),
        ("points", "1.5", "Enter a whole number."),
        ("newsletter_at", "1612041600000", "Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."),
        ("custom.my_boolean", "perhaps", "Select a valid choice. perhaps is not one of the available choices."),
        ("custom.my_decimal", "1,5", "“1,5” is not a number such as 1234.50."),
        ("custom.my_integer", "1.5", "Enter a whole number."),
        ("newsletter_at", "0001-01-01T00:00+02:00", "“0001-01-01T00:00+02:00” is not a date and time that exists."),
        ("custom.my_choices", "tea|milk", "Select a valid choice. milk is not one of the available choices."),
    ],
)
def test_cells_that_cannot_be_read(custom_fields, key, text, reason):
    with pytest.raises(ValidationError) as error:
        read(key, text)
    assert error.value.messages == [reason]


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        ("UTC", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("Europe/Madrid", "2026-03-01", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("Europe/Madrid", "2026-03-01 10:15", datetime(2026, 3, 1, 9, 15, tzinfo=UTC)),
        ("Europe/Madrid", "2026-03-01T10:15:30.5Z", datetime(2026, 3, 1, 10, 15, 30, 500_000, tzinfo=UTC)),
        ("Europe/Madrid", "2026-03-01T10:15:30-05:00", datetime(2026, 3, 1, 15, 15, 30, tzinfo=UTC)),
        # Clocks went from 2:00 to 3:00, from 3:00 back to 2:00, and at midnight in Havana.
        ("Europe/Madrid", "2026-03-29 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("Europe/Madrid", "2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/Havana", "2026-03-08", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ],
)
def test_moments_of_events(settings, zone, text, moment):
    settings.TIME_ZONE = zone
    assert moment_reader()(text).astimezone(UTC) == moment


@pytest.mark.parametrize("text", ["yesterday", "1612041600000", "20260301", "2026-02-30", "2026-03-01 25:00"])
def test_what_is_no_moment(text):
    with pytest.raises(ValidationError):
        moment_reader()(text)


@pytest.mark.parametrize(
    ("dates", "text", "day"),
    [
        ("iso", "2024-02-29", "2024-02-29"),
        ("dmy", "29/02/2024", "2024-02-29"),
        ("dmy", "1.2.2024", "2024-02-01"),
        ("dmy", "31-12-1999 00:00", "1999-12-31"),
        ("dmy", "2024-02-01", "2024-02-01"),
        ("mdy", "02/29/2024", "2024-02-29"),
        ("mdy", "2/1/2024", "2024-02-01"),
        ("ymd", "2024/2/1", "2024-02-01"),
        ("ymd", "20240201", "2024-02-01"),
        ("ymd", "2024.12.31", "2024-12-31"),
    ],
)
def test_days_in_each_order(dates, text, day):
    assert cleaner(Catalogue([])["date_of_birth"], dates=dates)(text) == day


@pytest.mark.parametrize(
    ("dates", "text", "reason"),
    [
        ("dmy", "31/02/2024", "“31/02/2024” is not a date and time that exists."),
        ("dmy", "29/02/2023", "“29/02/2023” is not a date and time that exists."),
        ("dmy", "12/31/2024", "“12/31/2024” is not a date and time that exists."),
        ("mdy", "31/12/2024", "“31/12/2024” is not a date and time that exists."),
        ("dmy", "3/4/70", "The year of “3/4/70” must have four digits: which century is meant cannot be told."),
        ("mdy", "3.4.70", "The year of “3.4.70” must have four digits: which century is meant cannot be told."),
        ("ymd", "70/4/3", "The year of “70/4/3” must have four digits: which century is meant cannot be told."),
        ("dmy", "3/4-1970", "“3/4-1970” is not a date such as 21/11/2026."),
        ("ymd", "03/04/1970", "“03/04/1970” is not a date such as 2026/11/21."),
        ("dmy", "today", "“today” is not a date such as 21/11/2026."),
        ("dmy", "0/4/1970", "“0/4/1970” is not a date and time that exists."),
    ],
)
def test_what_is_no_day_in_its_order(dates, text, reason):
    with pytest.raises(ValidationError) as error:
        cleaner(Catalogue([])["date_of_birth"], dates=dates)(text)
    assert error.value.messages == [reason]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("21/11/2026", datetime(2026, 11, 20, 23, tzinfo=UTC)),
        ("21/11/2026 14:30", datetime(2026, 11, 21, 13, 30, tzinfo=UTC)),
        ("21/11/2026, 2:30:05 pm", datetime(2026, 11, 21, 13, 30, 5, tzinfo=UTC)),
        ("21/11/2026 12:00 AM", datetime(2026, 11, 20, 23, tzinfo=UTC)),
        ("21.11.2026 14:30:00,25+05:30", datetime(2026, 11, 21, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("21/11/2026 14:30 UTC", datetime(2026, 11, 21, 14, 30, tzinfo=UTC)),
        ("29/03/2026 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_moments_with_the_day_first(settings, text, moment):
    settings.TIME_ZONE = "Europe/Madrid"
    assert moment_reader(dates="dmy")(text).astimezone(UTC) == moment


@pytest.mark.parametrize("text", ["21/11/2026 13:00 pm", "21/11/2026 24:00", "21/11/2026 1:60", "21/11/2026 noon"])
def test_what_is_no_moment_with_the_day_first(text):
    with pytest.raises(ValidationError):
        moment_reader(dates="dmy")(text)


def test_numbers():
    read = {
        "-12.50": "-12.5",
        "+3": "3",
        ".5": "0.5",
        "1.": "1",
        "1,234.50": "1234.5",
        "1 000": "1000",
        "1'000": "1000",
    }
    assert {text: read_number(text) for text in read} == {text: Decimal(value) for text, value in read.items()}
    assert read_whole_number("0012") == 12
    for text in ("12,50", "1e3", "NaN", ".", "", "$5", "1,23,456", "1,000 000", "12,3456", "٣"):
        with pytest.raises(ValidationError):
            read_number(text)
    for text in ("-1", "1.0", "9" * 19, ""):
        with pytest.raises(ValidationError):
            read_whole_number(text)


def test_numbers_with_a_comma():
    read = {
        "-12,50": "-12.5",
        "12": "12",
        ",5": "0.5",
        "1.234,50": "1234.5",
        "1.234.567": "1234567",
        "1\u00a0000,5": "1000.5",
    }
    assert {text: read_number(text, decimal=",") for text in read} == {
        text: Decimal(value) for text, value in read.items()
    }
    for text in ("12.50", "1,234.50", "1.23", "1,2,3"):
        with pytest.raises(ValidationError) as error:
            read_number(text, decimal=",")
        assert error.value.messages == [f"“{text}” is not a number such as 1234,50."]
    clean = cleaner(Catalogue([])["points"], decimal=",")
    assert [clean("1.234"), clean("1234,0")] == [1234, 1234]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (None, "12", 12),
        (None, "-1.50", -1.5),
        (None, "2.0", 2),
        (None, "007", "007"),
        (None, "+1", "+1"),
        (None, "1234567890123456", "1234567890123456"),
        (None, "True", True),
        (None, "yes", "yes"),
        (None, "L", "L"),
        ("text", "12", "12"),
        ("number", "007", 7),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
    ],
)
def test_properties(kind, text, value):
    result = read_property(text, kind)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(("kind", "text"), [("number", "L"), ("boolean", "L"), ("boolean", "2")])
def test_properties_of_another_kind(kind, text):
    with pytest.raises(ValidationError):
        read_property(text, kind)

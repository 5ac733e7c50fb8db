"""From the bytes of a file to rows, mapped columns and values."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError

from contacts.fields import catalogue
from contacts.imports.cleaning import cleaner, read_property
from contacts.imports.dates import moment_reader
from contacts.imports.mapping import EVENT_TARGETS, MappingError, contact_targets, map_columns
from contacts.imports.numbers import read_number, read_whole_number
from contacts.imports.sources import Row, Table, UnreadableFile, detect, open_table
from contacts.models import ContactField


def table(content: str | bytes) -> Table:
    file = BytesIO(content.encode() if isinstance(content, str) else content)
    return open_table(file, detect(file, "people.csv"))


def rows(content: str | bytes) -> list[Row]:
    return list(table(content).rows())


# Files


@pytest.mark.parametrize(
    "content",
    [
        "name,city\nAna,Łódź\n",
        "name,city\r\nAna,Łódź",
        "\ufeffname,city\nAna,Łódź\n",
        "name;city\nAna;Łódź\n",
        "name\tcity\nAna\tŁódź\n",
        "name|city\nAna|Łódź\n",
        ' name , "city"\n"Ana","Łódź"\n'.replace(' "', '"'),
        "name,city\rAna,Łódź\r",
        "name,city\n\nAna,Łódź\n\n\n",
    ],
)
def test_files_that_mean_the_same(content):
    read = table(content)
    assert read.columns == ["name", "city"]
    assert [row.cells for row in read.rows()] == [["Ana", "Łódź"]]


def test_a_delimiter_is_one_that_divides_the_header():
    read = table('"a;b;c",name\n1;2,Ana\n')
    assert read.columns == ["a;b;c", "name"]
    assert [row.cells for row in read.rows()] == [["1;2", "Ana"]]


def test_one_column():
    read = table("email\nana@example.org\n")
    assert read.columns == ["email"]
    assert [row.cells for row in read.rows()] == [["ana@example.org"]]


def test_a_header_without_rows():
    assert rows("email,name\n") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "The first line must name the columns, and it is empty."),
        ("\n\nemail\n", "The first line must name the columns, and it is empty."),
        (",,\n1,2,3\n", "The first line must name the columns, and it is empty."),
        ("näme\n".encode("latin-1"), "The file is not encoded in UTF-8."),
        ("email,name\n".encode("utf-16"), "The file is not encoded in UTF-8."),
        ('email,"name"x\n', "The header is not valid CSV: ',' expected after '\"'."),
    ],
)
def test_what_is_not_such_a_file(content, reason):
    with pytest.raises(UnreadableFile) as error:
        table(content)
    assert str(error.value) == reason


def test_lines_are_counted_as_an_editor_counts_them():
    content = 'name,note\nAna,"one\ntwo\r\nthree"\n\nBo,x\n"C\ny",z\nDi,\n'
    assert [(row.line, row.cells[0]) for row in rows(content)] == [(2, "Ana"), (6, "Bo"), (7, "C\ny"), (9, "Di")]


def test_bad_lines_do_not_stop_the_others():
    content = b'name,city\nAna,Rome\nBo\nCleo,Paris,x\nDi\xe9,Nice\n"Eva"x,Oslo\nFay,"Bern\nGus,Graz\n'
    assert rows(content) == [
        Row(2, ["Ana", "Rome"]),
        Row(3, ["Bo"], "The number of values (1) is not the number of columns (2)."),
        Row(4, ["Cleo", "Paris", "x"], "The number of values (3) is not the number of columns (2)."),
        Row(5, ["Di\udce9", "Nice"], "The line is not encoded in UTF-8."),
        Row(6, [], "The line is not valid CSV: ',' expected after '\"'."),
        Row(7, [], "Lines 7 to 8 are not valid CSV: unexpected end of data."),
    ]


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file():
    lines = [f"person {number},city" for number in range(20_000)]
    lines[10] = 'person 10,"city'
    read = rows("\n".join(["name,city", *lines]))
    bad = [row for row in read if row.problem]
    assert [row.line for row in bad] == [12]
    assert bad[0].problem.startswith("Lines 12 to ")
    assert bad[0].problem.endswith("field larger than field limit (131072).")
    assert len(read) > 10_000
    assert read[-1] == Row(20_001, ["person 19999", "city"])


def test_the_position_grows_with_what_is_read():
    content = ("name\n" + "x" * 99 + "\n") * 5_000
    read = table(content)
    positions = [read.position() for _row in read.rows()]
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] == len(content)


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
        ("gender", "Female", "female"),
        ("country", "es", "ES"),
        ("country", "Spain", "ES"),
        ("language", "german", "de"),
        ("time_zone", "europe/madrid", "Europe/Madrid"),
        ("newsletter", "SUBSCRIBED", "subscribed"),
        ("email_status", "Soft bounce", "soft_bounce"),
        ("points", "-12", -12),
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
        ("date_of_birth", "1970-02-30", "Enter a valid date."),
        ("country", "Spanien", "Select a valid choice. Spanien is not one of the available choices."),
        ("points", "1.5", "Enter a whole number."),
        ("newsletter_at", "1612041600000", "Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."),
        ("custom.my_boolean", "perhaps", "Select a valid choice. perhaps is not one of the available choices."),
        ("custom.my_decimal", "1,5", "Enter a number."),
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


def test_numbers():
    assert [read_number(text) for text in ("-12.50", "+3", ".5", "1.")] == [Decimal("-12.5"), 3, Decimal("0.5"), 1]
    assert read_whole_number("0012") == 12
    for text in ("12,50", "1e3", "NaN", ".", "", "$5", "1 000", "٣"):
        with pytest.raises(ValidationError):
            read_number(text)
    for text in ("-1", "1.0", "9" * 19, ""):
        with pytest.raises(ValidationError):
            read_whole_number(text)


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

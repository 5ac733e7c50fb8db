"""Where columns seem to go, and what their values look like."""

import pytest

from contacts.fields import Catalogue, catalogue
from contacts.imports.guessing import ColumnGuess, guess, plain
from contacts.imports.looks import look_at
from contacts.imports.words import CONTACT_COLUMNS, EVENT_COLUMNS, words
from contacts.models import ContactField, ContactList

SYSTEM = Catalogue([])


def guesses(content: str, *, kind: str = "contacts", fields: Catalogue = SYSTEM) -> list[ColumnGuess]:
    """The guesses for a table that is written with semicolons."""
    columns, *rows = [line.strip().split(";") for line in content.strip().splitlines()]
    return guess(columns, rows, kind=kind, fields=fields)


def targets(content: str, **options: object) -> list[str]:
    return [one.target for one in guesses(content, **options)]


# Names


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (
            "Email;First name;Last name;Date of birth;Postal code",
            "email first_name last_name date_of_birth postal_code",
        ),
        ("Correo electrónico;Nombre;Apellidos;Teléfono;Código postal", "email first_name last_name phone postal_code"),
        ("Courriel;Prénom;Nom;Date de naissance;Ville", "email first_name last_name date_of_birth city"),
        (
            "E-Mail-Adresse;Vorname;Nachname;Geburtsdatum;PLZ;Ort",
            "email first_name last_name date_of_birth postal_code city",
        ),
        ("Correio eletrônico;Nome;Sobrenome;Telemóvel;Cidade", "email first_name last_name phone city"),
        ("Indirizzo e-mail;Nome;Cognome;Data di nascita;CAP", "email first_name last_name date_of_birth postal_code"),
        ("customerId;firstName;LASTNAME;e_mail;opt-in date", "external_id first_name last_name email newsletter_at"),
        ("Consent;Zeitzone;Sexo;País;Idioma", "newsletter time_zone gender country language"),
        ("Courriel ;  MÓVIL:; lead_score!", "email phone points"),
    ],
)
def test_columns_are_known_by_what_people_call_them(header, fields):
    assert targets(header) == fields.split()


def test_the_better_name_wins_and_no_field_is_taken_twice():
    assert targets("mail;email;nombre;first_name;nombre") == ["", "email", "", "first_name", ""]


def test_no_name_means_two_fields():
    for table in (CONTACT_COLUMNS, EVENT_COLUMNS):
        names = {key: {plain(word) for word in words(text)} for key, text in table.items()}
        shared = {name for key, own in names.items() for other in names if other != key for name in own & names[other]}
        assert shared == set()
        assert all(all(own) for own in names.values())


def test_custom_fields_are_known_by_key_and_label(db):
    ContactField.objects.create(key="shoe_size", label="Größe der Schuhe", type="integer")
    ContactField.objects.create(key="gone", label="Gone", type="text", archived=True)
    content = "Grösse der Schuhe;gone\n38;x"
    assert targets("custom.shoe_size;shoe size", fields=catalogue())[0] == "custom.shoe_size"
    assert targets(content.replace("Grösse", "Größe"), fields=catalogue()) == ["custom.shoe_size", ""]


def test_lists_are_known_by_name_where_the_values_are_yes_and_no(db):
    news = ContactList.objects.create(name="Noticias de Mäx")
    assert targets("noticias de max;x\nsí;1\nno;2") == [f"list:{news.pk}", ""]
    assert targets("List: Noticias de Mäx\nsí\nno") == [f"list:{news.pk}"]
    assert targets("noticias de max\nrojo\nverde") == [""]


def test_a_name_alone_is_not_enough_when_the_values_are_something_else(db):
    assert targets("Mail;Land;Newsletter\nyes;12;a\nno;13;b") == ["", "", ""]
    assert targets("Email\nyes\nno") == [""]
    assert targets("Email;Birthday\nnobody;03/04/70\nnowhere;31/02/1970") == ["email", "date_of_birth"]


# Values


def test_columns_are_known_by_their_values():
    content = """
        a;b;c;d
        ana@example.org;+34 612 345 678;ES;Europe/Madrid
        bo@example.org;+46 70 123 45 67;SE;Europe/Stockholm
    """
    assert targets(content) == ["email", "phone", "country", "time_zone"]
    assert targets("a;b\nSpain;es\nAlemania;de") == ["country", ""]


@pytest.mark.parametrize(
    ("values", "dates", "unclear", "kind"),
    [
        ("2024-02-29 1999-12-31", "iso", False, "date"),
        ("2024-02-29T10:00 1999-12-31", "iso", False, "datetime"),
        ("31/12/2024 01/02/2024", "dmy", False, "date"),
        ("12/31/2024 01/02/2024", "mdy", False, "date"),
        ("01.02.2024 03.04.2024", None, True, "date"),
        ("2024/12/31 2024/01/02", "ymd", False, "date"),
        ("20241231 20240102", "ymd", False, "date"),
        ("31.12.99 1.2.24", "dmy", False, "date"),
        ("2024-01-01 31/12/2024", None, True, "text"),
        ("12 13", None, False, "integer"),
    ],
)
def test_how_dates_are_written(values, dates, unclear, kind):
    look = look_at(values.split())
    assert (look.dates, look.type) == (dates, kind) or (dates is None and kind == "text")
    if kind != "text":
        assert look.unclear == unclear


def test_a_few_wrong_dates_do_not_change_the_others():
    assert look_at(["31/12/2024"] * 19 + ["unknown"]).type == "date"
    assert look_at(["01/02/2024"] * 19 + ["13/02/2024"]).dates == "dmy"


def test_one_column_tells_how_another_is_written():
    first, second, _amount, price = guesses(
        "a;b;c;d\n01/02/2024;31/12/2024;1.234;1,50\n03/04/2024;30/12/2024;5.678;2,00"
    )
    assert (first.dates, first.unclear, second.dates) == ("dmy", False, "dmy")
    assert price.decimal == _amount.decimal == ","
    [alone] = guesses("a\n01/02/2024")
    assert (alone.dates, alone.unclear, alone.decimal) == (None, True, ".")


@pytest.mark.parametrize(
    ("values", "decimal", "kind"),
    [
        ("1 -2 30", None, "integer"),
        ("1.5 2", ".", "decimal"),
        ("1,5 2", ",", "decimal"),
        ("1.234,50 10,00", ",", "decimal"),
        ("1,234.50 10.00", ".", "decimal"),
        ("1,234 5,678", None, "integer"),
        ("00123 00456", None, "text"),
        ("1234567890123456 1", None, "text"),
        ("1e5 2e5", None, "text"),
    ],
)
def test_how_numbers_are_written(values, decimal, kind):
    look = look_at(values.split())
    assert (look.decimal, look.type) == (decimal, kind)


@pytest.mark.parametrize(
    ("values", "kind", "options"),
    [
        (["a@example.org", "b@example.org"], "email", []),
        (["https://example.org/x", "www.example.org"], "url", []),
        (["+34 612 345 678", "0034 612345678"], "phone", []),
        (["yes", "no", "Yes"], "boolean", []),
        (["sí"], "boolean", []),
        (["1", "0"], "boolean", []),
        (["1", "1"], "integer", []),
        (["x", "y"], "text", []),
        (["gold", "Silver", "gold", "silver"] * 4, "choice", ["gold", "Silver"]),
        (["gold", "silver"], "text", []),
        (["tea|soup", "tea", "soup|milk"] * 4, "choices", ["milk", "soup", "tea"]),
        (["x" * 300, "y"], "long_text", []),
        (["Ana", "Bo", "Cy"], "text", []),
        (["", " "], "text", []),
    ],
)
def test_the_type_of_a_new_field(values, kind, options):
    look = look_at(values)
    assert (look.type, look.options) == (kind, options)


# Events


def test_columns_of_events():
    content = """
        order;customer_id;date;amount;quantity;Category;gift
        A-1;1001;2026-03-01;59.80;2;shoes;yes
        A-2;1002;2026-03-02 18:30;12.00;1;hats;no
    """
    assert targets(content, kind="events") == [
        *("key", "external_id", "occurred_at", "value"),
        *("property:quantity:number", "property:category:text", "property:gift:boolean"),
    ]


def test_columns_of_events_in_other_languages_and_by_values():
    content = """
        Kunde;Zeit;Betrag;Ereignis;Vorname;properties.sku
        a@example.org;31.12.2025 10:00;1,50;page_visit;Ana;007
        b@example.org;30.12.2025 10:00;2,50;purchase;Bo;008
    """
    found = guesses(content, kind="events")
    assert [one.target for one in found] == ["email", "occurred_at", "value", "type", "", "property:sku:text"]
    assert (found[1].dates, found[2].decimal) == ("dmy", ",")


def test_what_looks_like_nothing_of_an_event_is_a_property():
    content = "Typ;Preis;1st\nSommer Kleid;gratis;x\nWinter Mantel;teuer;y"
    assert targets(content, kind="events") == ["property:typ:text", "property:preis:text", ""]


def test_five_hundred_columns():
    columns = [f"c{number}" for number in range(500)]
    rows = [[f"{number}.{row % 700}" for number in range(500)] for row in range(400)]
    assert {one.type for one in guess(columns, rows, kind="contacts", fields=SYSTEM)} == {"decimal"}

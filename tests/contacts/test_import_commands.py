"""The commands import_contacts and import_events as somebody at a terminal meets them."""

import csv
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from contacts.models import Contact, ContactList, Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a folder of its own to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(command: str, *arguments: str, stderr: StringIO | None = None) -> tuple[int, str]:
    """The exit status, and what was written to standard output or said of the failure."""
    output = StringIO()
    try:
        call_command(command, *arguments, stdout=output, stderr=stderr or StringIO())
    except CommandError as error:
        return error.returncode, f"{output.getvalue()}{error}"
    return 0, output.getvalue()


def test_contacts(folder):
    Path("people.csv").write_text("Customer,E-mail,Note\n1,ana@example.org,x\n2,bo@example.org,y\n", encoding="utf-8")
    arguments = ["people.csv", "--map", "customer=external_id", "e-mail=email"]
    assert run("import_contacts", *arguments) == (
        0,
        (
            "Not imported: Note.\nRows: 2. Contacts created: 2; updated: 0; unchanged: 0."
            " Further rows of the same contacts: 0. Refused: 0.\n"
        ),
    )
    assert set(Contact.objects.values_list("external_id", "email")) == {
        ("1", "ana@example.org"),
        ("2", "bo@example.org"),
    }
    assert run("import_contacts", *arguments)[1].startswith(
        "Not imported: Note.\nRows: 2. Contacts created: 0; updated: 0; unchanged: 2."
    )
    assert os.listdir(folder) == ["people.csv"]


def test_refused_rows_are_named_and_can_be_put_right():
    Path("people.csv").write_text('external_id,email,city\n1,a@,"Rome,\nItaly"\n2,b@example.org,Oslo\n3\n', "utf-8")
    status, said = run("import_contacts", "people.csv", "--errors", "bad.csv")
    assert status == 1
    assert said == (
        "Rows: 3. Contacts created: 1; updated: 0; unchanged: 0. Further rows of the same contacts: 0. Refused: 2.\n"
        "Refused rows: 2 of 3. They stand in bad.csv with the reasons."
    )
    with Path("bad.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "external_id", "email", "city"],
            ["2", "Email: Enter a valid email address.", "1", "a@", "Rome,\nItaly"],
            ["5", "The number of values (1) is not the number of columns (3).", "3"],
        ]
    Path("good.csv").write_text(Path("bad.csv").read_text("utf-8").replace("a@", "a@example.org"), "utf-8")
    status, said = run("import_contacts", "good.csv")
    assert said.startswith("Not imported: line, reason.\nRows: 2. Contacts created: 1;")
    assert Contact.objects.get(external_id="1").city == "Rome,\nItaly"


def test_the_file_of_errors_has_a_name_of_its_own_and_goes_when_all_is_well():
    Path("people.csv").write_text("email\nbad\n", "utf-8")
    assert run("import_contacts", "people.csv")[0] == 1
    assert Path("people.errors.csv").exists()
    Path("people.csv").write_text("email\ngood@example.org\n", "utf-8")
    assert run("import_contacts", "people.csv")[0] == 0
    assert not Path("people.errors.csv").exists()


def test_rows_that_are_not_in_the_encoding_of_the_others():
    Path("people.csv").write_bytes(b"email,city\nb@example.org,\xc3\x98rsted\na@example.org,K\xf6ln\n")
    assert run("import_contacts", "people.csv")[0] == 1
    assert Path("people.errors.csv").read_text("utf-8").endswith("a@example.org,K\ufffdln\n")


def test_matching_and_lists():
    news = ContactList.objects.create(name="Newsletter Ünï")
    ana = Contact.objects.create(external_id="old", email="ana@example.org")
    Path("people.csv").write_text("external_id,email\nnew,ana@example.org\n", "utf-8")
    assert run("import_contacts", "people.csv", "--match", "email", "--list", "newsletter ÜNÏ")[0] == 0
    ana.refresh_from_db()
    assert ana.external_id == "new"
    assert list(Contact.objects.on_list(news.pk)) == [ana]


def test_events():
    Contact.objects.create(external_id="00001")
    Path("orders.csv").write_text("order_id,customer_id,date,amount,quantity\nA,00001,2026-03-01,11.77,1\n", "utf-8")
    chosen = ["order_id=key", "customer_id=external_id", "date=occurred_at", "amount=value"]
    arguments = ["orders.csv", "--type", "purchase", "--map", *chosen, "quantity=properties.quantity"]
    assert run("import_events", *arguments) == (0, "Rows: 1. Events recorded: 1; known already: 0. Refused: 0.\n")
    assert run("import_events", *arguments) == (0, "Rows: 1. Events recorded: 0; known already: 1. Refused: 0.\n")
    event = Event.objects.get()
    assert (event.key, str(event.value), event.properties) == ("A", "11.7700", {"quantity": 1})


def test_events_of_unknown_contacts():
    Path("orders.csv").write_text("external_id,occurred_at\nnobody,2026-03-01\n", "utf-8")
    status, said = run("import_events", "orders.csv", "--type", "purchase")
    assert (status, said.splitlines()[-1]) == (
        1,
        "Refused rows: 1 of 1. They stand in orders.errors.csv with the reasons.",
    )
    assert "There is no contact with the external id “nobody”." in Path("orders.errors.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["gone.csv"], "gone.csv: No such file or directory."),
        (["."], ".: Is a directory."),
        (["empty.csv"], "The file is empty."),
        (["people.csv", "--map", "mail=email"], "There is no column “mail”. The columns are: email, name."),
        (["people.csv", "--map", "name=nickname"], "There is no field “nickname”. The fields are: email, external_id"),
        (["people.csv", "--map", "name"], "“name” does not say which field: write COLUMN=FIELD."),
        (["people.csv", "--map", "email="], "No column goes to “email” or “external_id”: nothing tells the contacts"),
        (["people.csv", "--match", "external_id"], "No column goes to the field “external_id”, by which contacts"),
        (["people.csv", "--list", "Gone"], "There is no list “Gone”."),
        (["people.csv", "--errors", "people.csv"], "The refused rows cannot go into the file that is imported."),
        (["people.csv", "--errors", "no/such/folder.csv"], "no/such/folder.csv: No such file or directory."),
    ],
)
def test_wrong_use_begins_nothing(folder, arguments, reason):
    Path("empty.csv").touch()
    Path("people.csv").write_text("email,name\nana@example.org,Ana\n", "utf-8")
    status, said = run("import_contacts", *arguments)
    assert status == 2
    assert reason in said
    assert not Contact.objects.exists()
    assert sorted(os.listdir(folder)) == ["empty.csv", "people.csv"]


def test_wrong_use_of_events():
    Path("orders.csv").write_text("external_id,occurred_at\n", "utf-8")
    assert run("import_events", "orders.csv") == (2, "Nothing says of which type the events are.")


def test_a_terminal_sees_how_far_it_is(monkeypatch):
    monkeypatch.setattr("contacts.imports.contacts.ROWS_IN_ONE_BATCH", 2)
    Path("people.csv").write_text("email\n" + "".join(f"p{number}@example.org\n" for number in range(4)), "utf-8")
    terminal = Terminal()
    assert run("import_contacts", "people.csv", stderr=terminal)[0] == 0
    shown = terminal.getvalue().split("\r")
    assert shown[1].endswith("2 rows")
    assert shown[2].endswith("[##############################] 100% 4 rows")
    assert shown[3].strip() == shown[4] == ""
    elsewhere = StringIO()
    assert run("import_contacts", "people.csv", stderr=elsewhere)[0] == 0
    assert elsewhere.getvalue() == ""


def test_the_exit_status_of_the_process():
    """Wrong use is found before the database is asked for anything but the fields of contacts."""
    manage = [sys.executable, Path(settings.BASE_DIR) / "manage.py"]
    for arguments in (["import_events", "gone.csv", "--type", "purchase"], ["import_contacts"]):
        done = subprocess.run([*manage, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "gone.csv" in done.stderr or "FILE" in done.stderr

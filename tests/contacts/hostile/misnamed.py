"""Files that are something else than their names say."""

from tests.contacts.hostile import books
from tests.contacts.hostile.case import ANA, BINARY, JSON, PICTURE, PLAIN, TWO, XLSX, Case, text

WRONG_NAMES = [
    Case("A workbook called CSV", lambda: books.of([["email", "first_name"], ANA]), [ANA]),
    Case("CSV called XLSX", text(PLAIN), TWO, name=XLSX),
    Case("CSV called XLS", text(PLAIN), TWO, name="people.xls", misnamed="A file of the type .xls cannot be imported."),
    Case("JSON lines called CSV", text('{"email": "ana@example.org", "first_name": "Ana"}\n'), [ANA]),
    Case(
        "CSV called JSON lines",
        text(PLAIN),
        refusal="The name says JSON lines, but the file does not begin with a JSON object.",
        name=JSON,
    ),
    Case(
        "A JSON array",
        text('[{"email": "ana@example.org"}]'),
        refusal="The file is one JSON array. Muster reads JSON lines: one object on every line.",
        name="people.json",
    ),
    Case(
        "An old workbook called CSV",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504,
        refusal="The file is a workbook that is protected with a password, or in the old format XLS. "
        "Save it as XLSX without a password, or as CSV.",
    ),
    Case(
        "A web page called XLS",
        b"<html><table><tr><td>email</td></tr></table></html>",
        refusal="The file is a web page or XML, not a table. Export the table as CSV or XLSX.",
        name="people.xls",
    ),
    Case(
        "A PDF document",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        refusal="The file is a PDF document. Export the table as CSV or XLSX.",
    ),
    Case(
        "A text document",
        b"{\\rtf1\\ansi email}",
        refusal="The file is a text document. Export the table as CSV or XLSX.",
    ),
    Case("A picture", b"\x89PNG\r\n\x1a\n" + bytes(100), refusal=PICTURE),
    Case(
        "A compressed file", b"\x1f\x8b\x08\0" + bytes(20), refusal="The file is compressed with gzip. Unpack it first."
    ),
    Case("A database", b"SQLite format 3\0" + bytes(100), refusal="The file is a database, not a table."),
    Case("Bytes without meaning", bytes(range(256)) * 4, refusal=BINARY),
]

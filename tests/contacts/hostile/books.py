"""Workbooks as no spreadsheet program, or only some, would write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ANA, BO = ["ana@example.org", "Ana"], ["bo@example.org", "Bo"]
HEADER = ["email", "first_name"]


def of(rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return _saved(book)


def _saved(book: Workbook) -> bytes:
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _changed(workbook: bytes, changes: dict[str, Callable[[str], str] | str | None]) -> bytes:
    """The workbook with parts that are changed, added, or left out where there is None."""
    changed = BytesIO()
    with ZipFile(BytesIO(workbook)) as before, ZipFile(changed, "w", ZIP_DEFLATED) as after:
        for name in dict.fromkeys([*before.namelist(), *changes]):
            change = changes.get(name, lambda content: content)
            if change is not None:
                content = before.read(name).decode() if name in before.namelist() else ""
                after.writestr(name, change if isinstance(change, str) else change(content))
    return changed.getvalue()


def _sheet(rows: str, before: str = "") -> str:
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{NAMESPACE}"><sheetData>{rows}</sheetData></worksheet>'


def _cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def with_types() -> bytes:
    names = ["email", "day", "moment", "phone", "weight", "active"]
    return of([names, ["ana@example.org", date(2024, 2, 29), datetime(2024, 3, 1, 18, 30), 34612345678.0, 12.5, True]])  # noqa: DTZ001


def with_results() -> bytes:
    def calculated(sheet: str) -> str:
        sheet = sheet.replace('<c r="B2"><f>A</f><v />', '<c r="B2" t="str"><f>A</f><v>Ana</v>')
        return sheet.replace('<c r="B3"><f>B</f><v />', '<c r="B3" t="e"><f>B</f><v>#N/A</v>')

    rows = [HEADER, ["ana@example.org", "=A"], ["bo@example.org", "=B"]]
    return _changed(
        of(rows), {SHEET: lambda sheet: calculated(sheet.replace("<v></v>", "<v />").replace("<v/>", "<v />"))}
    )


def with_merged_cells() -> bytes:
    book = Workbook()
    for row in (HEADER, ANA, BO):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    return _saved(book)


def with_sheets() -> bytes:
    book = Workbook()
    for row in (HEADER, ANA):
        book.create_sheet("Customers" if row is HEADER else "Other").append(row)
    book["Customers"].append(ANA)
    return _saved(book)


def with_hidden_sheet() -> bytes:
    book = Workbook()
    book.active.sheet_state = "hidden"
    book.active.append(["secret"])
    customers = book.create_sheet("Customers")
    for row in (HEADER, ANA):
        customers.append(row)
    return _saved(book)


def with_last_row() -> bytes:
    book = Workbook()
    for row in (HEADER, ANA):
        book.active.append(row)
    for column, value in enumerate(BO, start=1):
        book.active.cell(1_048_576, column, value)
    return _saved(book)


def with_last_column() -> bytes:
    book = Workbook()
    for row in (HEADER, ANA, ["x@example.org", "X"]):
        book.active.append(row)
    book.active.cell(3, 16_384, "far away")
    return _saved(book)


def with_inline_texts() -> bytes:
    runs = "<r><t>課長</t></r><rPh sb='0' eb='2'><t>カチョウ</t></rPh><r><t>_x000D_\nAna</t></r>"
    header = f'<row r="1">{_cell("A1", "email")}{_cell("B1", "first_name")}</row>'
    row = f'<row r="2">{_cell("A2", ANA[0])}<c r="B2" t="inlineStr"><is>{runs}</is></c></row>'
    return _changed(of([["x"]]), {SHEET: _sheet(header + row)})


def with_null() -> bytes:
    return of([HEADER, ["x@example.org", "X_x0000_"], ANA])


def with_broken_xml() -> bytes:
    """2,000 rows are whole, what follows is not."""
    whole = of([HEADER, *([f"p{number}@example.org", "P"] for number in range(2_000))])
    return _changed(whole, {SHEET: lambda sheet: sheet.replace("</sheetData>", "<row r='2002'><c></row>")})


def without_workbook_part() -> bytes:
    return _changed(of([HEADER, ANA]), {"xl/workbook.xml": None})


def encrypted() -> bytes:
    """With the mark that parts are encrypted; nobody reads further."""
    workbook = bytearray(of([HEADER, ANA]))
    for found in re.finditer(rb"PK\x01\x02", bytes(workbook)):
        workbook[found.start() + 8] |= 1
    return bytes(workbook)


def with_entities() -> bytes:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdef", "bcdefg", strict=True)
    )
    rows = f'<row r="1">{_cell("A1", "&g;")}</row>'
    return _changed(of([["x"]]), {SHEET: _sheet(rows, f"<!DOCTYPE worksheet [{entities}]>")})


def with_entities_in_styles() -> bytes:
    entity = '<!DOCTYPE styleSheet [<!ENTITY a "aaaaaaaaaa">]>'
    return _changed(of([HEADER, ANA]), {"xl/styles.xml": lambda styles: entity + styles[styles.index("<styleSheet") :]})


def bomb() -> bytes:
    rows = f'<row r="1">{_cell("A1", "a" * 30_000_000)}</row>'
    return _changed(of([["x"]]), {SHEET: _sheet(rows)})


def of_many_parts() -> bytes:
    return _changed(of([HEADER, ANA]), {f"xl/media/{number}.png": "" for number in range(10_000)})


def with_long_cell() -> bytes:
    """In letters that do not compress so well that the archive would be refused."""
    letters = "".join(chr(97 + (number * number) % 26) for number in range(2 * 2**20))
    return _changed(of([["x"]]), {SHEET: _sheet(f'<row r="1">{_cell("A1", letters)}</row>')})


def archive() -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("people.csv", "email\nana@example.org\n")
    return content.getvalue()

"""Workbooks."""

from tests.contacts.hostile import books
from tests.contacts.hostile.case import ANA, BO, TWO, XLSX, Case

WORKBOOKS = [
    Case("A workbook", lambda: books.of([["email", "first_name"], ANA, BO]), TWO, name=XLSX),
    Case(
        "Dates, times, whole numbers, truth",
        books.with_types,
        [["ana@example.org", "2024-02-29", "2024-03-01 18:30:00", "34612345678", "12.5", "true"]],
        name=XLSX,
    ),
    Case(
        "Results of formulas",
        books.with_results,
        [["ana@example.org", "Ana"], ["bo@example.org", "#N/A"]],
        invalid={3: "First name: “#N/A” is an error of a spreadsheet, not a value."},
        name=XLSX,
    ),
    Case(
        "Formulas that nobody has calculated",
        lambda: books.of([["email", "first_name"], ANA, ["x@example.org", "=1+1"]]),
        [ANA],
        {3: "A formula has no result. Open the workbook in a spreadsheet program and save it again."},
        name=XLSX,
    ),
    Case("Merged cells", books.with_merged_cells, [["ana@example.org", "Ana"], ["bo@example.org", ""]], name=XLSX),
    Case("Several sheets, the first one empty", books.with_sheets, [ANA], name=XLSX),
    Case("A hidden sheet before the others", books.with_hidden_sheet, [ANA], name=XLSX),
    Case("A row at the very end of the sheet", books.with_last_row, [ANA, BO], name=XLSX),
    Case(
        "A value in the last column of the sheet",
        books.with_last_column,
        [ANA],
        {3: "There is a value beyond column 1,000."},
        name=XLSX,
    ),
    Case(
        "Values in a column without a name",
        lambda: books.of([["email", "first_name"], [*ANA, "x"], BO]),
        [[*ANA, "x"], [*BO, ""]],
        columns=["email", "first_name", "Column 3"],
        name=XLSX,
    ),
    Case(
        "Rows between empty ones",
        lambda: books.of([[], ["email", "first_name"], [], ANA, [None, " "], BO]),
        TWO,
        name=XLSX,
    ),
    Case(
        "Texts inside cells, hints of pronunciation, escaped line ends",
        books.with_inline_texts,
        [["ana@example.org", "課長\r\nAna"]],
        name=XLSX,
    ),
    Case(
        "A null character in a cell",
        books.with_null,
        [ANA],
        {2: "The row has a character that cannot be stored."},
        name=XLSX,
    ),
    Case("An empty workbook", lambda: books.of([]), refusal="The workbook is empty.", name=XLSX),
    Case(
        "A workbook that is cut off",
        lambda: books.of([["email"], ["ana@example.org"]])[:-200],
        refusal="The workbook is damaged. Open it in a spreadsheet program and save it again.",
        name=XLSX,
    ),
    Case(
        "A workbook with broken XML",
        books.with_broken_xml,
        2000,
        damaged="The workbook is damaged. Open it in a spreadsheet program and save it again.",
        name=XLSX,
    ),
    Case(
        "A workbook without its list of sheets",
        books.without_workbook_part,
        refusal="The workbook is damaged. Open it in a spreadsheet program and save it again.",
        name=XLSX,
    ),
    Case(
        "A workbook with a password inside the ZIP archive",
        books.encrypted,
        refusal="The workbook is protected with a password. Save it without one.",
        name=XLSX,
    ),
    Case(
        "A million entities",
        books.with_entities,
        refusal="The workbook declares XML entities, which no spreadsheet program does.",
        name=XLSX,
    ),
    Case(
        "Entities in the styles",
        books.with_entities_in_styles,
        refusal="The workbook declares XML entities, which no spreadsheet program does.",
        name=XLSX,
    ),
    Case(
        "A sheet that unpacks to a thousand times its size",
        books.bomb,
        refusal="The workbook would take too much space unpacked. Save it as CSV.",
        name=XLSX,
    ),
    Case(
        "10,000 parts",
        books.of_many_parts,
        refusal="The workbook would take too much space unpacked. Save it as CSV.",
        name=XLSX,
    ),
    Case(
        "A cell of 2 MB",
        books.with_long_cell,
        refusal="The workbook has a cell with more than 1,048,576 characters.",
        name=XLSX,
    ),
    Case(
        "A ZIP archive with something else",
        books.archive,
        refusal="The file is a ZIP archive, but no workbook in the format XLSX.",
        name=XLSX,
    ),
    Case("An empty ZIP archive", b"PK\x05\x06" + bytes(18), refusal="The file is an empty ZIP archive.", name=XLSX),
]

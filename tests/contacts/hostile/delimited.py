"""CSV as RFC 4180 has it, and as it comes."""

from tests.contacts.hostile.case import ANA, BO, COUNT, EMPTY, HEADER, NOT_CSV, NULL, PLAIN, QUOTATION, TWO, Case, text

DELIMITED = [
    Case("Windows line ends", text(PLAIN.replace("\n", "\r\n")), TWO),
    Case("Line ends of old Macs", text(PLAIN.replace("\n", "\r")), TWO),
    Case("Mixed line ends", text(f"{HEADER}ana@example.org,Ana\r\nbo@example.org,Bo\r"), TWO),
    Case("No line end at the end", text(PLAIN.rstrip()), TWO),
    Case("Semicolons", text(PLAIN.replace(",", ";")), TWO),
    Case("Tabs, as pasted from a spreadsheet", text(PLAIN.replace(",", "\t")), TWO, name="pasted.txt"),
    Case("Bars", text(PLAIN.replace(",", "|")), TWO),
    Case("Excel's line that names the delimiter", text("sep=;\n" + PLAIN.replace(",", ";")), TWO),
    Case(
        "A delimiter inside the header",
        text('email,"name; first"\nana@example.org,A;B\n'),
        [["ana@example.org", "A;B"]],
    ),
    Case(
        "Semicolons, and commas in every value",
        text("email;note\na@b.example;1,5, or so\n"),
        [["a@b.example", "1,5, or so"]],
    ),
    Case("Everything in quotation marks", text('"email","first_name"\n"ana@example.org","Ana"\n'), [ANA]),
    Case(
        "A delimiter in quotation marks", text(f'{HEADER}ana@example.org,"Ana, B."\n'), [["ana@example.org", "Ana, B."]]
    ),
    Case(
        "Line breaks in quotation marks",
        text(f'{HEADER}ana@example.org,"Ana\r\nB.\nC."\n'),
        [["ana@example.org", "Ana\r\nB.\nC."]],
    ),
    Case("Doubled quotation marks", text(f'{HEADER}ana@example.org,"""Ana"" B."\n'), [["ana@example.org", '"Ana" B.']]),
    Case("An empty value in quotation marks", text(f'{HEADER}ana@example.org,""\n'), [["ana@example.org", ""]]),
    Case(
        "A quotation mark inside a value",
        text(f'{HEADER}ana@example.org,Ana 5" B.\n'),
        [["ana@example.org", 'Ana 5" B.']],
    ),
    Case(
        "Text behind a closing quotation mark",
        text(f'{HEADER}ana@example.org,"Ana" B.\nbo@example.org,Bo\n'),
        [BO],
        {2: NOT_CSV},
    ),
    Case(
        "A quotation mark that nobody closes",
        text(f'{HEADER}x@example.org,"X\nana@example.org,Ana\nbo@example.org,Bo\n'),
        TWO,
        {2: QUOTATION},
    ),
    Case(
        "A quotation mark that another line closes",
        text(f'{HEADER}x@example.org,"X\nana@example.org,Ana\ny@example.org,"Y"\n'),
        [ANA, ["y@example.org", "Y"]],
        {2: QUOTATION},
    ),
    Case(
        "A quotation mark at the very end",
        text(f'{PLAIN}x@example.org,"'),
        TWO,
        {4: "The line is not valid CSV: unexpected end of data."},
    ),
    Case("100 empty lines", text(HEADER + "\n" * 50 + "ana@example.org,Ana\n" + " \n" * 50), [ANA]),
    Case("Lines of delimiters only", text(f"{HEADER},\nana@example.org,Ana\n , \n"), [ANA]),
    Case("Empty lines before the header", text("\n\n" + PLAIN), TWO),
    Case("Spaces around values", text(f"{HEADER} ana@example.org , Ana \n"), [[" ana@example.org ", " Ana "]]),
    Case(
        "Too many and too few values",
        text(f"{HEADER}x@example.org,X,1\ny@example.org\nana@example.org,Ana\n"),
        [ANA],
        {2: COUNT % (3, 2), 3: COUNT % (1, 2)},
    ),
    Case("One column", text("email\nana@example.org\n"), [["ana@example.org"]]),
    Case("A header and nothing else", text(HEADER), [], columns=["email", "first_name"]),
    Case("No header", text("ana@example.org,Ana\nbo@example.org,Bo\n"), TWO, columns=["Column 1", "Column 2"]),
    Case("No header, one row", text("ana@example.org,Ana\n"), [ANA], columns=["Column 1", "Column 2"]),
    Case(
        "Columns of the same name",
        text("email,Note,Note\nana@example.org,a,b\n"),
        [["ana@example.org", "a", "b"]],
        columns=["email", "Note", "Note (2)"],
    ),
    Case(
        "Columns without a name",
        text("email,,\nana@example.org,a,b\n"),
        [["ana@example.org", "a", "b"]],
        columns=["email", "Column 2", "Column 3"],
    ),
    Case(
        "Years as names of columns",
        text("email,2024,2025\nana@example.org,7,12\n"),
        [["ana@example.org", "7", "12"]],
        columns=["email", "2024", "2025"],
    ),
    Case(
        "Days as names of columns",
        text("email,2026-01-01\nana@example.org,7\n"),
        [["ana@example.org", "7"]],
        columns=["email", "2026-01-01"],
    ),
    Case("A header that cannot be read", text('email,"name"x\nana@example.org,Ana\n'), refusal=f"Line 1: {NOT_CSV}"),
    Case(
        "500 columns",
        lambda: text(
            ",".join(["email", *(f"c{n}" for n in range(499))]) + "\n" + "ana@example.org" + ",x" * 499 + "\n"
        ),
        1,
    ),
    Case(
        "1,001 columns",
        lambda: text(",".join(f"c{n}" for n in range(1001)) + "\n"),
        refusal="The file has 1,001 columns; at most 1,000 can be imported.",
    ),
    Case(
        "A value of 1 MB",
        lambda: text(f"{HEADER}x@example.org,{'x' * 2**20}\nana@example.org,Ana\n"),
        2,
        invalid={2: "First name: Ensure this value has at most 150 characters (it has 1048576)."},
    ),
    Case(
        "A value of more than 1 MB",
        lambda: text(f"{HEADER}x@example.org,{'x' * (2**20 + 1)}\nana@example.org,Ana\n"),
        [ANA],
        {2: "The line is not valid CSV: field larger than field limit (1048576)."},
    ),
    Case(
        "A line of more than 4 MB",
        lambda: text(f"{HEADER}x@example.org{',x' * 2**21}\nana@example.org,Ana\n"),
        [ANA],
        {2: "The line is not valid CSV: longer than 4,194,304 characters."},
    ),
    Case("An empty file", b"", refusal=EMPTY),
    Case("Only a byte order mark", b"\xef\xbb\xbf", refusal=EMPTY),
    Case("Only line ends", b"\n\r\n\n", refusal=EMPTY),
    Case("A null character", text(f"{HEADER}x@example.org,X\0\nana@example.org,Ana\n"), [ANA], {2: NULL}),
]

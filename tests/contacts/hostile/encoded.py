"""Texts in many encodings."""

from tests.contacts.hostile.case import ANA, BO, HEADER, NOT_UTF_8, NOT_UTF_16, PLAIN, TWO, Case, text

ENCODED = [
    Case(
        "UTF-8 with byte order mark",
        text(PLAIN.replace("Ana", "Žofie"), "utf-8-sig"),
        [["ana@example.org", "Žofie"], BO],
    ),
    Case(
        "Letters beyond the first 65,536",
        text(f"{HEADER}ana@example.org,Ana 👩‍🚀\n"),
        [["ana@example.org", "Ana 👩‍🚀"]],
    ),
    Case(
        "UTF-16 with byte order mark, little-endian",
        b"\xff\xfe" + text(PLAIN.replace("Ana", "Žofie"), "utf-16-le"),
        [["ana@example.org", "Žofie"], BO],
    ),
    Case(
        "UTF-16 with byte order mark, big-endian",
        b"\xfe\xff" + text(PLAIN.replace("Ana", "Žofie"), "utf-16-be"),
        [["ana@example.org", "Žofie"], BO],
    ),
    Case("UTF-16 without byte order mark", text(PLAIN, "utf-16-le"), TWO),
    Case(
        "UTF-16 that ends in half a character",
        b"\xff\xfe" + text(f"{HEADER}ana@example.org,Ana\nx@example.org,X", "utf-16-le") + b"x",
        [ANA],
        {3: NOT_UTF_16},
    ),
    Case(
        "UTF-16 with half a pair",
        b"\xff\xfe"
        + text(f"{HEADER}x@example.org,", "utf-16-le")
        + b"\x00\xd8\n\0"
        + text("ana@example.org,Ana\n", "utf-16-le"),
        [ANA],
        {2: NOT_UTF_16},
    ),
    Case(
        "Windows-1252",
        text(PLAIN.replace("Ana", "José „Pepe“ €"), "windows-1252"),
        [["ana@example.org", "José „Pepe“ €"], BO],
    ),
    Case(
        "Windows-1252 whose first umlaut comes late",
        lambda: text(
            HEADER + "".join(f"p{n}@example.org,P\n" for n in range(9_000)) + "ana@example.org,Jürgen\n", "windows-1252"
        ),
        9_001,
    ),
    Case(
        "A byte that Windows-1252 does not have",
        text(f"{HEADER}ana@example.org,Ána\nx@example.org,", "windows-1252") + b"\x81\xe9\n",
        [["ana@example.org", "Ána"]],
        {3: "The line is not encoded in Western European (Windows-1252)."},
    ),
    Case(
        "UTF-8 with one bad line",
        text(f"{HEADER}ana@example.org,Žofie\nx@example.org,") + b"Jos\xe9\n",
        [["ana@example.org", "Žofie"]],
        {3: NOT_UTF_8},
    ),
    Case(
        "UTF-32", b"\xff\xfe\0\0" + text(PLAIN, "utf-32-le"), refusal="The file is encoded in UTF-32. Save it as UTF-8."
    ),
]

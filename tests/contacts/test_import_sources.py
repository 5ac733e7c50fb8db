"""How files are read: what they have in common, and that large ones need little memory."""

import csv
import io
import json
import tracemalloc
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from contacts.imports.sources import Row, Source, UnreadableFile, detect, in_batches, mismatch, open_table, sheets
from contacts.imports.sources.table import DELIMITERS, ENCODINGS
from crm.csv_files import as_text
from tests.contacts.files import table_of


def rows(content: str | bytes, name: str = "people.csv") -> list[Row]:
    return list(table_of(content, name).rows())


@pytest.mark.parametrize(
    "content",
    [
        "name,city\nAna,Łódź\n",
        "name,city\r\nAna,Łódź",
        "\ufeffname,city\nAna,Łódź\n",
        "name;city\nAna;Łódź\n",
        "name\tcity\nAna\tŁódź\n",
        "name|city\nAna|Łódź\n",
        'name , "city"\n"Ana","Łódź"\n'.replace(' "', '"'),
        "name,city\rAna,Łódź\r",
        "name,city\n\nAna,Łódź\n\n\n",
        "\n\nname,city\nAna,Łódź\n,\n  \n",
        "sep=;\nname;city\nAna;Łódź\n",
        "name;city\nAna;Łódź\n".encode("utf-16"),
        "name;city\nAna;Łódź\n".encode("utf-16-be"),
        '{"name": "Ana", "city": "Łódź"}\n',
        '\ufeff{"name": "Ana", "city": "Łódź"}\n\n',
    ],
)
def test_files_that_mean_the_same(content):
    read = table_of(content)
    assert read.columns == ["name", "city"]
    assert [row.cells for row in read.rows()] == [["Ana", "Łódź"]]
    assert read.done() == 1


def test_a_delimiter_is_one_that_divides_the_header():
    read = table_of('"a;b;c",name\n1;2,Ana\n')
    assert read.columns == ["a;b;c", "name"]
    assert [row.cells for row in read.rows()] == [["1;2", "Ana"]]


def test_one_column():
    read = table_of("email\nana@example.org\n")
    assert read.columns == ["email"]
    assert [row.cells for row in read.rows()] == [["ana@example.org"]]


def test_lines_are_counted_as_an_editor_counts_them():
    content = 'name,note\nAna,"one\ntwo\r\nthree"\n\nBo,x\n"C\ny",z\nDi,\n'
    assert [(row.line, row.cells[0]) for row in rows(content)] == [(2, "Ana"), (6, "Bo"), (7, "C\ny"), (9, "Di")]


def test_bad_lines_do_not_stop_the_others():
    content = b'name,city\nAna,K\xc3\xb6ln\nBo\nCleo,Paris,x\nDi\xe9,Nice\n"Eva"x,Oslo\nFay,"Bern\nGus,Graz\nHal,\0\n'
    assert rows(content) == [
        Row(2, ["Ana", "Köln"]),
        Row(3, ["Bo"], "The number of values (1) is not the number of columns (2)."),
        Row(4, ["Cleo", "Paris", "x"], "The number of values (3) is not the number of columns (2)."),
        Row(5, ["Di\ufffd", "Nice"], "The line is not encoded in Unicode (UTF-8)."),
        Row(6, ["Evax", "Oslo"], "The line is not valid CSV: ',' expected after '\"'."),
        Row(7, ["Fay", "Bern\n"], "The quotation mark on this line is not closed as it should be."),
        Row(8, ["Gus", "Graz"]),
        Row(9, ["Hal", "\ufffd"], "The line has a null character."),
    ]


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line():
    lines = [f"person {number},city" for number in range(50_000)]
    lines[10] = 'person 10,"city'
    read = rows("\n".join(["name,city", *lines]))
    assert [row.line for row in read if row.problem] == [12]
    assert [row.line for row in read] == list(range(2, 50_002))


def test_quotation_marks_that_are_never_closed_cost_no_more_than_reading_a_few_times():
    content = "name,city\n" + 'x,"y\nperson,city\n' * 10_000
    read = rows(content)
    assert sum(not row.problem for row in read) > 0
    assert read[-1].line > 19_000


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        (Source("csv", "windows-1252", ","), ["email", "cafÃ©"]),
        (Source("csv", "utf-8", ";"), ["email,café"]),
        (Source("csv", "utf-8", ",", header=False), ["Column 1", "Column 2"]),
    ],
)
def test_what_is_detected_can_be_overruled(source, columns):
    table = open_table(BytesIO("email,café\na@example.org,b\n".encode()), source)
    assert table.columns == columns
    assert Source.from_json(source.as_json()) == source
    assert len(list(table.rows())) == (1 if source.header else 2)


@pytest.mark.parametrize("wrong", [{"encoding": "rot13"}, {"delimiter": "x"}])
def test_a_source_has_an_encoding_and_a_delimiter_that_are_known(wrong):
    with pytest.raises(ValueError, match="unknown"):
        Source.from_json({"format": "csv"} | wrong)


def test_reading_goes_on_from_a_record():
    for content in (
        "n\n1\nx,y\n3\n\n4\n",
        '{"n":1}\n[]\n{"n":3}\n\n{"n":4}\n',
        workbook([["n"], [1], [2], [3], [], [4]]),
    ):
        read = table_of(content)
        assert [row.cells for row in read.rows(skip=2)] == [["3"], ["4"]]


def test_the_part_that_is_done_grows():
    lines = ["x" * 99] * 3_000
    for content in (
        "\n".join(["name", *lines]),
        "\n".join(['{"n":"x"}'] * 30_000),
        workbook([["n"], *([line] for line in lines)]),
    ):
        read = table_of(content)
        done = [read.done() for _row in read.rows()]
        assert done == sorted(done)
        assert 0 <= done[0] < 1
        assert read.done() == 1


def workbook(table: list[list[object]], title: str = "Sheet") -> bytes:
    book = Workbook()
    book.active.title = title
    for row in table:
        book.active.append(row)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def test_sheets_and_names_that_do_not_fit():
    file = BytesIO(workbook([["email"], ["ana@example.org"]], title="Customers"))
    source = detect(file, "people.csv")
    assert source == Source("xlsx", sheet="Customers")
    assert sheets(file, source) == ["Customers"]
    assert sheets(file, Source("csv")) == []
    assert mismatch("people.csv", source) == (
        "The name “people.csv” says something else, but the file is read as what it is: Excel workbook (XLSX)."
    )
    assert mismatch("people.XLSX", source) == mismatch("people", source) == mismatch("pasted", Source("csv")) == ""
    with pytest.raises(UnreadableFile, match="The workbook has no sheet “Gone”"):
        open_table(file, Source("xlsx", sheet="Gone"))


def test_the_file_stays_open():
    file = BytesIO(b"email\nana@example.org\n")
    source = detect(file, "people.csv")
    for _time in range(2):
        assert len(list(open_table(file, source).rows())) == 1
    assert not file.closed


def test_batches_are_smaller_where_rows_are_long():
    short = [Row(line, ["x"]) for line in range(7)]
    assert [len(batch) for batch in in_batches(iter(short), 3)] == [3, 3, 1]
    long = [Row(line, ["x" * 3_000_000]) for line in range(3)]
    assert [len(batch) for batch in in_batches(iter(long), 3)] == [2, 1]


class Endless(io.RawIOBase):
    """A file that is made while it is read: ``head``, then ``block`` so many times."""

    def __init__(self, head: bytes, block: bytes, times: int) -> None:
        self._head, self._block = head, block
        self._size = len(head) + len(block) * times
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset if whence == 0 else self._size + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: bytearray) -> int:
        length = min(len(buffer), self._size - self._place, 2**16)
        place = self._place - len(self._head)
        if place < 0:
            piece = self._head[self._place :][:length]
        else:
            start = place % len(self._block)
            piece = (self._block[start:] + self._block * (length // len(self._block) + 1))[:length]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


@pytest.mark.parametrize(
    ("head", "block", "times"),
    [
        (b"email,city\n", b"ana@example.org,Madrid\n", 40_000),
        (b"email,city\n", b'ana@example.org,"' + b"x" * 2**20 + b'"\n', 12),
        (b"email,city\n", b"x" * 2**20, 32),
        (b"email,city\n", b'"x\n' + b"x" * 2**18, 24),
        (b'{"email": "ana@example.org"}\n{"email": "', b"x" * 2**20, 32),
    ],
    ids=[
        "many lines",
        "cells of a megabyte",
        "a line without end",
        "a quotation mark that never closes",
        "a value without end",
    ],
)
def test_memory_does_not_grow_with_the_file(head, block, times):
    def peak(times: int) -> int:
        file = io.BufferedReader(Endless(head, block, times))
        tracemalloc.start()
        for _row in open_table(file, detect(file, "people.csv")).rows():
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(times) < 1.2 * peak(times // 2) + 2**20


# What any program wrote with these rules is read as it was

cells = st.text(st.characters(codec="windows-1252", exclude_characters="\0"), max_size=12)
tables = st.integers(2, 5).flatmap(
    lambda columns: st.lists(st.lists(cells, min_size=columns, max_size=columns), min_size=1, max_size=8)
)


@settings(max_examples=150, deadline=None)
@given(
    table=tables,
    encoding=st.sampled_from([*ENCODINGS, "utf-8-sig", "utf-16"]),
    delimiter=st.sampled_from(list(DELIMITERS)),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
)
def test_rows_that_were_written_are_read_back(table, encoding, delimiter, line_end, quoting):
    if any(set(cell) & {"\r", "\n"} for row in table for cell in row):
        quoting = csv.QUOTE_ALL  # Python's writer leaves out the marks around a line end that is not its own
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow([f"column{number}" for number in range(len(table[0]))])
    writer.writerows(table)
    content = text.getvalue().encode(encoding)
    key = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    read = open_table(BytesIO(content), Source("csv", key, delimiter))
    written = [[as_text(cell) for cell in row] for row in table if any(cell.strip() for cell in row)]
    assert [row.cells for row in read.rows()] == written
    assert [row.problem for row in open_table(BytesIO(content), Source("csv", key, delimiter)).rows()] == [""] * len(
        written
    )


stored = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="_"), max_size=12),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.integers(-(10**12), 10**12).map(lambda number: number / 10_000),
)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(stored, min_size=1, max_size=6))
def test_values_of_programs_are_read_back(values):
    """Numbers keep all their digits in workbooks and JSON lines, and both give the same texts."""
    expected = [as_text_of(value) for value in values]
    rows_of_book = [["email", "value"], *(["ana@example.org", value] for value in values)]
    lines = "\n".join(json.dumps({"email": "ana@example.org", "value": value}) for value in values)
    assert [row.cells[1] for row in rows(lines, "people.jsonl")] == expected
    if not any(isinstance(value, str) and value.startswith("=") for value in values):  # which would be a formula
        assert [row.cells[1] for row in rows(workbook(rows_of_book))] == expected


def as_text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return str(value)

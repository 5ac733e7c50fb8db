"""A file and what it gives, and what many files have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Case:
    """A file, and what reading it and importing it as contacts by email gives.

    ``rows`` are the cells of the rows that can be read, or how many these are; ``problems`` are those that cannot, by
    line. ``invalid`` are the readable rows that are refused for what is in them, and ``joined`` says how many rows are
    about a contact of a row before. A file that is refused as a whole has a ``refusal``; a file without keys has
    ``keyless``: it can be read, but not imported. ``damaged`` is the reason for which reading ends in the middle. The
    page takes only files with the usual names; ``misnamed`` is what it says of others.
    """

    title: str
    content: bytes | Callable[[], bytes]
    rows: list[list[str]] | int = 0
    problems: dict[int, str] = field(default_factory=dict)
    refusal: str = ""
    columns: list[str] | None = None
    invalid: dict[int, str] = field(default_factory=dict)
    joined: int = 0
    keyless: bool = False
    damaged: str = ""
    misnamed: str = ""
    name: str = "people.csv"

    @cached_property
    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()

    @property
    def number(self) -> int:
        return self.rows if isinstance(self.rows, int) else len(self.rows)

    @property
    def gives(self) -> str:
        """What it gives, in words."""
        if self.refusal:
            return f"The file is refused: “{self.refusal}”"
        said = [f"{self.number:,} {'row' if self.number == 1 else 'rows'}"]
        if self.columns:
            said.append(f"columns {', '.join(f'“{name}”' for name in self.columns)}")
        said += [f"line {line:,} refused: “{reason}”" for line, reason in (self.problems | self.invalid).items()]
        if self.joined:
            said.append(f"{self.joined} joined with a row before")
        if self.keyless:
            said.append("no column says whose rows these are")
        if self.misnamed:
            said.append(f"on the page: “{self.misnamed}”")
        if self.damaged:
            said.append(f"then: “{self.damaged}”")
        return "; ".join(said)


def text(content: str, encoding: str = "utf-8") -> bytes:
    return content.encode(encoding)


ANA, BO = ["ana@example.org", "Ana"], ["bo@example.org", "Bo"]
HEADER = "email,first_name\n"
TWO = [ANA, BO]
PLAIN = f"{HEADER}ana@example.org,Ana\nbo@example.org,Bo\n"
COUNT = "The number of values (%d) is not the number of columns (%d)."
QUOTATION = "The quotation mark on this line is not closed as it should be."
NOT_CSV = "The line is not valid CSV: ',' expected after '\"'."
EMPTY = "The file is empty."
PICTURE = "The file is a picture."
BINARY = "The file is not a text, nor a workbook in the format XLSX."
NOT_UTF_8 = "The line is not encoded in Unicode (UTF-8)."
NOT_UTF_16 = "The line is not encoded in Unicode (UTF-16, little-endian)."
NULL = "The line has a null character."
JSON = "people.jsonl"
XLSX = "people.xlsx"

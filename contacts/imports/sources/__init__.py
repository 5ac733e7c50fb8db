"""Files as tables: `detect` says how a file is best read, `open_table` reads it. One file for each format."""

# isort: off
from contacts.imports.sources import delimited, workbook, json_lines  # noqa: F401  (they register themselves)

# isort: on
from contacts.imports.sources.detection import detect, mismatch, open_table, sheets
from contacts.imports.sources.formats import FORMATS, Format
from contacts.imports.sources.table import DELIMITERS, ENCODINGS, Row, Source, Table, UnreadableFile, in_batches

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "FORMATS",
    "Format",
    "Row",
    "Source",
    "Table",
    "UnreadableFile",
    "detect",
    "in_batches",
    "mismatch",
    "open_table",
    "sheets",
]

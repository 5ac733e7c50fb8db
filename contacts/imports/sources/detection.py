"""Which format a file has: by its content first, then by its name."""

import re
from pathlib import PurePath
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.imports.sources.encodings import detected, head_of
from contacts.imports.sources.formats import FORMATS
from contacts.imports.sources.table import Source, Table, UnreadableFile, size_of

ZIP = b"PK\x03\x04"
LONGEST_SIGNATURE = 16
REFUSED_BY_SIGNATURE = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": gettext_lazy(
        "The file is a workbook that is protected with a password, or in the old format XLS. "
        "Save it as XLSX without a password, or as CSV."
    ),
    b"PK\x05\x06": gettext_lazy("The file is an empty ZIP archive."),
    b"%PDF": gettext_lazy("The file is a PDF document. Export the table as CSV or XLSX."),
    b"\x1f\x8b": gettext_lazy("The file is compressed with gzip. Unpack it first."),
    b"7z\xbc\xaf\x27\x1c": gettext_lazy("The file is a 7-Zip archive. Unpack it first."),
    b"Rar!": gettext_lazy("The file is a RAR archive. Unpack it first."),
    b"BZh": gettext_lazy("The file is compressed with bzip2. Unpack it first."),
    b"SQLite format 3\0": gettext_lazy("The file is a database, not a table."),
    b"\x89PNG": gettext_lazy("The file is a picture."),
    b"\xff\xd8\xff": gettext_lazy("The file is a picture."),
    b"GIF8": gettext_lazy("The file is a picture."),
}
MARKUP = re.compile(r"\s*<(!doctype|html|table|\?xml|head|body|meta|workbook)\b", re.IGNORECASE)
OBJECT = re.compile(r'\s*\{\s*["}]')
ARRAY = re.compile(r'\s*\[\s*[\[{"\]]')


def detect(file: BinaryIO, name: str) -> Source:
    """How a file called ``name`` is best read. Raises `UnreadableFile`, with a reason for people."""
    if not size_of(file):
        raise UnreadableFile(_("The file is empty."))
    start = file.read(LONGEST_SIGNATURE)
    for signature, reason in REFUSED_BY_SIGNATURE.items():
        if start.startswith(signature):
            raise UnreadableFile(str(reason))
    if start.startswith(ZIP):
        return FORMATS["xlsx"].source(file)
    encoding = detected(file)
    return FORMATS[_format_of_text(head_of(file, encoding), name)].source(file, encoding=encoding)


def open_table(file: BinaryIO, source: Source) -> Table:
    """The file, read as ``source`` says. Raises `UnreadableFile`, with a reason for people."""
    if not size_of(file):
        raise UnreadableFile(_("The file is empty."))
    return FORMATS[source.format].open(file, source)


def sheets(file: BinaryIO, source: Source) -> list[str]:
    """The names of the sheets of a workbook; none for other formats. Raises `UnreadableFile`."""
    return FORMATS[source.format].sheets(file)


def mismatch(name: str, source: Source) -> str:
    """What to tell somebody whose file is not what its name says, or ""."""
    known = {extension: kind for kind in FORMATS for extension in kind.extensions}
    named = known.get(_extension(name))
    if named is None or named.key == source.format:
        return ""
    message = _("The name “%(name)s” says something else, but the file is read as what it is: %(format)s.")
    return message % {"name": name, "format": FORMATS[source.format].label}


def _format_of_text(head: str, name: str) -> str:
    if not head.strip():
        raise UnreadableFile(_("The file is empty."))
    if MARKUP.match(head):
        raise UnreadableFile(_("The file is a web page or XML, not a table. Export the table as CSV or XLSX."))
    if head.startswith("{\\rtf"):
        raise UnreadableFile(_("The file is a text document. Export the table as CSV or XLSX."))
    if OBJECT.match(head):
        return "jsonl"
    is_json = _extension(name) in FORMATS["jsonl"].extensions
    if is_json and ARRAY.match(head):
        raise UnreadableFile(_("The file is one JSON array. Muster reads JSON lines: one object on every line."))
    if is_json:
        raise UnreadableFile(_("The name says JSON lines, but the file does not begin with a JSON object."))
    return "csv"


def _extension(name: str) -> str:
    return PurePath(name).suffix.removeprefix(".").lower()

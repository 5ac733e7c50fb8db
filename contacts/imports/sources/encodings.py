"""Which encoding a text has, and reading it line by line with little memory."""

import codecs
import io
import re
from typing import BinaryIO

from django.utils.translation import gettext as _

from contacts.imports.sources.table import UnreadableFile

BYTE_ORDER_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "windows-1252": b"",
}
UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
LENGTH_OF_HEAD = 65_536
BLOCK = 2**20
UNDECODED = re.compile("[\udc80-\udcff]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class BorrowedText(io.TextIOWrapper):
    """Text over a file that belongs to somebody else, who closes it."""

    def close(self) -> None:
        return


def opened(file: BinaryIO, encoding: str) -> BorrowedText:
    """The file as text from its beginning, without byte order mark, with its line ends as they are.

    What is not in this encoding becomes half a character, which `UNSTORABLE` finds.
    """
    mark = BYTE_ORDER_MARKS[encoding]
    file.seek(0)
    if not mark or file.read(len(mark)) != mark:
        file.seek(0)
    return BorrowedText(file, encoding, errors=_errors(encoding), newline="")


def detected(file: BinaryIO) -> str:
    """The encoding of a text. Raises `UnreadableFile` when it is none, or in an encoding that is not read.

    The whole file is looked at, since the first letter that is not ASCII may come late.
    """
    file.seek(0)
    head = file.read(LENGTH_OF_HEAD)
    if head.startswith(UTF_32):
        raise UnreadableFile(_("The file is encoded in UTF-32. Save it as UTF-8."))
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        if head.startswith(BYTE_ORDER_MARKS[encoding]):
            return encoding
    if b"\0" in head and (encoding := _utf_16_without_mark(head)):
        return encoding
    encoding = "utf-8" if _is_mostly_utf_8(file) else "windows-1252"
    if _is_binary(head, encoding):
        raise UnreadableFile(_("The file is not a text, nor a workbook in the format XLSX."))
    return encoding


def head_of(file: BinaryIO, encoding: str) -> str:
    """The beginning of the text."""
    return opened(file, encoding).read(LENGTH_OF_HEAD)


def _errors(encoding: str) -> str:
    return "muster_half_a_character" if encoding.startswith("utf-16") else "surrogateescape"


def _half_a_character(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


# Python's own "surrogateescape" knows no broken UTF-16.
codecs.register_error("muster_half_a_character", _half_a_character)


def _utf_16_without_mark(head: bytes) -> str:
    """The byte order in which a text of mostly Latin letters is UTF-16: every second byte is zero."""
    even, odd = head[::2], head[1::2]
    for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.6 * len(zeros) and letters.count(0) < 0.05 * len(letters):
            return encoding
    return ""


def _is_mostly_utf_8(file: BinaryIO) -> bool:
    """Whether more of the characters beyond ASCII are valid UTF-8 than not: a few bad lines do not change the rest."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    valid = invalid = 0
    file.seek(0)
    while block := file.read(BLOCK):
        text = decoder.decode(block)
        if not text.isascii():
            bad = len(UNDECODED.findall(text))
            invalid += bad
            valid += len(text) - len(text.encode("ascii", "ignore")) - bad
    invalid += len(decoder.getstate()[0])
    return valid >= invalid


def _is_binary(head: bytes, encoding: str) -> bool:
    """Whether there are more control characters than a few that slipped into a text."""
    return len(CONTROL.findall(head.decode(encoding, "replace"))) > max(4, len(head) // 100)

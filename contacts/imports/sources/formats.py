"""The formats that can be read: a registry, with one class for each."""

from typing import Any, BinaryIO

from contacts.imports.sources.table import Source, Table
from crm.registry import Registry


class Format:
    """One format of files.

    ``extensions`` are those that names of such files have. The ``has_…`` say what of a `Source` can be overruled.
    """

    key: str
    label: Any
    extensions: tuple[str, ...]
    has_encoding = False
    has_delimiter = False
    has_header = False

    def source(self, file: BinaryIO, *, encoding: str = "utf-8") -> Source:
        """How this file is best read; ``encoding`` is that of a text. Raises `UnreadableFile`."""
        raise NotImplementedError

    def open(self, file: BinaryIO, source: Source) -> Table:
        """The file as a table. Raises `UnreadableFile`."""
        raise NotImplementedError

    def sheets(self, file: BinaryIO) -> list[str]:
        """The names of the sheets that a file consists of. Raises `UnreadableFile`."""
        return []


FORMATS: Registry[Format] = Registry("format of files")

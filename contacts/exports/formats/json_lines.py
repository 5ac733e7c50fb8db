"""JSON lines: one object on each line, for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _

from contacts.exports.columns import Chunk, Column, Values
from contacts.exports.formats.base import FORMATS, Format, Note, day_writer, moment_writer


@FORMATS.register
class JsonLines(Format):
    key = "jsonl"
    label = _("JSON lines")
    explanation = _("For programs: an object on each line, with the keys of the fields and typed values.")
    extension = "jsonl"
    content_type = "application/x-ndjson"
    by_key = True

    def write(
        self, file: BinaryIO, columns: Sequence[Column], chunks: Iterator[Chunk], options: dict[str, Any]
    ) -> Note:
        names = [column.name for column in columns]
        writers = [_writer(column) for column in columns]
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        for chunk in chunks:
            values = [write(values) for write, values in zip(writers, chunk, strict=True)]
            lines = [encode(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]
            file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        return ""


def _writer(column: Column) -> Callable[[Values], Values]:
    one = _json_of(column.kind)
    if one is None:
        return lambda values: values
    return lambda values: [None if value in (None, "") else one(value) for value in values]


def _json_of(kind: str) -> Callable[[Any], Any] | None:
    """A function that makes of a value what JSON can say; None for what JSON says as it is."""
    writers: dict[str, Callable[[Any], Any]] = {
        "text": str,
        "number": _number,
        "date": day_writer("iso"),
        "datetime": moment_writer("iso"),
    }
    return writers.get(kind)


def _number(number: Any) -> int | float:
    return int(number) if number == int(number) else float(number)

"""Receiving the file of an import: straight to the disk, and no more of it than is allowed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

MEGABYTE = 1024 * 1024


def largest_file() -> int:
    """How many bytes the file of an import may have."""
    return settings.IMPORT_MAX_MEGABYTES * MEGABYTE


class LimitedUpload(TemporaryFileUploadHandler):
    """Keeps the file on the disk. Of one that has more than ``limit`` bytes nothing is kept, which ``is_too_large``
    says; what else was sent with it is still read.
    """

    def __init__(self, request: Any, *, limit: int) -> None:
        super().__init__(request)
        self.limit = limit
        self.is_too_large = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > self.limit:
            self.is_too_large = True
            raise SkipFile
        return super().receive_data_chunk(raw_data, start)

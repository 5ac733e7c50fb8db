"""Links to the files of exports: for one person, for a while; and the log of who got what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.core.signing import BadSignature, TimestampSigner
from django.http import FileResponse
from django.urls import reverse
from django.utils.text import slugify

from contacts.exports.formats import FORMATS
from contacts.exports.models import Export, ExportDownload
from crm.models import User

LINKS_LAST = timedelta(minutes=100)
SIGNER = TimestampSigner(salt="contacts.exports")


def link_for(export: Export, user: User) -> str:
    """An address under which this user, and nobody else, gets the file within `LINKS_LAST`."""
    signed = SIGNER.sign_object([export.pk, user.pk])
    return reverse("contacts:export_file", args=[export.pk, signed])


def is_good(link: str, export: Export, user: User) -> bool:
    """Whether the signed part of a link is this user's for this export, and not too old."""
    try:
        return bool(SIGNER.unsign_object(link, max_age=LINKS_LAST) == [export.pk, user.pk])
    except BadSignature:
        return False


def file_name(export: Export) -> str:
    """What the file is called where it is saved: letters, digits and hyphens."""
    assert export.moment
    name = slugify(export.title)[:80].strip("-") or export.type
    return f"{name}-{export.moment:%Y-%m-%d}.{FORMATS[export.format].extension}"


def download(export: Export, *, user: User, now: datetime) -> FileResponse:
    """The file as a response, which is logged. Raises FileNotFoundError when it is gone."""
    file = default_storage.open(export.file)
    ExportDownload.objects.create(export=export, user=user, at=now)
    response = FileResponse(
        file, as_attachment=True, filename=file_name(export), content_type=FORMATS[export.format].content_type
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

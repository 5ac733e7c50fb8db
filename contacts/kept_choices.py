"""Choices that a contact has and nobody else can have any more."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from contacts.fields import Field


def keep_offering(form_field: Any, field: Field, value: Any) -> None:
    """Let a contact keep a choice that is no longer offered: else saving anything would take it away.

    ``form_field`` is the one of ``field`` in a form of the contact, ``value`` what the contact has.
    """
    if field.type.family not in ("choice", "choices") or value is None:
        return
    offered = dict(field.choices())
    kept = [item for item in (value if isinstance(value, list) else [value]) if item not in offered]
    form_field.choices = [
        *form_field.choices,
        *((item, _("%(option)s (no longer offered)") % {"option": item}) for item in kept),
    ]

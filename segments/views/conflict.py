"""What somebody sees who saves a segment that somebody else has saved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from segments.compiler import Definition
from segments.context import Context
from segments.forms import SegmentForm
from segments.history import ChangeInWords, compare, in_words
from segments.models import Segment
from segments.versions import token_of


@dataclass(frozen=True)
class Difference:
    """An input besides the conditions, with what is saved in it and what was typed; as people read them."""

    label: str
    saved: str
    typed: str


@dataclass(frozen=True)
class Conflict:
    """``saved`` is the segment as it is stored; the rest says what saving the other one over it would change.

    Who has seen this sends the ``token`` of what they saw, and then may save over it.
    """

    saved: Segment
    token: str
    differences: list[Difference]
    changes: list[ChangeInWords]


def conflict_with(saved: Segment, typed: Mapping[str, Any], definition: Definition | None) -> Conflict:
    """Compare what is saved with what somebody wants to save."""
    changes = in_words(compare(saved.conditions, definition), context=Context()) if definition else []
    return Conflict(saved, token_of(saved), _differences(saved, typed), changes)


def _differences(saved: Segment, typed: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(str(field.label), _read(getattr(saved, name)), _read(typed[name]))
        for name, field in SegmentForm.base_fields.items()
        if getattr(saved, name) != typed[name]
    ]


def _read(value: str | bool) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return value or _("(empty)")

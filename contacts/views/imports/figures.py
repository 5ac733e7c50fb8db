"""What becomes of the rows, as the pages of the check and of the report show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils.translation import gettext_lazy

from contacts.imports.refused import KINDS
from contacts.models import Import

ALWAYS_SHOWN = ("created", "updated", "refused")
ICONS = {
    "created": "user-plus",
    "updated": "user-pen",
    "unchanged": "equal",
    "left": "hand",
    "joined": "merge",
    "refused": "circle-x",
}
WILL_BE = {
    "created": gettext_lazy("Will be created"),
    "updated": gettext_lazy("Will be updated"),
    "unchanged": gettext_lazy("Already like this"),
    "left": gettext_lazy("Will be left as they are"),
    "joined": gettext_lazy("Same contact as a row before"),
    "refused": gettext_lazy("Will be refused"),
}
WAS = WILL_BE | {
    "created": gettext_lazy("Created"),
    "updated": gettext_lazy("Updated"),
    "left": gettext_lazy("Left as they were"),
    "refused": gettext_lazy("Refused"),
}
OF_EVENTS = {"created": "calendar-plus"}


@dataclass(frozen=True)
class Figure:
    key: str
    label: str
    icon: str
    number: int


def figures(counts: Mapping[str, int], import_run: Import, *, is_over: bool) -> list[Figure]:
    """The numbers that add up to the rows: the usual ones, and of the others those that are not zero."""
    labels = WAS if is_over else WILL_BE
    is_of_events = import_run.kind == Import.Kind.EVENTS
    always = ("created", "refused") if is_of_events else ALWAYS_SHOWN
    icons = ICONS | (OF_EVENTS if is_of_events else {})
    return [
        Figure(key, str(labels[key]), icons[key], counts.get(key, 0))
        for key in ICONS
        if key in always or counts.get(key)
    ]


def to_be_written(counts: Mapping[str, int]) -> int:
    """How many rows are imported, those that change nothing among them."""
    return counts["rows"] - counts["refused"] - counts["left"]


@dataclass(frozen=True)
class Reason:
    """A kind of reason for refusing rows, in one column or in none."""

    kind: str
    column: str
    example: str
    count: int

    @property
    def label(self) -> str:
        return str(KINDS.get(self.kind, self.kind))


def reasons_of_check(import_run: Import) -> list[Reason]:
    """Why the check refuses rows, the most frequent reason first."""
    return [Reason(**found) for found in import_run.check_result["reasons"]] if import_run.check_result else []


def reasons_of_run(import_run: Import) -> list[Reason]:
    """Why the run refused rows, the most frequent reason first."""
    if not import_run.refused:
        return []
    counted = import_run.refused_rows.order_by().values("kind", "column")
    found = counted.annotate(count=Count("pk"), example=Min("reason")).order_by("-count", "kind", "column")
    return [Reason(**one) for one in found]

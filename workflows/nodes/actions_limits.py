"""The limits of actions: how often one is carried out for the same contact, and how often in all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db import connection
from django.db.models import Count as Number
from django.db.models import Max, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.models import Count, Step
from workflows.nodes.base import Batch, NodeForm, Settings
from workflows.nodes.start import UNITS
from workflows.rules import SPANS

LIMITS = "limits"
ONCE, TIMES = "once", "times"
CONTACT_LIMITS = (
    ("", gettext_lazy("As often as the contact comes here")),
    (ONCE, gettext_lazy("Once for each contact")),
    (TIMES, gettext_lazy("At most several times for each contact within a span")),
)


def _number(label: Any, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, required=False, **({"max_value": 100_000} | options))


class LimitedForm(NodeForm):
    """The settings of an action: its own, and its limits, which are stored together under ``limits``."""

    limits_contact = forms.ChoiceField(
        label=gettext_lazy("How often for the same contact"), choices=CONTACT_LIMITS, required=False
    )
    limits_times = _number(gettext_lazy("Times at most"))
    limits_span = _number(gettext_lazy("Within"))
    limits_unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS, required=False, initial="days")
    limits_total = _number(
        gettext_lazy("At most so often in all"), max_value=1_000_000_000, help_text=gettext_lazy("Empty: without end.")
    )
    limits_pause = _number(
        gettext_lazy("Pause afterwards"),
        help_text=gettext_lazy("Until it is over, the same contact is passed over."),
    )
    limits_pause_unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS, required=False, initial="days")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        own = [name for name in self.fields if not name.startswith(f"{LIMITS}_")]
        self.order_fields([*own, *(name for name in self.fields if name not in own)])

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        own = {name: value for name, value in settings.items() if name != LIMITS}
        units = {"limits_unit": "days", "limits_pause_unit": "days"}
        return units | own | {f"{LIMITS}_{name}": value for name, value in (settings.get(LIMITS) or {}).items()}

    def stored(self) -> dict[str, Any]:
        settings = super().stored()
        limits = {name: settings.pop(f"{LIMITS}_{name}") for name in LIMIT_NAMES}
        if limits["contact"] != TIMES:
            limits |= {"times": None, "span": None}
        if not limits["span"]:
            limits["unit"] = ""
        if not limits["pause"]:
            limits["pause_unit"] = ""
        kept = {name: value for name, value in limits.items() if value}
        return settings | ({LIMITS: kept} if kept else {})

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("limits_contact") == TIMES:
            for name, message in (("times", _("Say how often at most.")), ("span", _("Say within which span."))):
                if not data.get(f"{LIMITS}_{name}") and f"{LIMITS}_{name}" not in self.errors:
                    self.add_error(f"{LIMITS}_{name}", message)
        return data

    @property
    def own_fields(self) -> list[Any]:
        """What the action itself needs to know."""
        return [bound for bound in self if not bound.name.startswith(f"{LIMITS}_")]

    @property
    def limits_are_open(self) -> bool:
        """Whether the limits are to be seen at once: there are some, or something is wrong with them."""
        return any(name.startswith(LIMITS) for name in self.errors) or bool(self.settings.get(LIMITS))


LIMIT_NAMES = [name.removeprefix(f"{LIMITS}_") for name in LimitedForm.base_fields]


@dataclass(frozen=True)
class Limits:
    """The limits of one action."""

    times: int | None = None
    span: timedelta | None = None
    total: int | None = None
    pause: timedelta | None = None

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        stored = settings.get(LIMITS) or {}
        times = {ONCE: 1, TIMES: stored.get("times")}.get(stored.get("contact", ""))
        span = _span(stored.get("span"), stored.get("unit")) if stored.get("contact") == TIMES else None
        return cls(times, span, stored.get("total"), _span(stored.get("pause"), stored.get("pause_unit")))

    def __bool__(self) -> bool:
        return any((self.times, self.total, self.pause))


def _span(count: int | None, unit: str | None) -> timedelta | None:
    return SPANS[unit or "days"] * count if count else None


def held_back(batch: Batch) -> dict[int, str]:
    """Which runs of the batch their action is not carried out for, and the limit that says so.

    Two batches of the same action are looked at one after the other, however many workers there are: a limit holds
    exactly.
    """
    limits = Limits.of(batch.settings)
    if not limits:
        return {}
    _alone(batch)
    done = _done(batch, limits) if limits.times or limits.pause else {}
    left = limits.total - _done_in_all(batch) if limits.total else None
    held: dict[int, str] = {}
    for visit in batch.visits:
        number, last = done.get(visit.contact_id, (0, None))
        if left is not None and left <= 0:
            held[visit.run_id] = _reached(limits.total or 0)
        elif limits.times and number >= limits.times:
            held[visit.run_id] = _often_enough(limits.times)
        elif limits.pause and last is not None and last > batch.now - limits.pause:
            held[visit.run_id] = _("Passed over: it is in the pause after the last time.")
        else:
            done[visit.contact_id] = (number + 1, batch.now)
            left = left - 1 if left is not None else None
    return held


def _reached(total: int) -> str:
    return ngettext(
        "Passed over: it was done once, as often as it may be in all.",
        "Passed over: it was done %(count)s times, as often as it may be in all.",
        total,
    ) % {"count": total}


def _often_enough(times: int) -> str:
    return ngettext(
        "Passed over: it was done once for this contact, as often as it may be.",
        "Passed over: it was done %(count)s times for this contact, as often as it may be.",
        times,
    ) % {"count": times}


def _alone(batch: Batch) -> None:
    """Wait until no other batch counts what this action has done; on SQLite every transaction is alone anyway."""
    if connection.vendor == "postgresql":
        place = zlib.crc32(batch.node.id.encode()) - 2**31
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [batch.version.workflow_id % 2**31, place])


def _done(batch: Batch, limits: Limits) -> dict[int, tuple[int, datetime | None]]:
    """How often the action was carried out for each contact within the span, and when it was last."""
    steps = Step.objects.filter(
        node=batch.node.id, acted=True, run__workflow=batch.version.workflow_id, run__contact__in=batch.contact_ids
    ).filter(_of_the_same(batch, "run__"))
    within = Q(left_at__gt=batch.now - limits.span) if limits.span else None
    found = steps.order_by().values("run__contact_id").annotate(times=Number("pk", filter=within), last=Max("left_at"))
    return {row["run__contact_id"]: (row["times"], row["last"]) for row in found}


def _done_in_all(batch: Batch) -> int:
    counts = Count.objects.filter(node=batch.node.id, version__workflow=batch.version.workflow_id)
    return counts.filter(_of_the_same(batch, "")).aggregate(done=Sum("acted"))["done"] or 0


def _of_the_same(batch: Batch, to_run: str) -> Q:
    """What counts for a batch: in a test that test alone, else everything that was no test, in all versions."""
    if batch.is_test:
        return Q(**{f"{to_run}version": batch.version.pk})
    return Q(**{f"{to_run}version__is_test": False})

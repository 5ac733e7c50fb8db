"""Dates of contacts: birthdays, renewals, and days before and after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.clock import moved_day, today
from segments.values import amount
from workflows.nodes.base import NODES, Batch, Next, NodeContext, NodeForm, Outcome, Settings, Trigger, WaitUntil
from workflows.nodes.moments import ACCOUNT, at_clock, next_weekday
from workflows.nodes.waits import (
    AFTER,
    BEFORE,
    DIRECTIONS,
    ON,
    UNTIL,
    DateField,
    clock_field,
    clock_in_words,
)

MOST_DAYS = 3_650
A_YEAR = 365
NOON = time(12)


class ContactDateForm(NodeForm):
    field = DateField(
        label=gettext_lazy("Contact field"), error_messages={"required": gettext_lazy("Choose a contact field.")}
    )
    direction = forms.ChoiceField(label=gettext_lazy("When"), choices=DIRECTIONS, initial=ON)
    count = forms.IntegerField(
        label=gettext_lazy("Days before or after"), min_value=1, max_value=MOST_DAYS, required=False
    )
    yearly = forms.BooleanField(
        label=gettext_lazy("Every year, as for birthdays"),
        required=False,
        help_text=gettext_lazy("For more than one year, let contacts enter again in Start."),
    )
    time = clock_field(
        gettext_lazy("Time"), initial=time(9), help_text=gettext_lazy("In the time zone of the account.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["field"].offer(self.context)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "count" not in self.errors and data.get("direction") in (BEFORE, AFTER):
            if not data.get("count"):
                self.add_error("count", _("Say how many days before or after."))
            elif data.get("yearly") and data["count"] > A_YEAR:
                self.add_error("count", _("At most a year before or after an anniversary."))
        return data


@NODES.register
class ContactDate(Trigger):
    key = "contact_date"
    label = gettext_lazy("On a date of the contact")
    help = gettext_lazy(
        "It is the contact's birthday, or another date that a contact field holds, or some days before or after it."
        " A birthday on 29 February is kept on 28 February in other years. Days that were missed because Muster did not"
        " run are made up for, up to a week."
    )
    icon = "cake"
    form = ContactDateForm
    makes_up = timedelta(weeks=1)

    def keys(self, settings: Settings) -> set[str]:
        return set()

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if self.faults(settings, context):
            return ""
        words = {"field": context.conditions.catalogue[settings["field"]].label}
        if settings.get("yearly"):
            words["field"] = _("%(field)s (every year)") % words
        if settings["direction"] != ON:
            words["amount"] = amount(settings["count"], "days")
        day = {
            ON: "%(field)s",
            BEFORE: _("%(amount)s before %(field)s"),
            AFTER: _("%(amount)s after %(field)s"),
        }[settings["direction"]]
        return _("%(moment)s, %(time)s") % {"moment": day % words, "time": clock_in_words(settings["time"])}

    def opens_at(self, settings: Settings, *, after: datetime) -> datetime | None:
        return next_weekday(after, (), time.fromisoformat(settings["time"]), timezone.get_default_timezone())

    def lets_in(self, settings: Settings, *, at: datetime) -> tuple[dict[str, Any] | None, datetime]:
        ahead = {ON: 0, BEFORE: 1, AFTER: -1}[settings["direction"]] * (settings.get("count") or 0)
        day = moved_day(today(at), ahead, "days")
        rule = {"type": "field", "field": settings["field"]}
        if settings.get("yearly"):
            rule["operator"] = "anniversary_today"
        else:
            rule |= {"operator": "on", "value": day.isoformat()}
        moment = at_clock(day, NOON, timezone.get_default_timezone())
        return {"version": 1, "match": "all", "rules": [rule]}, moment

    def work(self, batch: Batch) -> Iterable[Outcome]:
        """Who came by the clock goes on. Others wait for their next such date; as it can change, or be entered at last,
        it is looked at every day."""
        passing = {visit.run_id for visit in batch.visits if visit.woken or batch.is_test}
        waiting = batch.only(set(batch.run_ids) - passing)
        tomorrow = self.opens_at(batch.settings, after=batch.now)
        assert tomorrow
        moments = _dates(waiting) if waiting.visits else {}
        looks: dict[int, datetime] = {}
        for visit in waiting.visits:
            moment = moments[visit.run_id]
            if moment and visit.arrived_at < moment <= batch.now:
                passing.add(visit.run_id)
            else:
                looks[visit.run_id] = min(moment, tomorrow) if moment and moment > batch.now else tomorrow
        yield Next(passing)
        yield WaitUntil(looks.keys(), at=looks)


def _dates(batch: Batch) -> dict[int, datetime | None]:
    """For each run the moment that the settings mean for its contact, as the Wait node computes it."""
    settings = {"unit": "days", "zone": ACCOUNT, **batch.settings}
    return UNTIL["date"].moments(replace(batch, node=replace(batch.node, settings=settings)))

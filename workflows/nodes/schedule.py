"""Schedule: again and again at its times contacts start, or those that stand there go on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.places import time_zones
from workflows.nodes.base import (
    NEXT,
    NODES,
    Batch,
    Next,
    NodeContext,
    NodeGroup,
    Outcome,
    Port,
    Settings,
    Trigger,
    WaitUntil,
)
from workflows.nodes.moments import zone_named
from workflows.nodes.schedules import DAYS, MONTHS, WEEKS, Series
from workflows.nodes.shaped import ShapedForm
from workflows.nodes.timing import shortened
from workflows.nodes.waits import (
    clock_field,
    clock_in_words,
    count_field,
    day_field,
    day_in_words,
    weekdays_field,
    weekdays_in_words,
)

OVER = Port("over", gettext_lazy("Over"), "no")
MOST_TIMES = 1_000
UNITS = ((DAYS, gettext_lazy("days")), (WEEKS, gettext_lazy("weeks")), (MONTHS, gettext_lazy("months")))
NEVER, ON_A_DAY, AFTER_TIMES = "never", "day", "times"
ENDS = (
    (NEVER, gettext_lazy("never")),
    (ON_A_DAY, gettext_lazy("after a day")),
    (AFTER_TIMES, gettext_lazy("after a number of times")),
)


class ScheduleForm(ShapedForm):
    shaping = ("unit", "ends")
    first = day_field(gettext_lazy("First day"), help_text=gettext_lazy("From here it is counted."))
    every = count_field(gettext_lazy("Every"), initial=1)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS, initial=DAYS)
    time = clock_field(gettext_lazy("Time"))
    zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    ends = forms.ChoiceField(label=gettext_lazy("It ends"), choices=ENDS, initial=NEVER)

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        return {"every": 1, "unit": DAYS, "ends": NEVER} | dict(settings)

    def shape(self) -> None:
        zone = self.fields["zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = [("", _("of the account")), *time_zones()]
        if self.given("unit") == WEEKS:
            help_text = _("Without any, the day of the week of the first day.")
            self.fields["weekdays"] = weekdays_field(help_text=help_text)
        if self.given("ends") == ON_A_DAY:
            self.fields["last"] = day_field(gettext_lazy("Last day"))
        if self.given("ends") == AFTER_TIMES:
            self.fields["times"] = forms.IntegerField(
                label=gettext_lazy("Number of times"), min_value=1, max_value=MOST_TIMES
            )

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day comes before the first."))
        return self.cleaned_data


@NODES.register
class Schedule(Trigger):
    key = "schedule"
    label = gettext_lazy("Schedule")
    help = gettext_lazy(
        "Repeats by the calendar. Right behind Start, everybody whom Start lets in starts at each of its times. Further"
        " down, contacts wait for the next of them, and leave by “Over” once there is none any more."
    )
    group = NodeGroup.TIMING
    icon = "calendar-clock"
    form = ScheduleForm
    template = "workflows/nodes/shaped.html"

    def ports(self, settings: Settings) -> list[Port]:
        return [NEXT, OVER]

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if self.faults(settings, context):
            return ""
        parts = [_rhythm(settings)]
        if settings["unit"] == WEEKS and settings.get("weekdays"):
            parts.append(weekdays_in_words(settings["weekdays"]))
        parts.append(clock_in_words(settings["time"]))
        if settings["ends"] == ON_A_DAY:
            parts.append(_("until %(day)s") % {"day": day_in_words(settings["last"])})
        if settings["ends"] == AFTER_TIMES:
            times = settings["times"]
            parts.append(ngettext("%(count)s time", "%(count)s times", times) % {"count": times})
        return ", ".join(parts)

    def keys(self, settings: Settings) -> set[str]:
        return set()

    def opens_at(self, settings: Settings, *, after: datetime) -> datetime | None:
        return series_of(settings).next_after(after)

    def work(self, batch: Batch) -> Iterable[Outcome]:
        series = series_of(batch.settings)
        times = {visit.run_id: series.next_after(visit.arrived_at) for visit in batch.visits if not visit.woken}
        yield Next([run for run, at in times.items() if at is None], OVER.key)
        ends = {
            visit.run_id: shortened(at, visit, batch)
            for visit in batch.visits
            if (at := times.get(visit.run_id)) is not None
        }
        woken = [visit.run_id for visit in batch.visits if visit.woken]
        yield Next([*woken, *(run for run, at in ends.items() if at <= batch.now)], NEXT.key)
        waiting = {run: at for run, at in ends.items() if at > batch.now}
        yield WaitUntil(waiting.keys(), at=waiting)


def series_of(settings: Settings) -> Series:
    """The times that the settings mean."""
    return Series(
        first=date.fromisoformat(settings["first"]),
        clock=time.fromisoformat(settings["time"]),
        zone=zone_named(settings.get("zone") or ""),
        every=settings["every"],
        unit=settings["unit"],
        weekdays=frozenset(settings.get("weekdays") or ()),
        last=date.fromisoformat(settings["last"]) if settings["ends"] == ON_A_DAY else None,
        times=settings["times"] if settings["ends"] == AFTER_TIMES else None,
    )


def _rhythm(settings: Settings) -> str:
    every = settings["every"]
    words = {
        DAYS: ngettext("every day", "every %(count)s days", every),
        WEEKS: ngettext("every week", "every %(count)s weeks", every),
        MONTHS: ngettext("every month", "every %(count)s months", every),
    }
    return words[settings["unit"]] % {"count": every}

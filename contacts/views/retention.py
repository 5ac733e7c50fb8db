"""Settings > Old events: seeing what of an age there is and who would notice, and having it removed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from django import forms
from django.core.validators import MinValueValidator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from contacts.event_types import event_type
from contacts.models import EventRemoval
from contacts.retention import ALWAYS_KEPT, EARLIEST, JOB, LEDGERS, affected_by, events_before, grouped, start_of
from crm import jobs
from crm.models import Job
from crm.requests import Request
from crm.roles import requires

LATEST_REMOVALS = 10
LONGEST_AGE = 600  # months


class AgeForm(forms.Form):
    """How old the events are: a number of months, or a day. When it is valid, ``day`` is the first day to keep."""

    day: date

    months = forms.IntegerField(
        label=gettext_lazy("Older than how many months"), min_value=1, max_value=LONGEST_AGE, required=False
    )
    date = forms.DateField(
        label=gettext_lazy("Or from before the day"),
        required=False,
        validators=[MinValueValidator(EARLIEST)],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, now: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.now = now

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        months, day = self.cleaned_data["months"], self.cleaned_data["date"]
        if (months is None) == (day is None):
            raise forms.ValidationError(_("Enter a number of months or choose a day, one of the two."))
        here = timezone.localdate(self.now, timezone.get_default_timezone())
        self.day = day or here - relativedelta(months=months)
        if start_of(self.day) > self.now - ALWAYS_KEPT:
            self.add_error("date" if day else "months", _("The events of the last four weeks always stay."))
        return self.cleaned_data


class RemovalForm(forms.Form):
    """What goes besides the events, and that somebody is sure. ``entries`` has the number of each ledger."""

    def __init__(self, data: Any = None, *, events: int, entries: dict[str, int]) -> None:
        super().__init__(data, use_required_attribute=False)
        self.events = events
        ledgers = [LEDGERS[key] for key, number in entries.items() if number]
        if ledgers:
            self.fields["ledgers"] = forms.MultipleChoiceField(
                label=_("Ledgers"),
                choices=[(one.key, f"{one.label} ({grouped(entries[one.key])})") for one in ledgers],
                help_text=" ".join(str(one.help_text) for one in ledgers),
                widget=forms.CheckboxSelectMultiple,
                required=not events,
                error_messages={"required": gettext_lazy("Choose what is to be removed.")},
            )
        self.fields["sure"] = forms.BooleanField(
            label=_("I know that this cannot be undone"),
            error_messages={"required": gettext_lazy("Tick this to go on.")},
        )


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.delete_event")
def retention(request: Request) -> HttpResponse:
    """The address says how old; a POST removes what the page has shown."""
    running = Job.objects.in_progress().filter(kind=JOB).first()
    if running:
        return HttpResponseRedirect(reverse("job", args=[running.pk]), status=303)
    now = timezone.now()
    age = AgeForm(request.GET or None, now=now, initial={"months": 24}, use_required_attribute=False)
    context: dict[str, Any] = {"nav": "settings", "age": age, "removals": EventRemoval.objects.all()[:LATEST_REMOVALS]}
    if not age.is_valid():
        return render(request, "contacts/retention.html", context, status=422 if age.errors else 200)
    counts = events_before(start_of(age.day))
    entries = {ledger.key: ledger.count(start_of(age.day)) for ledger in LEDGERS}
    total = sum(counts.values())
    form = RemovalForm(request.POST if request.method == "POST" else None, events=total, entries=entries)
    if (total or any(entries.values())) and form.is_valid():
        return _start(request, age.day, form.cleaned_data.get("ledgers", []), now=now)
    context |= {
        "day": age.day,
        "counts": [(event_type(key), number) for key, number in counts.items()],
        "total": total,
        "entries": sum(entries.values()),
        "affected": affected_by(start_of(age.day), types=counts, now=now),
        "form": form,
    }
    return render(request, "contacts/retention.html", context, status=422 if form.errors else 200)


def _start(request: Request, day: date, ledgers: list[str], *, now: datetime) -> HttpResponse:
    job = jobs.start(
        JOB,
        title=_("Remove what is from before %(day)s") % {"day": date_format(day)},
        params={"before": start_of(day).isoformat(), "ledgers": ledgers},
        user=request.user,
        now=now,
    )
    return HttpResponseRedirect(reverse("job", args=[job.pk]), status=303)

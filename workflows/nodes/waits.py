"""What contacts can wait for in a Wait node: one short class for each, with its inputs and its moments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, tzinfo
from typing import Any

from django import forms
from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import event_type
from contacts.fields import Field
from crm.registry import Registry, UnknownKey
from segments.clock import in_utc, moved, moved_day
from segments.values import UNITS, amount
from workflows.nodes.base import NEXT, Batch, CannotWork, NodeContext, Port, Settings, Visit
from workflows.nodes.choosing import Choosing, EventTypeField
from workflows.nodes.moments import ACCOUNT, CONTACT, at_clock, in_year, next_weekday, zones_of

MOST_OF_A_UNIT = 10_000
ZONES = ((ACCOUNT, gettext_lazy("of the account")), (CONTACT, gettext_lazy("of each contact, if known")))
HAPPENED = Port("happened", gettext_lazy("Happened"), "yes")
NOT_IN_TIME = Port("not_in_time", gettext_lazy("Not in time"), "no")
NO_DATE = Port("no_date", gettext_lazy("No date"), "no")
BY_THE_CLOCK = ("minutes", "hours")
A_YEAR = {"days": 365, "weeks": 52, "months": 12, "years": 1}


def count_field(label: Any, smallest: int = 1, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=smallest, max_value=MOST_OF_A_UNIT, **options)


def unit_field(**options: Any) -> forms.ChoiceField:
    choices = [(unit, words[0]) for unit, words in UNITS.items()]
    return forms.ChoiceField(label=gettext_lazy("Unit"), choices=choices, initial="days", **options)


def day_field(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **options)


def clock_field(label: Any, **options: Any) -> forms.TimeField:
    return forms.TimeField(label=label, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}), **options)


def zone_field() -> forms.ChoiceField:
    return forms.ChoiceField(label=gettext_lazy("Time zone"), choices=ZONES, initial=ACCOUNT)


def weekdays_field(**options: Any) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days of the week"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        **options,
    )


def clock_in_words(text: str) -> str:
    """A stored time of day as people write it."""
    return formats.time_format(time.fromisoformat(text), "TIME_FORMAT")


def day_in_words(text: str) -> str:
    """A stored day as people write it."""
    return formats.date_format(date.fromisoformat(text), "DATE_FORMAT")


def weekdays_in_words(weekdays: Collection[int]) -> str:
    return ", ".join(str(WEEKDAYS[day]) for day in sorted(weekdays))


def with_zone(text: str, settings: Settings) -> str:
    """The text, with whose time zone counts if that is not the account's."""
    return _("%(moment)s (the contact's time)") % {"moment": text} if settings.get("zone") == CONTACT else text


class Until:
    """One thing to wait for. Its form fields are named as the entries of the settings.

    ``over`` is the port of those whose moment has come, ``without`` that of those who have none, if that can be.
    """

    key: str
    label: Any
    over = NEXT
    without: Port | None = None

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        raise NotImplementedError

    def clean(self, cleaned: Mapping[str, Any], context: NodeContext) -> dict[str, str]:
        """Faults that concern several inputs at once, by the input that shows them."""
        return {}

    def describe(self, settings: Settings, context: NodeContext) -> str:
        raise NotImplementedError

    def awaits(self, settings: Settings) -> str:
        """The key of the happening that ends the wait before its moment, if there is one."""
        return ""

    def ports(self) -> list[Port]:
        return [self.over, *([self.without] if self.without else [])]

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        """For each run the moment for which it waits, computed from when it arrived; None when it has none."""
        raise NotImplementedError


UNTIL: Registry[Until] = Registry("way to wait")


def spans_since_arrival(batch: Batch) -> dict[int, datetime | None]:
    """The moments at which the span of the settings is over, counted from when each run arrived."""
    count, unit = batch.settings["count"], batch.settings["unit"]
    return {visit.run_id: moved(in_utc(visit.arrived_at), count, unit) for visit in batch.visits}


@UNTIL.register
class ASpan(Until):
    key = "span"
    label = gettext_lazy("for a span of time")

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        return {"count": count_field(gettext_lazy("Span")), "unit": unit_field()}

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return amount(settings["count"], settings["unit"])

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        return spans_since_arrival(batch)


@UNTIL.register
class AMoment(Until):
    key = "moment"
    label = gettext_lazy("until a date and time")

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        return {
            "date": day_field(gettext_lazy("Date")),
            "time": clock_field(gettext_lazy("Time")),
            "zone": zone_field(),
        }

    def describe(self, settings: Settings, context: NodeContext) -> str:
        words = {"date": day_in_words(settings["date"]), "time": clock_in_words(settings["time"])}
        return with_zone(_("until %(date)s, %(time)s") % words, settings)

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        day, clock = date.fromisoformat(batch.settings["date"]), time.fromisoformat(batch.settings["time"])
        zones = zones_of(batch, batch.settings.get("zone", ACCOUNT))
        return {visit.run_id: at_clock(day, clock, zones[visit.contact_id]) for visit in batch.visits}


@UNTIL.register
class AWeekday(Until):
    key = "weekday"
    label = gettext_lazy("until a day of the week and time")

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        return {
            "weekdays": weekdays_field(help_text=gettext_lazy("The next of these days; without any, the next day.")),
            "time": clock_field(gettext_lazy("Time")),
            "zone": zone_field(),
        }

    def describe(self, settings: Settings, context: NodeContext) -> str:
        words = {"days": weekdays_in_words(settings.get("weekdays") or []), "time": clock_in_words(settings["time"])}
        if not settings.get("weekdays"):
            return with_zone(_("until it is %(time)s") % words, settings)
        return with_zone(_("until %(days)s, %(time)s") % words, settings)

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        weekdays, clock = batch.settings.get("weekdays") or [], time.fromisoformat(batch.settings["time"])
        zones = zones_of(batch, batch.settings.get("zone", ACCOUNT))
        return {
            visit.run_id: next_weekday(visit.arrived_at, weekdays, clock, zones[visit.contact_id])
            for visit in batch.visits
        }


class DateField(Choosing):
    """A contact field that is a date or a moment."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=str, **options)

    def offer(self, context: NodeContext) -> None:
        super().offer(context)
        self.context = context

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        catalogue = context.conditions.catalogue
        return [(field.key, str(field.label)) for field in catalogue.fields() if is_date(field)]

    def valid_value(self, value: Any) -> bool:
        """An archived field still has its values."""
        catalogue = self.context.conditions.catalogue
        return super().valid_value(value) or (value in catalogue and is_date(catalogue[value]))


def is_date(field: Field) -> bool:
    return field.type.family in ("date", "datetime")


ON, BEFORE, AFTER = "on", "before", "after"
DIRECTIONS = (
    (ON, gettext_lazy("on the day itself")),
    (BEFORE, gettext_lazy("before")),
    (AFTER, gettext_lazy("after")),
)


@UNTIL.register
class ADateOfTheContact(Until):
    key = "date"
    label = gettext_lazy("until a date of the contact")
    without = NO_DATE

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        field = DateField(label=gettext_lazy("Contact field"))
        field.offer(context)
        return {
            "field": field,
            "direction": forms.ChoiceField(label=gettext_lazy("When"), choices=DIRECTIONS, initial=ON),
            "count": count_field(gettext_lazy("Before or after by"), 0, required=False),
            "unit": unit_field(required=False),
            "time": clock_field(
                gettext_lazy("Time"),
                required=False,
                help_text=gettext_lazy(
                    "Without it, the beginning of the day; for a moment, such as the last purchase, that time of day."
                ),
            ),
            "zone": zone_field(),
            "yearly": forms.BooleanField(
                label=gettext_lazy("Every year: until the next anniversary, such as the birthday"), required=False
            ),
        }

    def clean(self, cleaned: Mapping[str, Any], context: NodeContext) -> dict[str, str]:
        if cleaned["direction"] == ON:
            return {}
        if not cleaned["count"]:
            return {"count": _("Say how long before or after.")}
        field = context.conditions.catalogue[cleaned["field"]]
        days_count = field.type.family == "date" or cleaned["time"] or cleaned["yearly"]
        if days_count and cleaned["unit"] in BY_THE_CLOCK:
            return {"unit": _("Choose days, weeks, months or years: here whole days count.")}
        if cleaned["yearly"] and cleaned["count"] > A_YEAR[cleaned["unit"]]:
            return {"count": _("At most a year before or after an anniversary.")}
        return {}

    def describe(self, settings: Settings, context: NodeContext) -> str:
        catalogue = context.conditions.catalogue
        field = settings["field"]
        words = {"field": catalogue[field].label if field in catalogue else _("a field that is gone")}
        if settings.get("yearly"):
            words["field"] = _("%(field)s (every year)") % words
        if settings["direction"] != ON:
            words["amount"] = amount(settings["count"], settings["unit"])
        text = {
            ON: _("until %(field)s"),
            BEFORE: _("until %(amount)s before %(field)s"),
            AFTER: _("until %(amount)s after %(field)s"),
        }[settings["direction"]] % words
        if settings.get("time"):
            text = _("%(moment)s, %(time)s") % {"moment": text, "time": clock_in_words(settings["time"])}
        return with_zone(text, settings)

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        try:
            field = NodeContext().conditions.catalogue[batch.settings["field"]]
        except UnknownKey as error:
            raise CannotWork(_("The contact field that is waited for is gone.")) from error
        values = values_of(batch, field)
        zones = zones_of(batch, batch.settings.get("zone", ACCOUNT))
        return {
            visit.run_id: _moment_for(values.get(visit.contact_id), visit, batch.settings, zones[visit.contact_id])
            for visit in batch.visits
        }


def values_of(batch: Batch, field: Field) -> dict[int, Any]:
    """The values that the contacts of the batch have for a field; one query."""
    contacts = batch.contacts.only(field.column or "custom")
    return {contact.pk: field.value_of(contact) for contact in contacts}


def _moment_for(value: date | datetime | None, visit: Visit, settings: Settings, zone: tzinfo) -> datetime | None:
    if value is None:
        return None
    sign = {ON: 0, BEFORE: -1, AFTER: 1}[settings["direction"]]
    count, unit = sign * (settings.get("count") or 0), settings.get("unit") or "days"
    clock = time.fromisoformat(settings["time"]) if settings.get("time") else None
    if isinstance(value, datetime):
        if clock is None and not settings.get("yearly"):
            return moved(in_utc(value), count, unit)
        local = value.astimezone(zone)
        value, clock = local.date(), clock or local.time()
    clock = clock or time(0)
    if not settings.get("yearly"):
        return at_clock(moved_day(value, count, unit), clock, zone)
    arrived = visit.arrived_at
    anniversary = moved_day(arrived.astimezone(zone).date(), -count, unit).year
    days = (in_year(value, year) for year in range(anniversary - 1, anniversary + 3))
    moments = (at_clock(moved_day(day, count, unit), clock, zone) for day in days)
    return next(moment for moment in moments if moment > arrived)


@UNTIL.register
class AnEvent(Until):
    key = "event"
    label = gettext_lazy("until something happens, or a span of time is over")
    over = NOT_IN_TIME

    def fields(self, context: NodeContext) -> dict[str, forms.Field]:
        event = EventTypeField(label=gettext_lazy("Event"))
        event.offer(context)
        return {"event": event, "count": count_field(gettext_lazy("At most")), "unit": unit_field()}

    def describe(self, settings: Settings, context: NodeContext) -> str:
        words = {"event": event_type(settings["event"]).label, "amount": amount(settings["count"], settings["unit"])}
        return _("until “%(event)s”, at most %(amount)s") % words

    def awaits(self, settings: Settings) -> str:
        return f"event:{settings['event']}"

    def ports(self) -> list[Port]:
        return [HAPPENED, NOT_IN_TIME]

    def moments(self, batch: Batch) -> dict[int, datetime | None]:
        return spans_since_arrival(batch)

"""The rows of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import event_type
from contacts.events_seen import newest_events, properties_of, types_seen
from contacts.exports.columns import Chunk, Property, Values
from contacts.exports.snapshot import Snapshot
from contacts.exports.source import EVERYBODY, ContactsForm
from contacts.models import Event

CONTACT = gettext_lazy("Contact")
EVENT = gettext_lazy("Event")
PROPERTIES = gettext_lazy("Properties of events")
PREFIX = "properties."
OWN = [
    Property("contact_id", gettext_lazy("Contact id"), CONTACT, "number"),
    Property("external_id", gettext_lazy("External id"), CONTACT),
    Property("email", gettext_lazy("Email"), CONTACT),
    Property("visitor_key", gettext_lazy("Visitor key"), CONTACT),
    Property("first_name", gettext_lazy("First name"), CONTACT),
    Property("last_name", gettext_lazy("Last name"), CONTACT),
    Property("type", gettext_lazy("Type"), EVENT),
    Property("occurred_at", gettext_lazy("Occurred"), EVENT, "datetime"),
    Property("received_at", gettext_lazy("Received"), EVENT, "datetime"),
    Property("value", gettext_lazy("Value"), EVENT, "number"),
    Property("key", gettext_lazy("Idempotency key"), EVENT),
    Property("properties", gettext_lazy("All properties (JSON)"), EVENT, "json"),
]
OF_CONTACT = {"external_id", "email", "visitor_key", "first_name", "last_name"}


def start_of(day: date) -> datetime:
    """The first moment of a day in the account's time zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


class DaysMixin(forms.Form):
    """From one day to another in the account's time zone, both included."""

    first = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    last = forms.DateField(
        label=gettext_lazy("To"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def clean_last(self) -> date | None:
        first, last = self.cleaned_data.get("first"), self.cleaned_data["last"]
        if first and last and last < first:
            raise forms.ValidationError(_("This day is before the first one."))
        found: date | None = last
        return found

    def within(self, column: str) -> dict[str, datetime]:
        """The look-ups for a column of moments."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        edges = {f"{column}__gte": first and start_of(first), f"{column}__lt": last and start_of(_day_after(last))}
        return {lookup: moment for lookup, moment in edges.items() if moment}

    def days_in_words(self) -> list[str]:
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        edges = [(_("from %(day)s"), first), (_("to %(day)s"), last)]
        return [text % {"day": formats.date_format(day)} for text, day in edges if day]


def _day_after(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


class EventsForm(DaysMixin, ContactsForm):
    """Whose events, of which types, from when."""

    types = forms.MultipleChoiceField(
        label=gettext_lazy("Types of events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen means all."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        types: Any = self.fields["types"]
        types.choices = [(key, str(event_type(key).label)) for key in types_seen()]
        if not types.choices:
            del self.fields["types"]
        self.order_fields([name for name in self.fields if name not in ("types", "first", "last")])

    @property
    def events(self) -> QuerySet[Event]:
        events = Event.objects.filter(**self.within("occurred_at"))
        if self.cleaned_data.get("types"):
            events = events.filter(type__in=self.cleaned_data["types"])
        if self.cleaned_data["whose"] == EVERYBODY:
            return events
        return events.filter(contact_id__in=self.contacts.order_by().values("pk"))

    def in_words(self) -> str:
        types = ", ".join(str(event_type(key).label) for key in self.cleaned_data.get("types", ()))
        return ", ".join(filter(None, [super().in_words(), types, *self.days_in_words()]))


def properties_of_events() -> list[Property]:
    """The properties of all events, and those that the newest events of each type have."""
    seen = newest_events(types_seen())
    found = properties_of(properties for of_type in seen.values() for properties in of_type)
    return [*OWN, *(Property(f"{PREFIX}{key}", key, PROPERTIES, "json") for key in sorted(found))]


def chunks_of_events(events: QuerySet[Event], keys: Sequence[str], snapshot: Snapshot) -> Iterator[Chunk]:
    """The values of these properties, the events in the order in which they were recorded."""
    own = [key for key in keys if not key.startswith(PREFIX)]
    names = list(dict.fromkeys(["pk", *own, *(["properties"] if len(own) < len(keys) else [])]))
    columns = [f"contact__{name}" if name in OF_CONTACT else name for name in names]
    for chunk in snapshot.chunks(events.order_by("pk").values_list(*columns)):
        found = dict(zip(names, chunk, strict=True))
        yield [found[key] if key in found else _of_properties(found["properties"], key) for key in keys]


def _of_properties(all_properties: Values, key: str) -> Values:
    name = key.removeprefix(PREFIX)
    return [properties.get(name) for properties in all_properties]

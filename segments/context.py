"""What conditions need to know while a definition is checked, described or compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, Field, Func, Value

from contacts.event_types import event_type
from contacts.events_seen import Properties, newest_events, properties_of, types_seen, values_of
from contacts.fields import Catalogue, catalogue
from contacts.models import ContactList, Event, Import
from segments.clock import LateValue

if TYPE_CHECKING:
    from segments.models import Segment


MOST_TOGETHER = 50


class Context:
    """The catalogue, the lists, the imports and the segments, each read once and only when asked for, and the moment.

    ``now`` is the moment to compile for; None leaves it open, and SQL then carries `segments.clock.Late` parameters.
    ``few`` compiles for a few contacts: every subquery is restricted to the contacts that are bound when the SQL is
    run (`AmongContacts`). ``many`` says that these few are hundreds.
    """

    def __init__(self, *, now: datetime | None = None, few: bool = False, many: bool = False) -> None:
        self.now = now
        self.few = few
        self.many = many
        self._properties: dict[str, dict[str, str]] = {}
        self._oldest: dict[str, datetime | None] = {}
        self._values: dict[tuple[str, str], list[str]] = {}
        self._newest: dict[str, list[Properties]] = {}
        self._expected: set[str] = set()

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue()

    @cached_property
    def lists(self) -> dict[int, str]:
        return dict(ContactList.objects.order_by("name", "id").values_list("id", "name"))

    @cached_property
    def imports(self) -> dict[int, str]:
        """The imports that contacts can have come with, by id, the newest first."""
        return dict(Import.objects.that_brought_contacts().order_by("-id").values_list("id", "name"))

    @cached_property
    def segments(self) -> dict[int, Segment]:
        """The segments that are not deleted, by id."""
        from segments.models import Segment

        return {segment.pk: segment for segment in Segment.objects.live()}

    @cached_property
    def event_types(self) -> list[str]:
        """The types of the events in the data, and those that are expected."""
        return sorted({*types_seen(), *self._expected})

    def oldest_event(self, event: str) -> datetime | None:
        """When the first event of a type was; one look into an index."""
        if event not in self._oldest:
            moments = Event.objects.filter(type=event).order_by("occurred_at").values_list("occurred_at", flat=True)
            self._oldest[event] = moments.first()
        return self._oldest[event]

    def event_properties(self, event: str) -> dict[str, str]:
        """The properties that events of a type are known or seen to have, with the keys of their field types."""
        if event not in self._properties:
            known = {one.key: one.type for one in event_type(event).properties}
            seen = properties_of(self._newest_events(event))
            others = {key: kind for key, kind in seen.items() if key not in known and key != "value"}
            self._properties[event] = known | others
        return self._properties[event]

    def event_values(self, event: str, key: str) -> list[str]:
        """The texts that events of a type have under a property, the most frequent ones first."""
        if (event, key) not in self._values:
            self._values[event, key] = values_of(self._newest_events(event), key)
        return self._values[event, key]

    def expect_events(self, events: Iterable[str]) -> None:
        """Name types of events that are going to be asked about, so that one query answers for all of them."""
        self._expected.update(events)

    def _newest_events(self, event: str) -> list[Properties]:
        if event not in self._newest:
            others = sorted(self._expected - set(self._newest) - {event})
            self._newest |= newest_events([event, *others[:MOST_TOGETHER]])
        return self._newest[event]

    def at(self, compute: Callable[[datetime], Any], output_field: Field[Any, Any]) -> Value:
        """A value that depends on the moment: computed here if the moment is known, else when the SQL is run."""
        if self.now is None:
            return LateValue(compute, output_field)
        return Value(compute(self.now), output_field=output_field)


class ContactIds:
    """The parameter of kept SQL that takes the ids of the few contacts it is run for."""

    @staticmethod
    def bind(contact_ids: list[int], vendor: str) -> Any:
        ids = ",".join(map(str, contact_ids))  # a text takes the driver far less time than a list
        return f"{{{ids}}}" if vendor == "postgresql" else f"[{ids}]"


CONTACT_IDS = ContactIds()


def among_contacts(column: str, vendor: str, *, many: bool = False) -> str:
    """SQL for "is one of the contacts bound at this place".

    PostgreSQL's planner looks at each of them, at every place, which costs more than looking them up. With ``many`` it
    does not see them, which for a few costs more than it saves.
    """
    if vendor == "postgresql":
        return f"{column} = ANY({'(SELECT %s::bigint[])::bigint[]' if many else '%s::bigint[]'})"
    return f"{column} IN (SELECT value FROM json_each(%s))"


class AmongContacts(Func):
    """Restricts a subquery to the few contacts that the SQL is run for."""

    arity = 1

    def __init__(self, contact: Any, context: Context) -> None:
        self.many = context.many
        super().__init__(contact, output_field=BooleanField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.many)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, _params = compiler.compile(self.source_expressions[0])
        return among_contacts(column, connection.vendor, many=self.many), [CONTACT_IDS]

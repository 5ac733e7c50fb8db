"""Choosing events: of a type, with properties of which conditions hold for the same event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import CharField, F, Func, Q, QuerySet, Value
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import EVENT_TYPES, event_type, is_event_type
from contacts.models import Event
from contacts.typed_json import KEY
from contacts.types import FIELD_TYPES
from segments.conditions.base import Condition, Indexable, Subjects
from segments.conditions.comparison import COMPARISON, ComparisonForm, compared, in_words, unpack_comparison
from segments.context import AmongContacts, Context
from segments.faults import EntryError
from segments.logic import combined, in_set
from segments.operators import OPERATORS
from segments.properties import FAMILIES, VALUE, families_of, family_of, label_of, operator_choices, property_of
from segments.rule_form import Rule, RuleForm
from segments.windows import begins_before

MOST_WHERE = 20
LIKELY_OPERATOR = {"text": "is", "number": "equals", "boolean": "is_true", "choices": "has"}


def event_input(context: Context, given: Any, **options: Any) -> forms.ChoiceField:
    """The input for a type of event. A type that has not been seen yet is one too if events can have it."""
    choices = [("", _("Choose an activity")), *event_choices(context)]
    if is_event_type(given) and given not in dict(choices):
        choices.append((given, str(event_type(given).label)))
    return forms.ChoiceField(
        label=gettext_lazy("Activity"),
        choices=choices,
        error_messages={"invalid_choice": gettext_lazy("“%(value)s” is no type of event.")},
        **options,
    )


def event_choices(context: Context) -> list[tuple[str, str]]:
    """The types of events that Muster knows and those in the data."""
    known = [(one.key, str(one.label)) for one in EVENT_TYPES]
    return known + [(key, str(event_type(key).label)) for key in context.event_types if key not in EVENT_TYPES]


def event_subjects(context: Context, prefix: str) -> Subjects:
    return [(_("Activities"), [(f"{prefix}{key}", label) for key, label in event_choices(context)])]


def property_input(
    event: str, context: Context, given: Any, families: tuple[str, ...], *, nothing: str = "", **options: Any
) -> forms.ChoiceField:
    """The input for a property of the events of a type, among those that can be read as one of the families."""
    choices = []
    if "number" in families or "any" in families:
        choices.append((VALUE, label_of(event, VALUE)))
    choices += [
        (key, label_of(event, key))
        for key, kind in context.event_properties(event).items()
        if "any" in families or FIELD_TYPES[kind].family in families
    ]
    if isinstance(given, str) and KEY.fullmatch(given) and given not in dict(choices):
        choices.append((given, given))
    settings: dict[str, Any] = {"label": gettext_lazy("Property")} | options
    return forms.ChoiceField(
        choices=[("", nothing or _("Choose a property")), *choices],
        error_messages={"invalid_choice": gettext_lazy("“%(value)s” is not a name that a property can have.")},
        **settings,
    )


def likely_family(event: str, key: str, context: Context) -> str:
    """The family of the operators that a property is mostly compared with."""
    if key == VALUE:
        return "number"
    return FIELD_TYPES[context.event_properties(event).get(key, "text")].family


class WhereForm(ComparisonForm):
    """A property of the event, the operator and its value."""

    shaping = ("property", "operator")
    only_set_label = gettext_lazy("Only events that have a value")
    includes_none = gettext_lazy("Events that have no value match too.")

    def __init__(self, *args: Any, event: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.event = event
        key = self.data.get(self.add_prefix("property"))
        self.fields["property"] = property_input(event, self.context, key, tuple(FAMILIES))
        if not isinstance(key, str) or not KEY.fullmatch(key):
            return
        family = family_of(self.given("operator"), families_of(key))
        likely = likely_family(event, key, self.context)
        self.offer_operators(
            operator_choices(tuple(dict.fromkeys([likely, family or likely, "any"]))), initial=LIKELY_OPERATOR[likely]
        )
        if family:
            field = property_of(event, key, family)
            self.compare(field, OPERATORS[family][self.given("operator")])
            self._suggest(key)

    def _suggest(self, key: str) -> None:
        """Let people choose among the values in the data, where a text is typed in."""
        given = self.fields.get("value")
        if type(given) is forms.CharField:
            given.suggestions = lambda: self.context.event_values(self.event, key)  # type: ignore[attr-defined]
            given.widget.attrs["list"] = f"{self.add_prefix('value')}-suggestions"

    def rule(self) -> Rule:
        return {"property": self.cleaned_data["property"], **self.comparison()}


class EventsInWindow(Condition):
    """A condition on events that are in its window, or come after one that is."""

    dynamic = False

    def reads_events_before(self, rule: Rule, moment: datetime, now: datetime) -> bool:
        return begins_before(rule["window"], moment, now)


class EventType(Value):
    """A type of event that is written into the SQL: SQLite takes an index of one type's events for no parameter."""

    def __init__(self, key: str) -> None:
        super().__init__(key, output_field=CharField())

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not is_event_type(self.value):
            raise ValueError(f"no type of event: {self.value!r}")
        return f"'{self.value}'", []


class NotByIndex(Func):
    """A column that SQLite is not to choose an index by.

    It knows nothing of the sizes: for the sum of one contact's events it would read all events of the type, whose
    index holds the value.
    """

    arity = 1

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        return compiler.compile(self.source_expressions[0])

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"+{sql}", params


def chosen_events(rule: Rule, context: Context, *, few: bool = False) -> QuerySet[Event]:
    """The events that a rule or a step of one is about: of its type, with its properties.

    ``few`` says that `of_few` will restrict them to few contacts.
    """
    kind = NotByIndex(F("type"), output_field=CharField()) if few else F("type")
    events = Event.objects.filter(Exact(kind, EventType(rule["event"]))).order_by()
    for where in rule.get("where", ()):
        family = family_of(where["operator"])
        assert family
        field = property_of(rule["event"], where["property"], family)
        events = events.filter(compared(where, field, OPERATORS[family][where["operator"]], context))
    return events


def indexable(rule: Rule) -> Iterator[Indexable]:
    """What an index of would find the few events of a rule or a step of one."""
    for where in rule.get("where", ()):
        family = family_of(where["operator"])
        assert family
        field = property_of(rule["event"], where["property"], family)
        expression = OPERATORS[family][where["operator"]].indexable(field)
        if field.key != VALUE and expression is not None:
            yield Indexable(expression, rule["event"])


def of_few(events: QuerySet[Event], context: Context) -> QuerySet[Event]:
    return events.filter(AmongContacts(F("contact_id"), context)) if context.few else events


def contacts_of(events: QuerySet[Event], either: Q) -> Q:
    """The contacts of the events for which one of the alternatives holds.

    Each alternative is a set of its own, for which SQLite reads a range of the index; together it would read all
    events of the type.
    """
    alternatives = either.children if either.connector == Q.OR else [either]
    return combined("any", [in_set(events.filter(one).values("contact_id")) for one in alternatives])


def unpack_where(rule: Rule, *, prefix: str = "", place: tuple[str | int, ...] = ()) -> dict[str, Any]:
    """The form's data for the stored ``where``. Raises `EntryError` when its JSON has the wrong shape."""
    entries = rule.get("where", [])
    if not isinstance(entries, list):
        raise EntryError(_("“where” is a list."), *place, "where")
    if len(entries) > MOST_WHERE:
        message = _("An activity has at most %(most)s conditions on its properties.") % {"most": MOST_WHERE}
        raise EntryError(message, *place, "where")
    data: dict[str, Any] = {f"{prefix}where": [str(number) for number in range(len(entries))]}
    for number, entry in enumerate(entries):
        where = (*place, "where", number)
        if not isinstance(entry, dict):
            raise EntryError(_("A condition on a property is an object with “property” and “operator”."), *where)
        for name in sorted(set(entry) - COMPARISON - {"property"}, key=str):
            raise EntryError(_("A condition on a property has no such entry."), *where, str(name))
        values = {"property": entry.get("property"), "operator": entry.get("operator")}
        family = family_of(values["operator"])
        if isinstance(values["property"], str) and family:
            try:
                field = property_of("", values["property"], family)
                values |= unpack_comparison(entry, field, OPERATORS[family][entry["operator"]])
            except EntryError as error:
                raise EntryError(str(error), *where, *error.place) from error
        data |= {f"{prefix}where-{number}-{name}": value for name, value in values.items()}
    return data


def pack_where(form: RuleForm) -> Rule:
    """The ``where`` to store, nothing when there is none."""
    where = [part.rule() for part in form.lists["where"].values()]
    return {"where": where} if where else {}


def events_in_words(rule: Rule) -> str:
    """The events that a rule is about: “Purchased” (Category is shoes)."""
    name = _("“%(event)s”") % {"event": event_type(rule["event"]).label}
    words = []
    for where in rule.get("where", ()):
        family = family_of(where["operator"])
        assert family
        operator = OPERATORS[family][where["operator"]]
        sentence = in_words(where, property_of(rule["event"], where["property"], family), operator)
        if operator.negative and not where.get("only_set"):
            sentence = _("%(condition)s (or has no value)") % {"condition": sentence}
        words.append(sentence)
    if not words:
        return name
    return _("%(event)s (%(conditions)s)") % {"event": name, "conditions": _(" and ").join(words)}

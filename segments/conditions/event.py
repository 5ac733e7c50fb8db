"""Conditions on activities: how often, when and how much, of the events that have certain properties."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Count, F, Q, QuerySet, Subquery, Window
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.event_types import event_type, is_event_type
from contacts.fields import Field
from contacts.models import Event
from contacts.typed_json import KEY
from segments.conditions.base import CONDITIONS, Indexable, Subjects
from segments.conditions.cautions import cautions_about
from segments.conditions.comparison import (
    COMPARISON,
    ComparisonForm,
    compared,
    in_words,
    read_value,
    unpack_comparison,
    with_no_value,
)
from segments.conditions.events import (
    LIKELY_OPERATOR,
    MOST_WHERE,
    EventsInWindow,
    WhereForm,
    chosen_events,
    contacts_of,
    event_input,
    event_subjects,
    events_in_words,
    indexable,
    likely_family,
    of_few,
    pack_where,
    property_input,
    unpack_where,
)
from segments.context import Context
from segments.logic import in_set, not_in_set, otherwise
from segments.metrics import METRICS, Metric
from segments.operators import OPERATORS, Operator
from segments.properties import VALUE, Property, families_of, family_of, label_of, operator_choices, property_of
from segments.rule_form import Rule
from segments.seen import Observed, Seen, entries_of, shown
from segments.windows import EVER, WINDOWS, WindowForm, inside, is_relative, passed, unpack_window

SUBJECT = "event."
NEWEST_SEEN = 3


class EventRuleForm(ComparisonForm):
    """The type of event, conditions on its properties, when it was, and what is measured and compared."""

    shaping = ("metric", "property", "operator")
    sizes = {"where": (0, MOST_WHERE)}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        given = self.data.get(self.add_prefix("event"))
        self.fields["event"] = event_input(self.context, given)
        if not is_event_type(given):
            return
        assert isinstance(given, str)
        self.add_part("window", WindowForm)
        self.add_list("where", WhereForm, event=given)
        self.fields["metric"] = forms.ChoiceField(
            label=gettext_lazy("Measure"), choices=[(metric.key, metric.label) for metric in METRICS], initial="count"
        )
        if self.given("metric") in METRICS:
            self._measure(given, METRICS[self.given("metric")])

    def _measure(self, event: str, metric: Metric) -> None:
        families: tuple[str, ...] = ("number",)
        key = None
        if metric.takes:
            key = self.data.get(self.add_prefix("property"))
            usual = VALUE if "number" in metric.takes and event_type(event).value_label else None
            self.fields["property"] = property_input(event, self.context, key, metric.takes, initial=usual)
            families = (metric.family,) if metric.family else metric.takes
            if not isinstance(key, str) or not KEY.fullmatch(key):
                return
            families = families_of(key, families)
        offered = families if metric.is_zero_without else (*families, "any")
        self.offer_operators(operator_choices(offered), initial=_likely_operator(offered, event, key, self.context))
        family = family_of(self.given("operator"), offered)
        if family:
            self.compare(metric.field(family, ""), OPERATORS[family][self.given("operator")])
            if metric.is_zero_without and "value" in self.fields:
                self.fields["value"].initial = 1

    def rule(self) -> Rule:
        rule: Rule = {"type": "event", "event": self.cleaned_data["event"], **pack_where(self)}
        rule["metric"] = self.cleaned_data["metric"]
        if "property" in self.fields:
            rule["property"] = self.cleaned_data["property"]
        return rule | self.comparison() | {"window": self.parts["window"].rule()}


@CONDITIONS.register
class EventCondition(EventsInWindow):
    key = "event"
    label = gettext_lazy("Activity")
    form = EventRuleForm
    entries = frozenset({"event", "where", "metric", "property", "window"}) | COMPARISON

    def subjects(self, context: Context) -> Subjects:
        return event_subjects(context, SUBJECT)

    def subject(self, rule: Rule) -> str:
        return f"{SUBJECT}{rule['event']}"

    def given_by(self, subject: str) -> dict[str, str] | None:
        return {"event": subject.removeprefix(SUBJECT)} if subject.startswith(SUBJECT) else None

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        data = {name: rule.get(name) for name in ("event", "metric", "property", "operator")}
        data |= unpack_where(rule) | unpack_window(rule.get("window", EVER))
        metric = METRICS[data["metric"]] if data["metric"] in METRICS else None  # noqa: SIM401
        family = metric and _family(metric, data["operator"])
        if metric and family:
            data |= unpack_comparison(rule, metric.field(family, ""), OPERATORS[family][data["operator"]])
        return data

    def events(self, rule: Rule, context: Context) -> QuerySet[Event]:
        """The events that are measured."""
        events = chosen_events(rule, context, few=context.few)
        return of_few(events.filter(inside(F("occurred_at"), rule["window"], context)), context)

    def condition(self, rule: Rule, context: Context) -> Q:
        metric, field, operator, read = _parts(rule)
        contacts = metric.measured(self.events(rule, context), read)
        condition = compared(rule, field, operator, context)
        if not _holds_without_events(rule, metric, operator, field):
            if _holds_with_any(rule):
                return in_set(self.events(rule, context).values("contact_id"))
            return in_set(contacts.filter(condition).values("contact_id"))
        if _fails_with_any(rule):
            return not_in_set(self.events(rule, context).values("contact_id"))
        return not_in_set(contacts.filter(otherwise(condition)).values("contact_id"))

    def describe(self, rule: Rule, context: Context) -> str:
        events = events_in_words(rule)
        when = WINDOWS[rule["window"]["kind"]].describe(rule["window"]) if rule["window"]["kind"] != "ever" else ""
        if _fails_with_any(rule):
            return _in_time(_("%(events)s never happened") % {"events": events}, when)
        if rule["metric"] == "count" and rule["operator"] == "at_least":
            count = rule["value"]
            words = ngettext("%(events)s happened at least once", "%(events)s happened at least %(count)s times", count)
            return _in_time(words % {"events": events, "count": count}, when)
        _metric, field, operator, _read = _parts(rule, _in_time(events, when))
        return with_no_value(in_words(rule, field, operator), rule, field, operator)

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        """The metric and the newest events; one query."""
        metric, field, _operator, read = _parts(rule)
        events = self.events(rule, context).filter(contact=observed.contact)
        measured = Subquery(metric.of_one(events, read))
        newest = list(
            events.annotate(measured=measured, number=Window(Count("*"))).order_by("-occurred_at", "-id")[:NEWEST_SEEN]
        )
        nothing = 0 if metric.is_zero_without else None
        value = newest[0].measured if newest else nothing
        others = newest[0].number - len(newest) if newest else 0
        return Seen(shown(value, field.display), entries_of(newest), others, _still_wanted(rule, value))

    def cautions(self, rule: Rule, context: Context) -> list[str]:
        return cautions_about(rule["event"], rule["window"], context)

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"event:{rule['event']}"}

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        edge = passed(F("occurred_at"), rule["window"], since, now)
        return edge and contacts_of(chosen_events(rule, context), edge)

    def indexable(self, rule: Rule, context: Context) -> Iterator[Indexable]:
        return indexable(rule)

    def relative(self, rule: Rule, context: Context) -> bool:
        return is_relative(rule["window"])


def _likely_operator(families: tuple[str, ...], event: str, key: str | None, context: Context) -> str:
    """The operator to begin with: amounts are mostly asked for at least."""
    if families[0] == "number" or key is None:
        return "at_least"
    likely = likely_family(event, key, context)
    return LIKELY_OPERATOR[likely if likely in families else families[0]]


def _in_time(words: str, when: str) -> str:
    return _("%(words)s %(when)s") % {"words": words, "when": when} if when else words


def _family(metric: Metric, operator: object) -> str | None:
    families = (metric.family,) if metric.family else metric.takes
    return family_of(operator, families if metric.is_zero_without else (*families, "any"))


def _parts(rule: Rule, events: str = "") -> tuple[Metric, Field, Operator, Property | None]:
    """What the rule measures, as a field, what it is compared by, and the property that is read."""
    metric = METRICS[rule["metric"]]
    family = _family(metric, rule["operator"])
    assert family
    words = {"events": events, "property": ""}
    read = None
    if metric.takes:
        key = rule["property"]
        # Whether there is a value is asked of the metric, whatever the type that the property is read as.
        read = property_of(rule["event"], key, metric.family or family)
        words["property"] = label_of(rule["event"], key)
    return metric, metric.field(family, metric.phrase % words), OPERATORS[family][rule["operator"]], read


def _still_wanted(rule: Rule, value: Any) -> str:
    """How often more, for a rule that asks for a number of times that was not reached."""
    enough = {"at_least": 0, "greater_than": 1}
    if rule["metric"] != "count" or rule["operator"] not in enough:
        return ""
    more = int(rule["value"] + enough[rule["operator"]] - value)
    text = ngettext("%(count)d more time is needed", "%(count)d more times are needed", more)
    return text % {"count": more} if more > 0 else ""


def _holds_without_events(rule: Rule, metric: Metric, operator: Operator, field: Field) -> bool:
    """Whether the rule holds for a contact who has no such event."""
    if metric.is_zero_without:
        return operator.holds_for_zero(read_value(rule, field, operator))
    return operator.key == "is_not_set" or (operator.negative and not rule.get("only_set", False))


def _holds_with_any(rule: Rule) -> bool:
    """Whether the rule asks for nothing but a single event."""
    at_least = {"at_least": 1, "greater_than": 0}
    return rule["metric"] in ("count", "days") and rule["value"] == at_least.get(rule["operator"])


def _fails_with_any(rule: Rule) -> bool:
    """Whether a single event is enough for the rule not to hold."""
    at_most = {"equals": 0, "at_most": 0, "less_than": 1}
    return rule["metric"] in ("count", "days") and rule.get("value") == at_most.get(rule["operator"], "never")

"""Conditions on sequences: an activity, then another, or then not another, within a span of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.event_types import is_event_type
from contacts.models import Event
from contacts.typed_json import JSONValue
from segments.clock import EXACT_UNITS
from segments.conditions.base import CONDITIONS, Indexable, Subjects
from segments.conditions.cautions import cautions_about
from segments.conditions.events import (
    MOST_WHERE,
    EventsInWindow,
    WhereForm,
    chosen_events,
    contacts_of,
    event_input,
    events_in_words,
    indexable,
    of_few,
    pack_where,
    property_input,
    unpack_where,
)
from segments.context import Context
from segments.faults import EntryError
from segments.logic import in_set
from segments.properties import VALUE, label_of
from segments.rule_form import Rule, RuleForm
from segments.seen import Observed, Seen, entries_of, in_words
from segments.spans import passed as span_passed
from segments.spans import stepped
from segments.values import LARGEST_COUNT, UNITS, amount, scalar
from segments.windows import EVER, WINDOWS, WindowForm, inside, is_relative, passed, unpack_window

MOST_STEPS = 6


class StepForm(RuleForm):
    """What happened, or did not, and which property it shares with the step before."""

    shaping = ("event",)
    sizes = {"where": (0, MOST_WHERE)}
    labelled = ("same",)

    def __init__(self, *args: Any, is_first: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        given = self.data.get(self.add_prefix("event"))
        if not is_first:
            self.fields["did"] = forms.TypedChoiceField(
                label=gettext_lazy("Then"),
                choices=[("true", gettext_lazy("then did")), ("false", gettext_lazy("then did not"))],
                coerce=lambda text: text == "true",
                initial="true",
            )
        self.fields["event"] = event_input(self.context, given)
        if not is_event_type(given):
            return
        assert isinstance(given, str)
        self.add_list("where", WhereForm, event=given)
        if not is_first:
            self.fields["same"] = property_input(
                given,
                self.context,
                self.data.get(self.add_prefix("same")),
                ("any",),
                nothing=_("any"),
                label=gettext_lazy("Same as in the step before"),
                required=False,
            )

    def rule(self) -> Rule:
        step: Rule = {"event": self.cleaned_data["event"], **pack_where(self)}
        step["did"] = self.cleaned_data.get("did", True)
        if self.cleaned_data.get("same"):
            step["same"] = self.cleaned_data["same"]
        return step


class WithinForm(RuleForm):
    """How long the whole sequence takes at most; nothing for any time."""

    shaping = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["count"] = forms.IntegerField(
            label=gettext_lazy("Within"), min_value=1, max_value=LARGEST_COUNT, required=False
        )
        self.fields["unit"] = forms.ChoiceField(
            label=gettext_lazy("Unit"), choices=[(unit, UNITS[unit][0]) for unit in EXACT_UNITS], initial="days"
        )

    def rule(self) -> Rule:
        return {"count": self.cleaned_data["count"], "unit": self.cleaned_data["unit"]}


class SequenceForm(RuleForm):
    """The steps, the time that they take at most, and when the first of them was."""

    shaping = ()
    sizes = {"steps": (2, MOST_STEPS)}
    leads = {"within": gettext_lazy("All of it within"), "window": gettext_lazy("The first of them")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        first = next(iter(self._ids("steps")), None)
        self.order.append("steps")
        self.lists["steps"] = {
            step: self._part(f"steps-{step}", StepForm, ("steps", place), is_first=step == first)
            for place, step in enumerate(self._ids("steps"))
        }
        self.add_part("within", WithinForm)
        self.add_part("window", WindowForm)

    def clean(self) -> dict[str, Any]:
        if not 2 <= len(self.lists["steps"]) <= MOST_STEPS:
            message = _("A sequence has from 2 to %(most)s steps.") % {"most": MOST_STEPS}
            raise forms.ValidationError(message)
        return self.cleaned_data

    def rule(self) -> Rule:
        rule: Rule = {"type": "sequence", "steps": [step.rule() for step in self.lists["steps"].values()]}
        within = self.parts["within"].rule()
        if within["count"] is not None:
            rule["within"] = within
        return rule | {"window": self.parts["window"].rule()}


class Within(Func):
    """Whether the one moment is at most a span of time after the other."""

    def __init__(self, later: Any, earlier: Any, span: timedelta) -> None:
        self.span = span
        super().__init__(later, earlier, output_field=BooleanField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.span)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        later, earlier = (compiler.compile(source)[0] for source in self.source_expressions)
        if connection.vendor == "postgresql":
            return f"{later} <= {earlier} + %s", [self.span]
        microseconds = self.span // timedelta(microseconds=1)
        return f"{_microseconds(later)} - {_microseconds(earlier)} <= %s", [microseconds]


def _microseconds(moment: str) -> str:
    """A moment on SQLite, where it is a text, as a whole number."""
    return f"(strftime('%%s', substr({moment}, 1, 19)) * 1000000 + CAST(substr({moment}, 21, 6) AS INTEGER))"


@CONDITIONS.register
class SequenceCondition(EventsInWindow):
    """The first step is an event in the window. Each further step that was done is an event after the one before it;
    between the two there was none of a step that was not done. The time allowed counts from the first step. A sequence
    that ends with something not done holds once that time is over, or, where any time is allowed, as long as it was not
    done.
    """

    key = "sequence"
    label = gettext_lazy("Sequence of activities")
    form = SequenceForm
    entries = frozenset({"steps", "within", "window"})

    def subjects(self, context: Context) -> Subjects:
        return [(_("Activities"), [(self.key, str(self.label))])]

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        steps = rule.get("steps")
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise EntryError(_("“steps” is a list of objects with “event”."), "steps")
        data: dict[str, Any] = {"steps": [str(number) for number in range(len(steps))]}
        for number, step in enumerate(steps):
            place = ("steps", number)
            for name in sorted(set(step) - {"event", "where", "did", "same"}, key=str):
                raise EntryError(_("A step has no such entry."), *place, str(name))
            if not isinstance(step.get("did", True), bool):
                raise EntryError(_("“did” is true or false."), *place, "did")
            if number == 0 and not step.get("did", True):
                raise EntryError(_("A sequence begins with something that was done."), *place, "did")
            if number == 0 and "same" in step:
                raise EntryError(_("The first step has none before it."), *place, "same")
            prefix = f"steps-{number}-"
            data |= {f"{prefix}event": step.get("event"), f"{prefix}same": step.get("same")}
            data |= {f"{prefix}did": "true" if step.get("did", True) else "false"}
            data |= unpack_where(step, prefix=prefix, place=place)
        return data | _unpack_within(rule) | unpack_window(rule.get("window", EVER))

    def events(self, rule: Rule, context: Context) -> QuerySet[Event]:
        """The first steps of whole sequences, of whatever time."""
        span = _span(rule)
        first = chosen_events(rule["steps"][0], context, few=context.few)
        events = _continued(first, rule["steps"][1:], span, context, depth=0)
        if span and not rule["steps"][-1]["did"]:
            over = stepped(-rule["within"]["count"], rule["within"]["unit"])
            events = events.filter(occurred_at__lte=context.at(over.compute, Event._meta.get_field("occurred_at")))
        return events

    def condition(self, rule: Rule, context: Context) -> Q:
        events = self.events(rule, context).filter(inside(F("occurred_at"), rule["window"], context))
        return in_set(of_few(events, context).values("contact_id"), depth=len(rule["steps"]) - 1)

    def describe(self, rule: Rule, context: Context) -> str:
        first, *others = rule["steps"]
        words = [events_in_words(first)]
        if rule["window"]["kind"] != "ever":
            when = WINDOWS[rule["window"]["kind"]].describe(rule["window"])
            words = [_("%(events)s %(when)s") % {"events": words[0], "when": when}]
        sentence = ", ".join([*words, *(_step_in_words(step) for step in others)])
        if "within" not in rule:
            return sentence
        span = amount(rule["within"]["count"], rule["within"]["unit"])
        return _("%(sequence)s, within %(span)s") % {"sequence": sentence, "span": span}

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        """The earliest events of the sequence as far as it went, and what comes next; some queries for each step."""
        steps, span, total = rule["steps"], _span(rule), {"total": len(rule["steps"])}
        for events, length, is_over in self._begun(rule, context):
            first = events.filter(contact=observed.contact).order_by("occurred_at", "id").first()
            if first is None:
                continue
            chain = _chain(first, steps[1:length], span, context)
            if length < len(steps):
                missing = _what_comes_next(chain, steps[length:], span, context)
                return Seen(
                    _("%(count)s of %(total)s steps") % (total | {"count": length}), entries_of(chain), 0, missing
                )
            over = {"moment": in_words(first.occurred_at + (span or timedelta()))}
            missing = "" if is_over else _("the time for it is over on %(moment)s") % over
            return Seen(_("all %(total)s steps") % total, entries_of(chain), 0, missing)
        return Seen(_("none of %(total)s steps") % total, missing=events_in_words(steps[0]))

    def _begun(self, rule: Rule, context: Context) -> Iterator[tuple[QuerySet[Event], int, bool]]:
        """The first steps in the window of whole sequences, and of ever shorter beginnings of them.

        Each comes with the number of its steps, and whether the time for the last one is over as far as that counts.
        """
        steps, window = rule["steps"], inside(F("occurred_at"), rule["window"], context)
        yield self.events(rule, context).filter(window), len(steps), True
        begun = chosen_events(steps[0], context).filter(window)
        for length in range(len(steps), 0, -1):
            # What was not done means something only before the step that follows it.
            if steps[length - 1]["did"] or length == len(steps):
                yield _continued(begun, steps[1:length], _span(rule), context, depth=0), length, False

    def cautions(self, rule: Rule, context: Context) -> list[str]:
        first, *others = rule["steps"]
        unseen = [one for step in others for one in cautions_about(step["event"], EVER, context)]
        return cautions_about(first["event"], rule["window"], context) + unseen

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"event:{step['event']}" for step in rule["steps"]}

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        edges = [passed(F("occurred_at"), rule["window"], since, now)]
        if self._waits(rule):
            over = stepped(-rule["within"]["count"], rule["within"]["unit"])
            field = Event._meta.get_field("occurred_at")
            at = Context(now=now).at
            edges.append(span_passed(F("occurred_at"), (None, over), since, now, lambda compute: at(compute, field)))
        crossed = Q()
        for edge in edges:
            crossed |= edge or Q()
        return contacts_of(chosen_events(rule["steps"][0], context), crossed) if crossed else None

    def indexable(self, rule: Rule, context: Context) -> Iterator[Indexable]:
        return indexable(rule["steps"][0])

    def relative(self, rule: Rule, context: Context) -> bool:
        return is_relative(rule["window"]) or self._waits(rule)

    def _waits(self, rule: Rule) -> bool:
        """Whether the sequence holds only once the time for its last step is over."""
        return "within" in rule and not rule["steps"][-1]["did"]


def _span(rule: Rule) -> timedelta | None:
    return timedelta(**{rule["within"]["unit"]: rule["within"]["count"]}) if "within" in rule else None


def _continued(
    events: QuerySet[Event], steps: list[Rule], span: timedelta | None, context: Context, *, depth: int
) -> QuerySet[Event]:
    """The events that the steps follow. The event is ``depth`` subqueries below the one of the first step."""
    done = next((place for place, step in enumerate(steps) if step["did"]), len(steps))
    missing, following = steps[:done], steps[done:]
    if not following:
        for step in missing:
            events = events.filter(~Exists(_in_time(_after(step, context), span, depth + 1)))
        return events
    return events.filter(Exists(_next_events(missing, following, span, context, depth=depth + 1)))


def _next_events(
    missing: list[Rule], following: list[Rule], span: timedelta | None, context: Context, *, depth: int
) -> QuerySet[Event]:
    """The events of the first of the following steps, from which the others go on, with none of ``missing`` before."""
    next_events = _in_time(_after(following[0], context), span, depth)
    for step in missing:
        between = _after(step, context, above=2).filter(occurred_at__lt=OuterRef("occurred_at"))
        next_events = next_events.filter(~Exists(between))
    return _continued(next_events, following[1:], span, context, depth=depth)


def _after(step: Rule, context: Context, *, above: int = 1) -> QuerySet[Event]:
    """The events of a step that come after the event so many queries above, of the same contact."""
    later = chosen_events(step, context).filter(
        contact_id=_outer("contact_id", above), occurred_at__gt=_outer("occurred_at", above)
    )
    if "same" in step:
        if step["same"] == VALUE:
            return later.filter(value=_outer("value", above))
        before = JSONValue(_outer("properties", above), key=step["same"])
        later = later.filter(Exact(JSONValue("properties", key=step["same"]), before))
    return later


def _in_time(events: QuerySet[Event], span: timedelta | None, depth: int) -> QuerySet[Event]:
    """Those of the events that come in time after the first step, which is ``depth`` queries above."""
    return events.filter(Within(F("occurred_at"), _outer("occurred_at", depth), span)) if span is not None else events


def _outer(name: str, above: int) -> Any:
    outer: Any = name
    for _level in range(above):
        outer = OuterRef(outer)
    return outer


def _step_in_words(step: Rule) -> str:
    sentence = _("then %(events)s") if step["did"] else _("then not %(events)s")
    sentence = sentence % {"events": events_in_words(step)}
    if "same" not in step:
        return sentence
    return _("%(events)s with the same %(property)s") % {
        "events": sentence,
        "property": label_of(step["event"], step["same"]),
    }


def _chain(first: Event, steps: list[Rule], span: timedelta | None, context: Context) -> list[Event]:
    """The earliest events of a sequence that is known to begin with ``first`` and to go on with these steps."""
    chain = [first]
    while any(step["did"] for step in steps):
        done = next(place for place, step in enumerate(steps) if step["did"])
        left = _left(span, chain)
        event = _earliest(chain[-1], _next_events(steps[:done], steps[done:], left, context, depth=1))
        assert event
        chain.append(event)
        steps = steps[done + 1 :]
    return chain


def _what_comes_next(chain: list[Event], steps: list[Rule], span: timedelta | None, context: Context) -> str:
    """What keeps a sequence from going on: something that was done, or the next that was not."""
    left = _left(span, chain)
    for step in steps:
        if step["did"]:
            return _step_in_words(step)
        event = _earliest(chain[-1], _in_time(_after(step, context), left, 1))
        if event:
            named = {"events": events_in_words(step), "moment": in_words(event.occurred_at)}
            return _("%(events)s happened on %(moment)s") % named
    return ", ".join(_step_in_words(step) for step in steps)


def _left(span: timedelta | None, chain: list[Event]) -> timedelta | None:
    """The time that is left after the last event."""
    return None if span is None else span - (chain[-1].occurred_at - chain[0].occurred_at)


def _earliest(before: Event, events: QuerySet[Event]) -> Event | None:
    """The earliest of the events that come after one; they refer to it as an outer query."""
    earliest = Subquery(events.order_by("occurred_at", "id").values("pk")[:1])
    following = Event.objects.filter(pk=before.pk).annotate(following=earliest).values("following")
    return Event.objects.filter(pk__in=following).first()


def _unpack_within(rule: Rule) -> dict[str, Any]:
    within = rule.get("within")
    if within is None:
        return {"within-unit": "days"}
    if not isinstance(within, dict) or set(within) != {"count", "unit"}:
        raise EntryError(_("Enter an object with %(names)s.") % {"names": "count, unit"}, "within")
    try:
        return {f"within-{name}": scalar(value) for name, value in within.items()}
    except ValueError as error:
        raise EntryError(str(error), "within") from error

"""Windows of time: when something must have happened.

A window is an object with a ``kind`` and what that kind needs. Like a date field's relative operators it stays
relative, and its edges name the moments at which memberships change by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.db.models import DateTimeField, Q
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.registry import Registry
from segments import spans
from segments.clock import period, start_of, today
from segments.context import Context
from segments.faults import EntryError
from segments.rule_form import RuleForm
from segments.spans import STEP_BACK, Edge, Span, end, fixed, stepped, this_moment
from segments.values import LARGEST_COUNT, PERIODS, UNITS, amount, scalar


def _count(label: Any, smallest: int = 1) -> forms.IntegerField:
    return forms.IntegerField(min_value=smallest, max_value=LARGEST_COUNT, label=label)


def _unit() -> forms.ChoiceField:
    choices = [(unit, words[0]) for unit, words in UNITS.items()]
    return forms.ChoiceField(choices=choices, label=gettext_lazy("Unit"), initial="days")


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


def _shown(day: str) -> str:
    return formats.date_format(date.fromisoformat(day), "DATE_FORMAT")


class Window:
    """One kind of window. Its form fields are named as the keys of the stored object."""

    key: str
    label: Any

    def fields(self) -> dict[str, forms.Field]:
        return {}

    def clean(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        """Faults that concern several inputs at once, by the input that shows them."""
        return {}

    def span(self, window: Mapping[str, Any]) -> Span:
        """First and last edge, as moments; None for an open end."""
        raise NotImplementedError

    def describe(self, window: Mapping[str, Any]) -> str:
        raise NotImplementedError


WINDOWS: Registry[Window] = Registry("window")


@WINDOWS.register
class Ever(Window):
    key = "ever"
    label = gettext_lazy("at any time")

    def span(self, window: Mapping[str, Any]) -> Span:
        return None, None

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("at any time")


class CountedWindow(Window):
    def fields(self) -> dict[str, forms.Field]:
        return {"count": _count(gettext_lazy("Number")), "unit": _unit()}


@WINDOWS.register
class Last(CountedWindow):
    key = "last"
    label = gettext_lazy("in the last")

    def span(self, window: Mapping[str, Any]) -> Span:
        return stepped(-window["count"], window["unit"], included=False), Edge(this_moment)

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("in the last %(amount)s") % {"amount": amount(window["count"], window["unit"])}


@WINDOWS.register
class BeforeLast(CountedWindow):
    key = "before_last"
    label = gettext_lazy("more than … ago")

    def span(self, window: Mapping[str, Any]) -> Span:
        return None, stepped(-window["count"], window["unit"])

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("more than %(amount)s ago") % {"amount": amount(window["count"], window["unit"])}


@WINDOWS.register
class BetweenAgo(Window):
    key = "between_ago"
    label = gettext_lazy("between … ago")

    def fields(self) -> dict[str, forms.Field]:
        return {
            "from_count": _count(gettext_lazy("From"), 0),
            "to_count": _count(gettext_lazy("To")),
            "unit": _unit(),
        }

    def clean(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        if cleaned["from_count"] > cleaned["to_count"]:
            return {"to_count": _("The end of the range comes before its start.")}
        return {}

    def span(self, window: Mapping[str, Any]) -> Span:
        return (
            stepped(-window["to_count"], window["unit"], included=False),
            stepped(-window["from_count"], window["unit"]),
        )

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("between %(from)s and %(to)s ago") % {
            "from": window["from_count"],
            "to": amount(window["to_count"], window["unit"]),
        }


@WINDOWS.register
class Between(Window):
    key = "between"
    label = gettext_lazy("between")

    def fields(self) -> dict[str, forms.Field]:
        return {"from": _day(gettext_lazy("From")), "to": _day(gettext_lazy("To"))}

    def clean(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        if cleaned["from"] > cleaned["to"]:
            return {"to": _("The end of the range comes before its start.")}
        return {}

    def span(self, window: Mapping[str, Any]) -> Span:
        return Edge(fixed(start_of(date.fromisoformat(window["from"])))), end(date.fromisoformat(window["to"]))

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("between %(from)s and %(to)s (both included)") % {
            "from": _shown(window["from"]),
            "to": _shown(window["to"]),
        }


@WINDOWS.register
class Since(Window):
    key = "since"
    label = gettext_lazy("since")

    def fields(self) -> dict[str, forms.Field]:
        return {"date": _day(gettext_lazy("Date"))}

    def span(self, window: Mapping[str, Any]) -> Span:
        return Edge(fixed(start_of(date.fromisoformat(window["date"])))), None

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("since %(date)s") % {"date": _shown(window["date"])}


@WINDOWS.register
class Until(Window):
    key = "until"
    label = gettext_lazy("until")

    def fields(self) -> dict[str, forms.Field]:
        return {"date": _day(gettext_lazy("Date"))}

    def span(self, window: Mapping[str, Any]) -> Span:
        return None, end(date.fromisoformat(window["date"]))

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("until %(date)s (included)") % {"date": _shown(window["date"])}


class CalendarWindow(Window):
    offset: int

    def fields(self) -> dict[str, forms.Field]:
        return {"unit": forms.ChoiceField(choices=list(PERIODS.items()), label=gettext_lazy("Unit"))}

    def span(self, window: Mapping[str, Any]) -> Span:
        unit, offset = window["unit"], self.offset
        return (
            Edge(lambda now: start_of(period(today(now), unit, offset)[0])),
            Edge(lambda now: start_of(period(today(now), unit, offset)[1]), included=False),
        )


@WINDOWS.register
class This(CalendarWindow):
    key = "this"
    label = gettext_lazy("in this")
    offset = 0

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("in this %(unit)s") % {"unit": PERIODS[window["unit"]]}


@WINDOWS.register
class Previous(CalendarWindow):
    key = "previous"
    label = gettext_lazy("in the previous")
    offset = -1

    def describe(self, window: Mapping[str, Any]) -> str:
        return _("in the previous %(unit)s") % {"unit": PERIODS[window["unit"]]}


EVER = {"kind": "ever"}


class WindowForm(RuleForm):
    """The part of a rule that says when."""

    shaping = ("kind",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"] = forms.ChoiceField(
            label=gettext_lazy("When"), choices=[(window.key, window.label) for window in WINDOWS], initial="ever"
        )
        if self.given("kind") in WINDOWS:
            self.fields.update(WINDOWS[self.given("kind")].fields())

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            for name, message in WINDOWS[self.cleaned_data["kind"]].clean(self.cleaned_data).items():
                self.add_error(name, message)
        return self.cleaned_data

    @property
    def days_count(self) -> bool:
        return self.given("kind") in ("between", "since", "until", "this", "previous")

    def rule(self) -> dict[str, Any]:
        window = WINDOWS[self.cleaned_data["kind"]]
        values = {name: self.cleaned_data[name] for name in window.fields()}
        return {"kind": window.key} | {
            name: value if isinstance(value, int | str) else value.isoformat() for name, value in values.items()
        }


def unpack_window(window: Any) -> dict[str, Any]:
    """The rule form's data for a stored window. Raises `EntryError` when its JSON has the wrong shape."""
    if not isinstance(window, dict):
        raise EntryError(_("A window is an object with a “kind”."), "window")
    kind = window.get("kind")
    known = {"kind", *WINDOWS[kind].fields()} if kind in WINDOWS else set(window)
    for name in window:
        if name not in known:
            raise EntryError(_("A window of this kind has no such entry."), "window", str(name))
    try:
        return {"window-kind": kind} | {f"window-{name}": scalar(value) for name, value in window.items()}
    except ValueError as error:
        raise EntryError(str(error), "window") from error


def inside(moment: Any, window: Mapping[str, Any], context: Context) -> Q:
    """The rows whose moment lies in the window; ``moment`` is a column or an expression."""
    span = WINDOWS[window["kind"]].span(window)
    return spans.inside(moment, span, lambda compute: context.at(compute, DateTimeField()))


def passed(moment: Any, window: Mapping[str, Any], since: datetime, now: datetime) -> Q | None:
    """The rows whose moment an edge of the window passed between ``since`` and ``now``; None when no edge moved."""
    span = WINDOWS[window["kind"]].span(window)
    return spans.passed(moment, span, since, now, lambda compute: Context(now=now).at(compute, DateTimeField()))


def begins_before(window: Mapping[str, Any], moment: datetime, now: datetime) -> bool:
    """Whether moments from before another one lie in the window at ``now``, or may come to lie in it later."""
    first, _last = WINDOWS[window["kind"]].span(window)
    if first is None:
        return True
    beginning = first.compute(now)
    assert isinstance(beginning, datetime)
    return (beginning - STEP_BACK if first.calendar else beginning) < moment


def is_relative(window: Mapping[str, Any]) -> bool:
    """Whether the window moves with time."""
    kind: str = window["kind"]
    return kind in ("last", "before_last", "between_ago", "this", "previous")

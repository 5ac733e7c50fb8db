"""Segment templates: segments that many shops want, to start from with a few values of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.events_seen import values_seen
from contacts.models import Contact
from crm.registry import Registry
from segments.clock import period, today
from segments.compiler import VERSION, Definition, validate
from segments.kinds import OFFERED, OfferedKind
from segments.models import Segment
from segments.rule_form import Rule
from segments.values import LARGEST_COUNT, storable

Given = Mapping[str, Any]

CENT = Decimal("0.01")


class Goal(TextChoices):
    """What a segment is good for, in the order of the gallery."""

    CONVERSION = "conversion", pgettext_lazy("goal of a segment", "Conversion")
    RETENTION = "retention", pgettext_lazy("goal of a segment", "Retention")
    ENGAGEMENT = "engagement", pgettext_lazy("goal of a segment", "Engagement")
    REACTIVATION = "reactivation", pgettext_lazy("goal of a segment", "Reactivation")


class Template:
    """A definition that some values complete.

    ``does`` says who is in the segment. ``icon`` is the name of a lucide icon. ``kind`` is the simplest type that can
    have the definition.
    """

    key: str
    name: Any
    goal: Goal
    does: Any
    icon: str
    kind = Segment.Kind.DYNAMIC_PLUS

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        """The inputs for the values, each beginning with a likely one where there is one."""
        raise NotImplementedError

    def clean(self, cleaned: Given) -> dict[str, str]:
        """Faults that concern several inputs at once, by the input that shows them."""
        return {}

    def rules(self, given: Given) -> list[Rule]:
        """The rules that must all hold, for values that have passed the `ParametersForm`."""
        raise NotImplementedError

    def definition(self, given: Given) -> Definition:
        """The definition as it would be stored."""
        return validate({"version": VERSION, "match": "all", "rules": self.rules(given)}, kind=self.kind)

    @property
    def offered(self) -> OfferedKind:
        """The type as the pages show it."""
        return OFFERED[self.kind]


TEMPLATES: Registry[Template] = Registry("segment template")


class ParametersForm(forms.Form):
    """The values that a template needs."""

    def __init__(self, *args: Any, template: Template, now: datetime, **options: Any) -> None:
        super().__init__(*args, **({"use_required_attribute": False} | options))
        self.template = template
        self.fields.update(template.fields(now=now))

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            for name, message in self.template.clean(self.cleaned_data).items():
                self.add_error(name, message)
        return self.cleaned_data

    def definition(self) -> Definition:
        """The template's definition with these values, which are valid."""
        return self.template.definition(self.cleaned_data)


def of_goals() -> list[tuple[Goal, list[Template]]]:
    """The templates under their goals."""
    return [(goal, [template for template in TEMPLATES if template.goal == goal]) for goal in Goal]


def _number(label: Any, initial: int, **options: Any) -> forms.IntegerField:
    limits = {"min_value": 1, "max_value": LARGEST_COUNT}
    return forms.IntegerField(label=label, initial=initial, **(limits | options))


def _day(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **options)


def _field(key: str, operator: str, value: Any) -> Rule:
    return {"type": "field", "field": key, "operator": operator, "value": value}


def _event(event: str, operator: str, value: int, window: dict[str, Any], **more: Any) -> Rule:
    rule = {"type": "event", "event": event, "metric": "count", "operator": operator, "value": value, "window": window}
    return rule | more


def _last(count: int, unit: str = "days") -> dict[str, Any]:
    return {"kind": "last", "count": count, "unit": unit}


@TEMPLATES.register
class NewWithoutPurchase(Template):
    key = "new_without_purchase"
    name = _("New contacts without a purchase")
    goal = Goal.CONVERSION
    does = _("They came in lately and have not bought anything yet.")
    icon = "user-plus"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"days": _number(_("Came in within the last … days"), 30)}

    def rules(self, given: Given) -> list[Rule]:
        return [
            _field("created_at", "in_last", {"count": given["days"], "unit": "days"}),
            _field("purchases_count", "equals", 0),
        ]


@TEMPLATES.register
class AbandonedCarts(Template):
    key = "abandoned_carts"
    name = _("Abandoned carts")
    goal = Goal.CONVERSION
    does = _("They put something into the cart, and the time to buy it went by without a purchase.")
    icon = "shopping-cart"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {
            "days": _number(_("Filled the cart within the last … days"), 30),
            "wait": _number(_("Bought nothing within … days after it"), 1),
        }

    def clean(self, cleaned: Given) -> dict[str, str]:
        if cleaned["wait"] >= cleaned["days"]:
            return {"wait": gettext("Nobody could be in the segment: choose fewer days than above.")}
        return {}

    def rules(self, given: Given) -> list[Rule]:
        steps = [{"event": "cart_add", "did": True}, {"event": "purchase", "did": False}]
        within = {"count": given["wait"], "unit": "days"}
        return [{"type": "sequence", "steps": steps, "within": within, "window": _last(given["days"])}]


@TEMPLATES.register
class VisitedNotBought(Template):
    key = "visited_not_bought"
    name = _("Visited a category, did not buy it")
    goal = Goal.CONVERSION
    does = _("They looked at products of a category, and bought none of it in the same time.")
    icon = "eye"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        categories = values_seen("product_visit", "category")
        category = forms.CharField(
            label=_("Category"),
            max_length=255,
            validators=[storable],
            initial=next(iter(categories), None),
            widget=forms.TextInput(attrs={"autocomplete": "off", "list": "id_category-suggestions"}),
        )
        category.suggestions = categories  # type: ignore[attr-defined]
        return {"category": category, "days": _number(_("Within the last … days"), 30)}

    def rules(self, given: Given) -> list[Rule]:
        window, where = _last(given["days"]), [{"property": "category", "operator": "is", "value": given["category"]}]
        return [
            _event("product_visit", "at_least", 1, window, where=where),
            _event("purchase", "equals", 0, window, where=where),
        ]


@TEMPLATES.register
class FirstTimeBuyers(Template):
    key = "first_time_buyers"
    name = _("First-time buyers")
    goal = Goal.RETENTION
    does = _("They bought for the first time not long ago.")
    icon = "shopping-bag"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"days": _number(_("First purchase within the last … days"), 30)}

    def rules(self, given: Given) -> list[Rule]:
        return [_field("first_purchase_at", "in_last", {"count": given["days"], "unit": "days"})]


@TEMPLATES.register
class LoyalCustomers(Template):
    key = "loyal_customers"
    name = _("Loyal customers")
    goal = Goal.RETENTION
    does = _("They bought several times within some months.")
    icon = "heart"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {
            "times": _number(_("Bought at least … times"), 3),
            "months": _number(_("Within the last … months"), 12),
        }

    def rules(self, given: Given) -> list[Rule]:
        return [_event("purchase", "at_least", given["times"], _last(given["months"], "months"))]


@TEMPLATES.register
class BigSpenders(Template):
    key = "big_spenders"
    name = _("Big spenders")
    goal = Goal.RETENTION
    does = _("The total of all their purchases reaches an amount, such as the one of the top tenth of the buyers.")
    icon = "gem"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        reached = total_of_top_tenth()
        amount = forms.DecimalField(
            label=_("Bought for at least"),
            min_value=CENT,
            max_digits=15,
            decimal_places=4,
            initial=reached,
            help_text="" if reached is None else _("One in ten of the buyers has reached the suggested amount."),
            widget=forms.NumberInput(attrs={"step": "any"}),
        )
        return {"total": amount}

    def rules(self, given: Given) -> list[Rule]:
        return [_field("purchases_total", "at_least", str(given["total"]))]


@TEMPLATES.register
class Birthdays(Template):
    key = "birthdays"
    name = _("Birthday soon")
    goal = Goal.RETENTION
    does = _("Their birthday is today or in the days to come.")
    icon = "cake"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"days": _number(_("Birthday in the next … days"), 7)}

    def rules(self, given: Given) -> list[Rule]:
        return [_field("date_of_birth", "anniversary_in_next", {"count": given["days"], "unit": "days"})]


@TEMPLATES.register
class EngagedOpeners(Template):
    key = "engaged_openers"
    name = _("Engaged openers")
    goal = Goal.ENGAGEMENT
    does = _("They opened emails on several days, so that one email opened many times does not count for more.")
    icon = "mail-open"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {
            "times": _number(_("Opened emails on at least … days"), 3),
            "days": _number(_("Within the last … days"), 90),
        }

    def rules(self, given: Given) -> list[Rule]:
        return [_event("email_opened", "at_least", given["times"], _last(given["days"]), metric="days")]


@TEMPLATES.register
class ManyPoints(Template):
    key = "many_points"
    name = _("Points above a threshold")
    goal = Goal.ENGAGEMENT
    does = _("They have more points (their lead score) than a number that you choose.")
    icon = "trophy"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"points": _number(_("More points than"), 100, min_value=0, max_value=2**31 - 1)}

    def rules(self, given: Given) -> list[Rule]:
        return [_field("points", "greater_than", given["points"])]


@TEMPLATES.register
class LapsedCustomers(Template):
    key = "lapsed_customers"
    name = _("Lapsed customers")
    goal = Goal.REACTIVATION
    does = _("They have bought before, but not for a long time.")
    icon = "hourglass"
    kind = Segment.Kind.DYNAMIC

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"months": _number(_("Months since the last purchase"), 12)}

    def rules(self, given: Given) -> list[Rule]:
        return [_field("last_purchase_at", "more_than_ago", {"count": given["months"], "unit": "months"})]


@TEMPLATES.register
class InactiveSubscribers(Template):
    key = "inactive_subscribers"
    name = _("Inactive newsletter subscribers")
    goal = Goal.REACTIVATION
    does = _("They get the newsletter but have done nothing for a while: no visit, no purchase, no email opened.")
    icon = "moon"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        return {"days": _number(_("Days without any activity"), 90)}

    def rules(self, given: Given) -> list[Rule]:
        lately = {"count": given["days"], "unit": "days"}
        # Who came in only lately has not been inactive for so long, whatever they did.
        active = [_field("last_seen_at", "in_last", lately), _field("created_at", "in_last", lately)]
        return [_field("newsletter", "is", "subscribed"), {"match": "none", "rules": active}]


@TEMPLATES.register
class UnopenedCampaigns(Template):
    key = "unopened_campaigns"
    name = _("Received campaigns, opened none")
    goal = Goal.REACTIVATION
    does = _("They received at least one campaign in a period, and opened no email in it.")
    icon = "mail-x"

    def fields(self, *, now: datetime) -> dict[str, forms.Field]:
        first, after_last = period(today(now), "month", -3)[0], period(today(now), "month")[0]
        return {"from": _day(_("From"), initial=first), "to": _day(_("To"), initial=after_last - timedelta(days=1))}

    def clean(self, cleaned: Given) -> dict[str, str]:
        if cleaned["from"] > cleaned["to"]:
            return {"to": gettext("The end of the range comes before its start.")}
        return {}

    def rules(self, given: Given) -> list[Rule]:
        window = {"kind": "between", "from": given["from"].isoformat(), "to": given["to"].isoformat()}
        return [_event("email_delivered", "at_least", 1, window), _event("email_opened", "equals", 0, window)]


def total_of_top_tenth() -> Decimal | None:
    """The total of purchases that a tenth of the buyers has reached, rounded down to cents; None without buyers.

    Two reads along the index of the totals.
    """
    buyers = Contact.objects.filter(purchases_total__gt=0)
    tenth = -(-buyers.count() // 10)
    totals = buyers.order_by("-purchases_total", "-id").values_list("purchases_total", flat=True)
    reached = totals[tenth - 1 : tenth].first() if tenth else None
    return reached.quantize(CENT, rounding=ROUND_FLOOR) or None if reached else None

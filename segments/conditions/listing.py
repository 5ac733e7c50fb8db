"""Conditions on contact lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import ListMembership
from segments.conditions.base import CONDITIONS, Condition, Subjects
from segments.context import AmongContacts, Context
from segments.faults import EntryError
from segments.logic import in_set, not_in_set
from segments.rule_form import Rule, RuleForm
from segments.seen import Observed, Seen, in_words
from segments.windows import EVER, WINDOWS, WindowForm, inside, is_relative, passed, unpack_window

OPERATORS = [
    ("member", gettext_lazy("is on the list")),
    ("not_member", gettext_lazy("is not on the list")),
    ("joined", gettext_lazy("joined the list")),
]


def id_choice(label: Any, names: Any, empty: Any, unknown: Any) -> forms.TypedChoiceField:
    """An input that chooses one thing by its id."""
    return forms.TypedChoiceField(
        label=label,
        choices=lambda: [("", empty), *names()],
        coerce=int,
        error_messages={"invalid_choice": unknown},
    )


class ListRuleForm(RuleForm):
    """The list, the operator, and for ``joined`` the window."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["list"] = id_choice(
            gettext_lazy("List"),
            lambda: list(self.context.lists.items()),
            gettext_lazy("Choose a list"),
            gettext_lazy("This list no longer exists."),
        )
        self.fields["operator"] = forms.ChoiceField(label=gettext_lazy("Operator"), choices=OPERATORS, initial="member")
        if self.given("operator") == "joined":
            self.add_part("window", WindowForm)

    def rule(self) -> Rule:
        rule: Rule = {"type": "list", "list": self.cleaned_data["list"], "operator": self.cleaned_data["operator"]}
        return rule | {name: part.rule() for name, part in self.parts.items()}


@CONDITIONS.register
class ListCondition(Condition):
    key = "list"
    label = gettext_lazy("Contact list")
    form = ListRuleForm
    entries = frozenset({"list", "operator", "window"})

    def subjects(self, context: Context) -> Subjects:
        return [(_("Lists"), [(self.key, str(self.label))])]

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        data = {"list": rule.get("list"), "operator": rule.get("operator")}
        if data["operator"] == "joined":
            return data | unpack_window(rule.get("window", EVER))
        if "window" in rule:
            raise EntryError(_("This operator takes no window."), "window")
        return data

    def subscriptions(self, rule: Rule, context: Context) -> QuerySet[ListMembership]:
        subscriptions = ListMembership.objects.current().filter(list_id=rule["list"]).order_by()
        if context.few:
            subscriptions = subscriptions.filter(AmongContacts(F("contact_id"), context))
        return subscriptions

    def condition(self, rule: Rule, context: Context) -> Q:
        subscriptions = self.subscriptions(rule, context)
        if rule["operator"] == "joined":
            subscriptions = subscriptions.filter(inside(F("subscribed_at"), rule["window"], context))
        contact_ids = subscriptions.values("contact_id")
        return not_in_set(contact_ids) if rule["operator"] == "not_member" else in_set(contact_ids)

    def describe(self, rule: Rule, context: Context) -> str:
        name = {"list": context.lists.get(rule["list"], _("(deleted)"))}
        if rule["operator"] == "member":
            return _("they are on the list %(list)s") % name
        if rule["operator"] == "not_member":
            return _("they are not on the list %(list)s") % name
        when = WINDOWS[rule["window"]["kind"]].describe(rule["window"])
        return _("they joined the list %(list)s %(when)s") % (name | {"when": when})

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        subscription = observed.subscriptions.get(rule["list"])
        if subscription is None:
            return Seen(_("never on the list"))
        if subscription.unsubscribed_at:
            return Seen(_("unsubscribed on %(moment)s") % {"moment": in_words(subscription.unsubscribed_at)})
        return Seen(_("on the list since %(moment)s") % {"moment": in_words(subscription.subscribed_at)})

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"list:{rule['list']}"}

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        if rule["operator"] != "joined":
            return None
        edge = passed(F("subscribed_at"), rule["window"], since, now)
        return edge and in_set(self.subscriptions(rule, context).filter(edge).values("contact_id"))

    def relative(self, rule: Rule, context: Context) -> bool:
        return rule["operator"] == "joined" and is_relative(rule["window"])

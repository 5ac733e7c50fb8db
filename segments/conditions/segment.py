"""Conditions on other segments: a rule reads that segment's memberships."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.conditions.base import CONDITIONS, Condition, Subjects
from segments.conditions.listing import id_choice
from segments.context import AmongContacts, Context
from segments.logic import in_set, not_in_set
from segments.models import Membership
from segments.rule_form import Rule, RuleForm
from segments.seen import Observed, Seen, in_words

OPERATORS = [("member", gettext_lazy("is in the segment")), ("not_member", gettext_lazy("is not in the segment"))]


class SegmentRuleForm(RuleForm):
    """The segment and the operator."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["segment"] = id_choice(
            gettext_lazy("Segment"),
            lambda: [(pk, segment.name) for pk, segment in self.context.segments.items()],
            gettext_lazy("Choose a segment"),
            gettext_lazy("This segment no longer exists."),
        )
        self.fields["operator"] = forms.ChoiceField(label=gettext_lazy("Operator"), choices=OPERATORS, initial="member")

    def rule(self) -> Rule:
        return {
            "type": "segment",
            "segment": self.cleaned_data["segment"],
            "operator": self.cleaned_data["operator"],
        }


@CONDITIONS.register
class SegmentCondition(Condition):
    key = "segment"
    label = gettext_lazy("Segment")
    form = SegmentRuleForm
    entries = frozenset({"segment", "operator"})
    dynamic = False

    def subjects(self, context: Context) -> Subjects:
        return [(_("Segments"), [(self.key, str(self.label))])]

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        return {"segment": rule.get("segment"), "operator": rule.get("operator")}

    def condition(self, rule: Rule, context: Context) -> Q:
        memberships = Membership.objects.filter(segment_id=rule["segment"])
        if context.few:
            memberships = memberships.filter(AmongContacts(F("contact_id"), context))
        contact_ids = memberships.values("contact_id")
        return not_in_set(contact_ids) if rule["operator"] == "not_member" else in_set(contact_ids)

    def describe(self, rule: Rule, context: Context) -> str:
        segment = context.segments.get(rule["segment"])
        name = {"segment": segment.name if segment else _("(deleted)")}
        if rule["operator"] == "member":
            return _("they are in the segment %(segment)s") % name
        return _("they are not in the segment %(segment)s") % name

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        since = observed.memberships.get(rule["segment"])
        if since is None:
            return Seen(_("not in the segment"))
        return Seen(_("in the segment since %(moment)s") % {"moment": in_words(since)})

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"segment:{rule['segment']}"}

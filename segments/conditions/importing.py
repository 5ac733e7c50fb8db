"""Conditions on imports: who came with one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import ContactImport
from segments.conditions.base import CONDITIONS, Condition, Subjects
from segments.conditions.listing import id_choice
from segments.context import AmongContacts, Context
from segments.logic import in_set, not_in_set
from segments.rule_form import Rule, RuleForm
from segments.seen import Observed, Seen, in_words

OPERATORS = [
    ("member", gettext_lazy("came with the import")),
    ("not_member", gettext_lazy("did not come with the import")),
]


class ImportRuleForm(RuleForm):
    """The import and the operator."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["import"] = id_choice(
            gettext_lazy("Import"),
            lambda: list(self.context.imports.items()),
            gettext_lazy("Choose an import"),
            gettext_lazy("This import no longer exists."),
        )
        self.fields["operator"] = forms.ChoiceField(label=gettext_lazy("Operator"), choices=OPERATORS, initial="member")

    def rule(self) -> Rule:
        return {"type": "import", "import": self.cleaned_data["import"], "operator": self.cleaned_data["operator"]}


@CONDITIONS.register
class ImportCondition(Condition):
    key = "import"
    label = gettext_lazy("Import")
    form = ImportRuleForm
    entries = frozenset({"import", "operator"})
    dynamic = False

    def subjects(self, context: Context) -> Subjects:
        return [(_("Imports"), [(self.key, str(self.label))])]

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        return {"import": rule.get("import"), "operator": rule.get("operator")}

    def condition(self, rule: Rule, context: Context) -> Q:
        came = ContactImport.objects.filter(import_run=rule["import"]).order_by()
        if context.few:
            came = came.filter(AmongContacts(F("contact_id"), context))
        contact_ids = came.values("contact_id")
        return not_in_set(contact_ids) if rule["operator"] == "not_member" else in_set(contact_ids)

    def describe(self, rule: Rule, context: Context) -> str:
        name = {"import": context.imports.get(rule["import"], _("(deleted)"))}
        if rule["operator"] == "member":
            return _("they came with the import %(import)s") % name
        return _("they did not come with the import %(import)s") % name

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        moment = observed.imports.get(rule["import"])
        if moment is None:
            return Seen(_("did not come with the import"))
        return Seen(_("came with the import on %(moment)s") % {"moment": in_words(moment)})

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"import:{rule['import']}"}

"""Split by value: contacts go different ways by what a field of theirs says."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.compiler import words
from segments.conditions import CONDITIONS
from segments.conditions.field import FieldRuleForm
from segments.faults import EntryError
from segments.row_forms import FIELD, begun, drop_what_does_not_fit, lead_people
from segments.rule_form import Rule, RuleForm
from workflows.nodes.base import NODES, Batch, Next, Node, NodeContext, NodeGroup, Outcome, Port, Settings
from workflows.nodes.branches import LONGEST_NAME, BranchesForm, branches_of, name_field
from workflows.nodes.choosing import Choosing
from workflows.nodes.yes_no import one_rule, who_matches

OTHER = Port("other", gettext_lazy("Other"), "no")


class FieldField(Choosing):
    """A contact field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=str, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, Any]]:
        return [
            (group, [(field.key, str(field.label)) for field in fields])
            for group, fields in context.conditions.catalogue.grouped()
        ]

    def offer(self, context: NodeContext) -> None:
        super().offer(context)
        self.context = context

    def valid_value(self, value: Any) -> bool:
        """An archived field still has its values."""
        return value in self.context.conditions.catalogue


class ValueForm(FieldRuleForm):
    """A branch's name, and the values of the field that lead to it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"] = name_field()
        self.fields["name"].widget.attrs["placeholder"] = _("Named after its values")
        self.apart |= {"field", "name"}

    def rule(self) -> Rule:
        rule = super().rule()
        said = words(rule, context=self.context)[:LONGEST_NAME]
        return {"name": self.cleaned_data["name"], "said": said, "rule": rule}


class SplitByValueForm(BranchesForm):
    """The field, and branches that compare it. What is posted says for which field they were printed."""

    field = FieldField(
        label=gettext_lazy("Contact field"), error_messages={"required": gettext_lazy("Choose a field.")}
    )
    fewest = 1
    help_text = gettext_lazy("Contacts go by the first branch that is right for them, or else by “Other”.")
    branch_template = "workflows/nodes/_value.html"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice = self.fields["field"]
        choice.offer(self.context)  # type: ignore[attr-defined]
        choice.widget.attrs["hx-post"] = ""

    @property
    def chosen(self) -> str:
        """The key of the field; empty while there is none."""
        found = self.data.get("field") if isinstance(self.data, QueryDict) else self.settings.get("field")
        return str(found) if found in self.context.conditions.catalogue else ""

    @property
    def shows_branches(self) -> bool:
        return bool(self.chosen)

    def unpack(self, branch: dict[str, Any]) -> dict[str, Any]:
        rule = branch["rule"] if isinstance(branch.get("rule"), dict) else {}
        try:
            values = CONDITIONS[FIELD].unpack(rule, self.context.conditions)
        except EntryError:
            values = {"operator": rule.get("operator")}
        return values | {"name": branch.get("name")}

    def part(self, key: str, data: MutableMapping[str, Any]) -> RuleForm:
        context = self.context.conditions
        data[f"{key}-{FIELD}"] = self.chosen
        if self.chosen and isinstance(data, QueryDict):
            is_new = f"{key}-operator" not in data
            if is_new or data.get("printed_for") not in (None, self.chosen):
                drop_what_does_not_fit(key, self.chosen, data, context)

        def form() -> RuleForm:
            return ValueForm(data, context=context, prefix=key)

        made = begun(form, data) if self.is_open else form()
        lead_people(made)
        return made

    def clean(self) -> dict[str, Any]:
        return super().clean() if self.chosen else self.cleaned_data


@NODES.register
class SplitByValue(Node):
    key = "split_by_value"
    label = gettext_lazy("Split by value")
    help = gettext_lazy("Contacts go different ways by what a field of theirs says, such as the country or the points.")
    group = NodeGroup.CONDITION
    icon = "waypoints"
    form = SplitByValueForm
    template = "workflows/nodes/branches.html"

    def ports(self, settings: Settings) -> list[Port]:
        return [*(Port(one["key"], one["name"], "branch") for one in branches_of(settings, fewest=1)), OTHER]

    def describe(self, settings: Settings, context: NodeContext) -> str:
        key = settings.get("field")
        if key not in context.conditions.catalogue:
            return ""
        return _("by %(field)s") % {"field": context.conditions.catalogue[key].label}

    def work(self, batch: Batch) -> Iterable[Outcome]:
        branches = batch.settings["branches"]
        matching = who_matches(batch, {number: one_rule(one["rule"]) for number, one in enumerate(branches)})
        left = set(batch.contact_ids)
        for number, branch in enumerate(branches):
            going = {contact_id for contact_id in left if (number, contact_id) in matching}
            left -= going
            yield Next(batch.runs_of(going), branch["key"])
        yield Next(batch.runs_of(left), OTHER.key)

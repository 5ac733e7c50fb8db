"""Split: contacts go different ways by chance, each with a share, and everybody always the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.row_forms import begun
from segments.rule_form import Rule, RuleForm
from workflows.nodes.base import NODES, Batch, Next, Node, NodeContext, NodeGroup, Outcome, Port, Settings
from workflows.nodes.branches import BranchesForm, branches_of, name_field

LARGEST_SHARE = 1_000_000
POINTS = 2**64


class ShareForm(RuleForm):
    """A branch's name and share."""

    shaping = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"] = name_field()
        self.fields["share"] = forms.IntegerField(
            label=gettext_lazy("Share"), min_value=1, max_value=LARGEST_SHARE, initial=1
        )

    def rule(self) -> Rule:
        return {"name": self.cleaned_data["name"], "share": self.cleaned_data["share"]}


class SplitForm(BranchesForm):
    branch_template = "workflows/nodes/_share.html"
    help_text = gettext_lazy(
        "Shares are relative to one another: 50 and 50, or 1 and 1, are half of the contacts each."
    )

    def part(self, key: str, data: MutableMapping[str, Any]) -> RuleForm:
        def form() -> RuleForm:
            return ShareForm(data, context=self.context.conditions, prefix=key)

        return begun(form, data) if self.is_open or not self.settings.get("branches") else form()


@NODES.register
class Split(Node):
    key = "split"
    label = gettext_lazy("Split")
    help = gettext_lazy(
        "Divides the contacts by chance, such as for an A/B test. A contact who comes again goes the same way again, as"
        " long as the shares stay the same."
    )
    group = NodeGroup.CONDITION
    icon = "split"
    form = SplitForm
    template = "workflows/nodes/branches.html"

    def ports(self, settings: Settings) -> list[Port]:
        return [Port(branch["key"], branch["name"], "branch") for branch in branches_of(settings, fewest=2)]

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if self.faults(settings, context):
            return ""
        branches = branches_of(settings, fewest=2)
        whole = sum(map(_share_of, branches))
        words = [
            _("%(name)s %(percent)s %%") % {"name": branch["name"], "percent": round(100 * _share_of(branch) / whole)}
            for branch in branches
        ]
        return " · ".join(words)

    def work(self, batch: Batch) -> Iterable[Outcome]:
        branches = branches_of(batch.settings, fewest=2)
        runs: dict[str, list[int]] = {branch["key"]: [] for branch in branches}
        ends = list(accumulate(map(_share_of, branches)))
        for visit in batch.visits:
            point = place_of(batch.version.workflow_id, batch.node.id, visit.contact_id)
            runs[branches[_branch_at(point, ends)]["key"]].append(visit.run_id)
        for key, going in runs.items():
            yield Next(going, key)


def _share_of(branch: Mapping[str, Any]) -> int:
    """The share of a branch; those of a new node are even."""
    return int(branch.get("share", 1))


def place_of(workflow_id: int, node_id: str, contact_id: int) -> int:
    """Where a contact stands at a Split, from 0 up to `POINTS`: as if by chance, but always the same."""
    digest = blake2b(f"{workflow_id}:{node_id}:{contact_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def _branch_at(point: int, ends: Sequence[int]) -> int:
    """The branch that holds a point, of those whose shares end at these places."""
    return next(number for number, end in enumerate(ends) if point * ends[-1] < end * POINTS)

"""The part of a node's panel that is the same for every kind: its note, and where its ways out lead to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.cards import Card, Way, name_of, palette
from workflows.graph import LONGEST_NOTE, Graph, GraphNode
from workflows.graph_edits import in_order, with_next, with_node
from workflows.nodes.base import NODES, NodeGroup

PREFIX = "step"
NEW = "new:"


class StepForm(forms.Form):
    """The note, and a select for each way out: the node that it leads to, or a new one.

    From Start several triggers may come next, so its way out has boxes to tick, and a select for a new node.
    """

    use_required_attribute = False

    def __init__(self, data: Any = None, *, graph: Graph, node: GraphNode, cards: dict[str, Card]) -> None:
        super().__init__(data, prefix=PREFIX, initial={"note": node.note})
        self.graph, self.node = graph, node
        self.ways: list[Way] = cards[node.id].ports
        others = [one for one in in_order(graph) if one.id != node.id and one.type != NodeGroup.START]
        existing = [(one.id, name_of(one, cards[one.id])) for one in others]
        kinds = [(group, [(f"{NEW}{kind.key}", kind.label) for kind in members]) for group, members in palette()]
        for way in self.ways:
            if node.type == NodeGroup.START:
                self._offer_several(way, existing, kinds)
            else:
                self._offer_one(way, existing, kinds)
        self.fields["note"] = forms.CharField(
            label=gettext_lazy("Note"),
            required=False,
            max_length=LONGEST_NOTE,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text=gettext_lazy("For your colleagues; shown below the card."),
        )

    def _offer_one(self, way: Way, existing: list[tuple[str, str]], kinds: list[Any]) -> None:
        choices: list[Any] = [("", _("The way ends here"))]
        if existing:
            choices.append((_("Go on with"), existing))
        choices += [(_("New: %(group)s") % {"group": group}, members) for group, members in kinds]
        label = _("Next step") if len(self.ways) == 1 else _("Next step: %(way)s") % {"way": way.label}
        name = f"to-{way.key}"
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False, show_hidden_initial=True)
        self.initial[name] = self.graph.after(self.node.id, way.key) or ""

    def _offer_several(self, way: Way, existing: list[tuple[str, str]], kinds: list[Any]) -> None:
        name = f"to-{way.key}"
        if existing:
            self.fields[name] = forms.MultipleChoiceField(
                label=_("Next steps"),
                choices=existing,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_("Several triggers, or one other step."),
                show_hidden_initial=True,
            )
            self.initial[name] = list(self.graph.all_after(self.node.id, way.key))
        choices = [("", _("Nothing"))] + [(group, members) for group, members in kinds]
        self.fields[f"add-{way.key}"] = forms.ChoiceField(label=_("Add a step"), choices=choices, required=False)

    @property
    def next_fields(self) -> list[Any]:
        """The fields of the ways out."""
        return [self[name] for name in self.fields if name != "note"]

    def applied_to(self, graph: Graph) -> Graph:
        """The graph with the ways out that were changed, as they were chosen: what was drawn on the canvas since the
        form was printed stays. Raises `MalformedGraph` for too many nodes.
        """
        for way in self.ways:
            if way.key not in {port.key for port in NODES[self.node.type].ports(graph.nodes[self.node.id].settings)}:
                continue
            chosen = self.cleaned_data.get(f"to-{way.key}") or []
            ends = [chosen] if isinstance(chosen, str) else chosen
            new = [end.removeprefix(NEW) for end in ends if end.startswith(NEW)]
            if f"to-{way.key}" not in self.changed_data:
                new = []
            elif not new:
                graph = with_next(graph, self.node.id, way.key, ends)
            if added := self.cleaned_data.get(f"add-{way.key}"):
                new.append(added.removeprefix(NEW))
            for kind in new:
                graph, _node_id = with_node(graph, kind, after=self.node.id, port=way.key)
        return graph

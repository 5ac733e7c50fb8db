"""What the cards of a canvas show: nodes and their faults in words, and the kinds of nodes to choose from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from workflows.checking import faults_of
from workflows.graph import Fault, Graph, GraphNode
from workflows.nodes.base import NODES, Node, NodeContext, NodeGroup, Port

UNKNOWN_ICON = "circle-question-mark"
BY_USE = (
    "send_email",
    "send_web_content",
    "add_to_segment",
    "remove_from_segment",
    "set_field",
    "add_points",
    "subscribe_to_list",
    "unsubscribe_from_list",
    "webhook",
    "notify_staff",
    "start_workflow",
    "end",
)
"""The order of the actions in the palette: what people use most comes first."""


@dataclass(frozen=True)
class Way:
    """A way out of a node, as a card shows it."""

    key: str
    label: str
    kind: str


@dataclass(frozen=True)
class Card:
    """A node as people see it. ``text`` says its settings, or what is wrong with them."""

    label: str
    text: str
    icon: str
    group: str
    ports: list[Way]
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Kind:
    """A kind of node, as the palette shows it. ``ports`` are those that a new one has."""

    key: str
    label: str
    help: str
    icon: str
    group: str
    ports: list[Way]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def ways(ports: Any) -> list[Way]:
    """The ways out in words of the reader's language."""
    return [Way(port.key, str(port.label), port.kind) for port in ports if isinstance(port, Port)]


def cards_of(graph: Graph, context: NodeContext, faults: list[Fault]) -> dict[str, Card]:
    """The card of every node. ``faults`` are those of the graph."""
    found: dict[str, list[Fault]] = {node_id: [] for node_id in graph.nodes}
    for fault in faults:
        if fault.node:
            found[fault.node].append(fault)
    return {node.id: _card(node, context, found[node.id]) for node in graph.nodes.values()}


def _card(node: GraphNode, context: NodeContext, faults: list[Fault]) -> Card:
    messages = list(dict.fromkeys(fault.message for fault in faults))
    if node.type not in NODES:
        return Card(node.type, messages[0] if messages else "", UNKNOWN_ICON, "", [], messages)
    kind = NODES[node.type]
    wrong = next((fault.message for fault in faults if fault.field), "")
    text = wrong or kind.describe(node.settings, context)
    return Card(str(kind.label), text, kind.icon, kind.group, ways(kind.ports(node.settings)), messages)


def board_of(graph: Graph, context: NodeContext) -> dict[str, Any]:
    """The cards and the faults of a graph, as the canvas reads them."""
    faults = faults_of(graph, context)
    cards = cards_of(graph, context, faults)
    return {
        "cards": {node_id: card.as_json() for node_id, card in cards.items()},
        "faults": [
            {"node": fault.node, "label": cards[fault.node].label if fault.node else "", "message": fault.message}
            for fault in faults
        ],
    }


def palette() -> list[tuple[str, list[Kind]]]:
    """The kinds that can be added, under the headings of their groups."""
    groups: dict[str, list[Kind]] = {group: [] for group in NodeGroup.values}
    for node in sorted(NODES, key=lambda one: BY_USE.index(one.key) if one.key in BY_USE else len(BY_USE)):
        groups[node.group].append(_kind(node))
    return [
        (str(NodeGroup(group).label), kinds) for group, kinds in groups.items() if kinds and group != NodeGroup.START
    ]


def kinds() -> list[Kind]:
    """All kinds, Start among them."""
    return [_kind(node) for node in NODES]


def _kind(node: Node) -> Kind:
    return Kind(node.key, str(node.label), str(node.help), node.icon, node.group, ways(node.ports({})))


def name_of(node: GraphNode, card: Card) -> str:
    """How selects name a node."""
    if not card.text or card.text in card.faults:
        return card.label
    return _("%(kind)s: %(settings)s") % {"kind": card.label, "settings": card.text}

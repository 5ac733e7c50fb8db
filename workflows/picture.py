"""A graph as a picture: where its cards and edges are drawn, for the SVG that the server makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from workflows.cards import Card, name_of
from workflows.graph import Graph
from workflows.graph_edits import in_order

WIDTH, HEIGHT = 216, 60  # pixels of a card, as on the canvas
ROW = 24
MARGIN = 24
LABEL, TEXT, WAY = 22, 25, 14  # letters that fit onto a card beside its icon, and between two cards


@dataclass(frozen=True)
class Box:
    """A card in the picture."""

    id: str
    x: int
    y: int
    height: int
    label: str
    text: str
    icon: str
    group: str

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True)
class Line:
    """An edge in the picture. ``label`` stands at its middle, ``x`` and ``y``; ``words`` say what it joins."""

    start: str
    port: str
    path: str
    x: int
    y: int
    label: str
    words: str


@dataclass(frozen=True)
class Picture:
    boxes: list[Box]
    lines: list[Line]
    left: int
    top: int
    width: int
    height: int
    words: str


def picture_of(graph: Graph, cards: Mapping[str, Card]) -> Picture:
    """The picture, with words for those who do not see it."""
    boxes = {
        node.id: Box(
            node.id,
            node.x,
            node.y,
            _height(cards[node.id]),
            _shortened(cards[node.id].label, LABEL),
            _shortened(cards[node.id].text, TEXT),
            cards[node.id].icon,
            cards[node.id].group,
        )
        for node in graph.nodes.values()
    }
    lines = [_line(edge.start, edge.port, boxes[edge.start], boxes[edge.end], cards) for edge in graph.edges]
    left = min((box.x for box in boxes.values()), default=0) - MARGIN
    top = min((box.y for box in boxes.values()), default=0) - MARGIN
    right = max((box.x + WIDTH for box in boxes.values()), default=0) + MARGIN
    bottom = max((box.y + box.height for box in boxes.values()), default=0) + MARGIN
    words = _("; ").join(name_of(node, cards[node.id]) for node in in_order(graph))
    return Picture(list(boxes.values()), lines, left, top, right - left, bottom - top, words)


def _height(card: Card) -> int:
    return max(HEIGHT, len(card.ports) * ROW + 12)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _line(start: str, port: str, begin: Box, end: Box, cards: Mapping[str, Card]) -> Line:
    ways = cards[start].ports
    place = next((number for number, way in enumerate(ways) if way.key == port), 0)
    x1, x2, y2 = begin.x + WIDTH, end.x, end.y + end.height // 2
    y1 = begin.y + begin.height // 2 + round((place - (max(len(ways), 1) - 1) / 2) * ROW)
    bend = max(32, (x2 - x1) // 2)
    path = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    label = next((way.label for way in ways if way.key == port and way.kind != "next"), "")
    words = _("from %(start)s to %(end)s") % {"start": cards[start].label, "end": cards[end.id].label}
    return Line(start, port, path, (x1 + x2) // 2, (y1 + y2) // 2, _shortened(label, WAY), words)

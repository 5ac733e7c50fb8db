"""Workflow templates: complete workflows that many shops want, with the segments that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from contacts.folding import fold
from crm.models import User
from crm.registry import Registry
from segments.copying import free_name as free_segment_name
from segments.editing import create_segment, fill
from segments.models import Segment
from workflows.drafting import create, free_name
from workflows.graph import Graph, parse
from workflows.models import Workflow

COLUMN, ROW = 288, 112  # pixels of the canvas from one card to the next
LEFT, TOP = 80, 80
EMAILS = gettext_lazy("Read the emails, write them in your words, and see that the buttons lead to pages of your shop.")
PLACEHOLDER = "https://www.example.com"  # where buttons lead until somebody says where the shop is


class Goal(TextChoices):
    """What a workflow is good for, in the order of the gallery."""

    WELCOME = "welcome", pgettext_lazy("goal of a workflow", "Welcome")
    SALES = "sales", pgettext_lazy("goal of a workflow", "Sales")
    LOYALTY = "loyalty", pgettext_lazy("goal of a workflow", "Loyalty")
    KNOWLEDGE = "knowledge", pgettext_lazy("goal of a workflow", "Knowing contacts")


@dataclass(frozen=True)
class NeededSegment:
    """A segment that a template needs. One of this name and type is used; else it is made.

    ``rules`` must all hold for who is in it; without any it is a static one.
    """

    key: str
    name: Any
    does: Any
    rules: Sequence[Mapping[str, Any]] = ()

    @property
    def kind(self) -> Segment.Kind:
        return Segment.Kind.DYNAMIC if self.rules else Segment.Kind.STATIC

    @property
    def definition(self) -> dict[str, Any] | None:
        return {"version": 1, "match": "all", "rules": [dict(rule) for rule in self.rules]} if self.rules else None

    def existing(self) -> Segment | None:
        """The one that there is already: of this name, and with these conditions."""
        alike = Segment.objects.live().filter(kind=self.kind)
        return next((one for one in alike if fold(one.name) == fold(str(self.name)) and self._is_same(one)), None)

    def _is_same(self, segment: Segment) -> bool:
        return not self.rules or segment.definition == self.definition


@dataclass(frozen=True)
class Place:
    """A node of a template and where it stands. A segment is named in ``settings`` by its key in the template, as the
    value of `Needs`."""

    kind: str
    column: int
    row: float
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """Stands in settings for the id of a segment that the template needs."""

    key: str


class Template:
    """A complete workflow. ``does`` says what happens, ``choose`` what has to be looked at before it is activated."""

    key: str
    name: Any
    goal: Goal
    does: Any
    choose: Sequence[Any] = ()
    segments: Sequence[NeededSegment] = ()
    edges: Sequence[str]

    def nodes(self) -> Mapping[str, Place]:
        """The nodes by id; ``start`` among them."""
        raise NotImplementedError

    def graph(self, segments: Mapping[str, int]) -> Graph:
        """The graph, for the ids of the segments by their keys."""
        stored: dict[str, Any] = {"nodes": [], "edges": []}
        for node_id, place in self.nodes().items():
            filled = {
                key: segments.get(value.key) if isinstance(value, Needs) else value
                for key, value in place.settings.items()
            }
            x, y = LEFT + place.column * COLUMN, TOP + round(place.row * ROW)
            stored["nodes"].append({"id": node_id, "type": place.kind, "x": x, "y": y, "settings": filled})
        for edge in self.edges:
            begin, end = (part.strip() for part in edge.split(">"))
            node_id, _dot, port = begin.partition(".")
            stored["edges"].append({"from": node_id, "port": port or "next", "to": end})
        return parse(stored)


TEMPLATES: Registry[Template] = Registry("workflow template")


def of_goals() -> list[tuple[Goal, list[Template]]]:
    """The templates under their goals."""
    return [(goal, [template for template in TEMPLATES if template.goal == goal]) for goal in Goal]


def use(template: Template, *, now: datetime, user: User | None) -> Workflow:
    """Make a workflow of a template, as a draft, and the segments that it needs and that there are not yet."""
    made: list[Segment] = []
    with transaction.atomic():
        segments: dict[str, int] = {}
        for needed in template.segments:
            segment = needed.existing()
            if segment is None:
                segment = create_segment(
                    name=free_segment_name(str(needed.name)),
                    kind=needed.kind,
                    description=str(needed.does),
                    definition=needed.definition,
                    now=now,
                    user=user,
                )
                made.append(segment)
            segments[needed.key] = segment.pk
        workflow = create(
            name=free_name(str(template.name)),
            description=str(template.does),
            draft=template.graph(segments).as_json(),
            now=now,
            user=user,
        )
    for segment in made:
        if not segment.is_static:
            fill(segment, now=now, user=user)
    return workflow


def email(name: str, subject: str, preheader: str, *body: str, kind: str = "newsletter") -> dict[str, Any]:
    """Settings of a Send email node; ``body`` are the paragraphs after the heading, which is the subject, and the
    greeting."""
    greeting = gettext("Hello {{ contact.first_name | default: 'there' }},")
    return {
        "name": name,
        "kind": kind,
        "subject": subject,
        "preheader": preheader,
        "body": "\n\n".join([f"# {subject}", greeting, *body, gettext("Best regards,  \nyour shop")]),
        "sender_name": "",
        "reply_to": "",
    }


def popup(name: str, title: str, text: str, button: str, address: str) -> dict[str, Any]:
    """Settings of a Send web content node."""
    return {
        "name": name,
        "kind": "popup",
        "slot": "",
        "title": title,
        "html": f"<p>{text}</p>",
        "button_text": button,
        "button_url": address,
        "days": 7,
    }


def button(text: str, address: str) -> str:
    """A button of an email that leads to a path of the shop, or to what a name in Liquid stands for."""
    if address.startswith("/"):
        address = (settings.SHOP_ORIGINS[0] if settings.SHOP_ORIGINS else PLACEHOLDER) + address
    return f'[{text}]({address} "button")'


def products_of_cart() -> str:
    """What is in the cart, as a table of an email; nothing where it is empty."""
    columns = " | ".join((gettext("Product"), gettext("Quantity"), gettext("Price")))
    rows = "{% for item in cart %}| {{ item.product }} | {{ item.quantity }} | {{ item.value }} |\n{% endfor %}"
    total = f"{{% if cart_total %}}| **{gettext('Total')}** | | **{{{{ cart_total }}}}** |{{% endif %}}"
    return f"{{% if cart.size > 0 %}}\n| {columns} |\n|:--|--:|--:|\n{rows}{total}\n{{% endif %}}"


def wait(count: int, unit: str) -> dict[str, Any]:
    """Settings of a Wait node for a span."""
    return {"until": "span", "count": count, "unit": unit}


def wait_for(event: str, count: int, unit: str) -> dict[str, Any]:
    """Settings of a Wait node for something that happens, at most for a span."""
    return {"until": "event", "event": event, "count": count, "unit": unit}


def bought() -> dict[str, Any]:
    """Settings of a Has purchased node: at least once, ever."""
    rule = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 1}
    return {"definition": {"version": 1, "match": "all", "rules": [rule | {"window": {"kind": "ever"}}]}}

"""What a node changes of a contact is seen by the nodes behind it, in segments too, before any other worker comes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.models import ContactList
from segments.models import Segment
from tests.segments.pages import dynamic, in_segment, static
from tests.workflows.flows import active, graph, people, ways
from workflows import engine

pytestmark = pytest.mark.django_db  # one transaction: nothing is done at its end
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Node = tuple[str, dict[str, Any]]


def points() -> tuple[Node, Segment]:
    segment = dynamic("Hot", {"type": "field", "field": "points", "operator": "at_least", "value": 50}, now=NOON)
    return ("add_points", {"points": 60}), segment


def field() -> tuple[Node, Segment]:
    segment = dynamic("Here", {"type": "field", "field": "city", "operator": "is", "value": "Lugo"}, now=NOON)
    return ("set_field", {"field": "city", "amendment": "set", "value": "Lugo"}), segment


def subscription() -> tuple[Node, Segment]:
    news = ContactList.objects.create(name="News")
    segment = dynamic("Readers", {"type": "list", "list": news.pk, "operator": "member"}, now=NOON)
    return ("subscribe_to_list", {"list": news.pk}), segment


def membership() -> tuple[Node, Segment]:
    guests = static("Guests", now=NOON)
    return ("add_to_segment", {"segment": guests.pk}), in_segment(guests, now=NOON)


@pytest.mark.parametrize("changed", [points, field, subscription, membership])
def test_a_condition_on_a_segment_sees_what_the_step_before_has_changed(
    changed: Callable[[], tuple[Node, Segment]],
) -> None:
    ada, bea = people(2, now=NOON - timedelta(days=1))
    node, segment = changed()
    nodes = {"does": node, "asks": ("is_in_segment", {"segment": segment.pk})}
    flow = active("Any", graph(nodes, "start > does", "does > asks", start={"which": "existing"}), now=NOON)
    engine.tick(now=NOON)
    way = ["start.next", "does.next", "asks.yes", "finished"]
    assert ways(flow) == {ada.pk: [way], bea.pk: [way]}

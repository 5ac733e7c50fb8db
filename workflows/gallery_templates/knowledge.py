"""Templates that learn about contacts."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.gallery import (
    TEMPLATES,
    Goal,
    NeededSegment,
    Needs,
    Place,
    Template,
)


@TEMPLATES.register
class OfficeFurniture(Template):
    key = "office_furniture"
    name = gettext_lazy("Interested in office furniture")
    goal = Goal.KNOWLEDGE
    does = gettext_lazy("Who searches for a desk or an office chair comes into a segment that you can address.")
    choose = (gettext_lazy("Say which words of a search count."),)
    segments = (
        NeededSegment(
            "interested",
            gettext_lazy("Interested in office furniture"),
            gettext_lazy("Contacts who searched for office furniture."),
        ),
    )
    edges = ("start > search", "search > add")

    def nodes(self) -> Mapping[str, Place]:
        return {
            "start": Place("start", 0, 0, {"limitation": "all", "which": "both", "reentry": "always"}),
            "search": Place(
                "product_search",
                1,
                0,
                {"keywords": [_("desk"), _("office chair"), _("office lamp")], "match": "partial"},
            ),
            "add": Place("add_to_segment", 2, 0, {"segment": Needs("interested")}),
        }


@TEMPLATES.register
class LeadScoring(Template):
    key = "lead_scoring"
    name = gettext_lazy("Lead scoring")
    goal = Goal.KNOWLEDGE
    does = gettext_lazy(
        "Visits, carts and purchases add points. Who has at least 50 is a hot lead, and one of the leads to call."
    )
    choose = (gettext_lazy("Say how many points each is worth."),)
    segments = (
        NeededSegment(
            "hot",
            gettext_lazy("Hot leads"),
            gettext_lazy("Contacts with at least 50 points."),
            [{"type": "field", "field": "points", "operator": "at_least", "value": 50}],
        ),
        NeededSegment("call", gettext_lazy("Leads to call"), gettext_lazy("Hot leads that nobody has called yet.")),
    )
    edges = (
        "start > visit",
        "start > cart",
        "start > buy",
        "start > hot",
        "visit > one",
        "cart > five",
        "buy > twenty",
        "hot > call",
    )

    def nodes(self) -> Mapping[str, Place]:
        return {
            "start": Place("start", 0, 1.5, {"limitation": "all", "which": "both", "reentry": "always"}),
            "visit": Place("product_visit", 1, 0),
            "cart": Place("cart_add", 1, 1),
            "buy": Place("purchase", 1, 2),
            "one": Place("add_points", 2, 0, {"points": 1}),
            "five": Place("add_points", 2, 1, {"points": 5}),
            "twenty": Place("add_points", 2, 2, {"points": 20}),
            "hot": Place("entered_segment", 1, 3, {"segment": Needs("hot")}),
            "call": Place("add_to_segment", 2, 3, {"segment": Needs("call"), "limits": {"contact": "once"}}),
        }

"""Templates that sell."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.gallery import (
    EMAILS,
    TEMPLATES,
    Goal,
    NeededSegment,
    Needs,
    Place,
    Template,
    button,
    email,
    popup,
    products_of_cart,
    wait_for,
)


@TEMPLATES.register
class AbandonedCart(Template):
    key = "abandoned_cart"
    name = gettext_lazy("Abandoned cart")
    goal = Goal.SALES
    does = gettext_lazy(
        "Who leaves something in the cart for two hours is reminded of what is in it, and a day later once more, unless"
        " they buy."
    )
    choose = (EMAILS, gettext_lazy("Say in Start how often somebody may be reminded."))
    edges = ("start > cart", "cart > first", "first > w", "w.happened > bought", "w.not_in_time > second")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 7, "reentry_unit": "days"}
        return {
            "start": Place("start", 0, 1, {"limitation": "newsletter", "which": "both", **again}),
            "cart": Place("cart_abandoned", 1, 1, {"count": 2, "unit": "hours"}),
            "first": Place(
                "send_email",
                2,
                1,
                email(
                    _("Cart, first reminder"),
                    _("You left something in your cart"),
                    _("It is still there for you."),
                    _("This is still in your cart, and waits for you:"),
                    products_of_cart(),
                    button(_("Back to the cart"), "/cart"),
                ),
            ),
            "w": Place("wait", 3, 1, wait_for("purchase", 1, "days")),
            "bought": Place("end", 4, 0),
            "second": Place(
                "send_email",
                4,
                2,
                email(
                    _("Cart, second reminder"),
                    _("Can we help you to decide?"),
                    _("Your cart is still there."),
                    _("Your cart stays as it is for now:"),
                    products_of_cart(),
                    button(_("Back to the cart"), "/cart"),
                    _("Is there a question left? Just answer this email."),
                ),
            ),
        }


@TEMPLATES.register
class Millennials(Template):
    key = "millennials"
    name = gettext_lazy("Web content for millennials")
    goal = Goal.SALES
    does = gettext_lazy("Who visits a page of the shop sees one content or another, by whether they are millennials.")
    choose = (
        gettext_lazy("Say on which pages it happens: without a rule, on every page."),
        gettext_lazy("Write the two contents."),
    )
    segments = (
        NeededSegment(
            "millennials",
            gettext_lazy("Millennials"),
            gettext_lazy("Contacts who were born from 1981 to 1996."),
            [
                {
                    "type": "field",
                    "field": "date_of_birth",
                    "operator": "between",
                    "value": {"from": "1981-01-01", "to": "1996-12-31"},
                }
            ],
        ),
    )
    edges = ("start > visit", "visit > q", "q.yes > theirs", "q.no > others")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 1, "reentry_unit": "days"}
        return {
            "start": Place("start", 0, 1, {"limitation": "all", "which": "both", **again}),
            "visit": Place("page_visit", 1, 1),
            "q": Place("is_in_segment", 2, 1, {"segment": Needs("millennials")}),
            "theirs": Place(
                "send_web_content",
                3,
                0,
                popup(
                    _("For millennials"),
                    _("Made for you"),
                    _("The things you grew up with are back."),
                    _("Have a look"),
                    "/",
                ),
            ),
            "others": Place(
                "send_web_content",
                3,
                2,
                popup(_("For everybody"), _("New this week"), _("See what has come in."), _("Have a look"), "/"),
            ),
        }

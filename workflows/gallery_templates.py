"""The templates of the gallery. Importing this module registers them."""

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
    bought,
    email,
    greeting,
    popup,
    wait,
    wait_for,
)

EMAILS = gettext_lazy("Read the emails, and write them in your words.")


@TEMPLATES.register
class WelcomeSeries(Template):
    key = "welcome"
    name = gettext_lazy("Welcome series")
    goal = Goal.WELCOME
    does = gettext_lazy(
        "New newsletter subscribers get a welcome, tips three days later, and a reason to buy if they have not by then."
    )
    choose = (EMAILS,)
    edges = ("start > hello", "hello > w1", "w1 > tips", "tips > w2", "w2 > q", "q.no > offer", "q.yes > done")

    def nodes(self) -> Mapping[str, Place]:
        return {
            "start": Place("start", 0, 1, {"limitation": "newsletter", "which": "new", "reentry": "never"}),
            "hello": Place(
                "send_email",
                1,
                1,
                email(
                    _("Welcome"),
                    _("Welcome!"),
                    greeting() + _("good to have you with us. From now on you hear first what is new."),
                ),
            ),
            "w1": Place("wait", 2, 1, wait(3, "days")),
            "tips": Place(
                "send_email",
                3,
                1,
                email(_("Tips"), _("Our favourites"), greeting() + _("these are the things others like most.")),
            ),
            "w2": Place("wait", 4, 1, wait(4, "days")),
            "q": Place("has_purchased", 5, 1, bought(30)),
            "offer": Place(
                "send_email",
                6,
                2,
                email(
                    _("First order"),
                    _("Something for your first order"),
                    greeting() + _("we would like to make your first order easy: shipping is on us."),
                ),
            ),
            "done": Place("end", 6, 0),
        }


@TEMPLATES.register
class AbandonedCart(Template):
    key = "abandoned_cart"
    name = gettext_lazy("Abandoned cart")
    goal = Goal.SALES
    does = gettext_lazy(
        "Who puts something into the cart and does not buy within two hours is reminded, and a day later once more."
    )
    choose = (EMAILS, gettext_lazy("Say in Start how often somebody may be reminded."))
    edges = (
        "start > cart",
        "cart > w1",
        "w1.not_in_time > first",
        "w1.happened > bought",
        "first > w2",
        "w2.not_in_time > second",
    )

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 7, "reentry_unit": "days"}
        return {
            "start": Place("start", 0, 1, {"limitation": "with_email", "which": "both", **again}),
            "cart": Place("cart_add", 1, 1),
            "w1": Place("wait", 2, 1, wait_for("purchase", 2, "hours")),
            "bought": Place("end", 3, 0),
            "first": Place(
                "send_email",
                3,
                2,
                email(
                    _("Cart, first reminder"),
                    _("You left something in your cart"),
                    greeting() + _("your cart is waiting for you: {{ event.properties.product }}."),
                ),
            ),
            "w2": Place("wait", 4, 2, wait_for("purchase", 1, "days")),
            "second": Place(
                "send_email",
                5,
                2,
                email(
                    _("Cart, second reminder"),
                    _("Your cart is still there"),
                    greeting() + _("we keep your cart for a few more days. Can we help you to decide?"),
                ),
            ),
        }


@TEMPLATES.register
class Birthday(Template):
    key = "birthday"
    name = gettext_lazy("Birthday")
    goal = Goal.LOYALTY
    does = gettext_lazy("On their birthday contacts get good wishes and a present, every year.")
    choose = (EMAILS,)
    segments = (
        NeededSegment(
            "today",
            gettext_lazy("Birthday today"),
            gettext_lazy("Contacts whose birthday is today."),
            [{"type": "field", "field": "date_of_birth", "operator": "anniversary_today"}],
        ),
    )
    edges = ("start > day", "day > morning", "morning > wishes")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 40, "reentry_unit": "weeks"}
        return {
            "start": Place("start", 0, 0, {"limitation": "newsletter", "which": "both", **again}),
            "day": Place("entered_segment", 1, 0, {"segment": Needs("today")}),
            "morning": Place("wait", 2, 0, {"until": "weekday", "weekdays": [], "time": "09:00:00", "zone": "contact"}),
            "wishes": Place(
                "send_email",
                3,
                0,
                email(
                    _("Birthday"),
                    _("Happy birthday!"),
                    greeting() + _("all the best on your day. A present waits for you with your next order."),
                ),
            ),
        }


@TEMPLATES.register
class WinBack(Template):
    key = "win_back"
    name = gettext_lazy("Win back")
    goal = Goal.LOYALTY
    does = gettext_lazy(
        "Customers who have not bought for a year are asked back; after two weeks who still has not gets an offer."
    )
    choose = (EMAILS,)
    segments = (
        NeededSegment(
            "lost",
            gettext_lazy("No purchase for a year"),
            gettext_lazy("Customers whose last purchase was more than twelve months ago."),
            [
                {
                    "type": "field",
                    "field": "last_purchase_at",
                    "operator": "more_than_ago",
                    "value": {"count": 12, "unit": "months"},
                }
            ],
        ),
    )
    edges = ("start > lost", "lost > miss", "miss > w", "w.happened > back", "w.not_in_time > offer")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 26, "reentry_unit": "weeks"}
        return {
            "start": Place("start", 0, 1, {"limitation": "newsletter", "which": "both", **again}),
            "lost": Place("entered_segment", 1, 1, {"segment": Needs("lost")}),
            "miss": Place(
                "send_email",
                2,
                1,
                email(_("We miss you"), _("We miss you"), greeting() + _("a lot has changed since you were here.")),
            ),
            "w": Place("wait", 3, 1, wait_for("purchase", 14, "days")),
            "back": Place("add_points", 4, 0, {"points": 10}),
            "offer": Place(
                "send_email",
                4,
                2,
                email(_("Last offer"), _("An offer to come back"), greeting() + _("this is our best offer for you.")),
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
        "visit > one",
        "cart > five",
        "buy > twenty",
        "one > q",
        "five > q",
        "twenty > q",
        "q.yes > call",
    )

    def nodes(self) -> Mapping[str, Place]:
        return {
            "start": Place("start", 0, 1, {"limitation": "all", "which": "both", "reentry": "always"}),
            "visit": Place("product_visit", 1, 0),
            "cart": Place("cart_add", 1, 1),
            "buy": Place("purchase", 1, 2),
            "one": Place("add_points", 2, 0, {"points": 1}),
            "five": Place("add_points", 2, 1, {"points": 5}),
            "twenty": Place("add_points", 2, 2, {"points": 20}),
            "q": Place("is_in_segment", 3, 1, {"segment": Needs("hot")}),
            "call": Place("add_to_segment", 4, 1, {"segment": Needs("call")}),
        }


@TEMPLATES.register
class DoubleOptIn(Template):
    key = "double_opt_in"
    name = gettext_lazy("Double opt-in")
    goal = Goal.WELCOME
    does = gettext_lazy(
        "Who has asked for the newsletter confirms it with a click in an email, and only then is a subscriber."
    )
    choose = (
        gettext_lazy("Put the address of your page of thanks into the link of the email."),
        gettext_lazy("Have your forms write “pending” as the newsletter of who has asked for it."),
    )
    segments = (
        NeededSegment(
            "pending",
            gettext_lazy("Newsletter to be confirmed"),
            gettext_lazy("Contacts who asked for the newsletter and have not confirmed it."),
            [{"type": "field", "field": "newsletter", "operator": "is", "value": "pending"}],
        ),
    )
    edges = ("start > asked", "asked > ask", "ask > w", "w.happened > yes", "w.not_in_time > no", "yes > thanks")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 7, "reentry_unit": "days"}
        return {
            "start": Place("start", 0, 1, {"limitation": "with_email", "which": "both", **again}),
            "asked": Place("entered_segment", 1, 1, {"segment": Needs("pending")}),
            "ask": Place(
                "send_email",
                2,
                1,
                email(
                    _("Confirmation"),
                    _("Please confirm your subscription"),
                    greeting()
                    + _("one click and you are in: [Yes, I want the newsletter](https://www.example.com/thanks)."),
                    kind="transactional",
                ),
            ),
            "w": Place("wait", 3, 1, wait_for("email_clicked", 7, "days")),
            "yes": Place(
                "set_field",
                4,
                0,
                {"field": "newsletter", "amendment": "set", "value": "subscribed", "resubscribe": False},
            ),
            "thanks": Place(
                "send_email", 5, 0, email(_("Thanks"), _("You are in"), greeting() + _("thank you for confirming."))
            ),
            "no": Place(
                "set_field", 4, 2, {"field": "newsletter", "amendment": "set", "value": "never", "resubscribe": False}
            ),
        }

"""Templates that welcome contacts."""

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
    bought,
    button,
    email,
    wait,
    wait_for,
)


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
                    _("Good to have you with us."),
                    _("Good to have you with us! From now on you are the first to hear what is new."),
                    button(_("Look around"), "/"),
                    _("You can unsubscribe at any time, with one click, at the end of every email."),
                ),
            ),
            "w1": Place("wait", 2, 1, wait(3, "days")),
            "tips": Place(
                "send_email",
                3,
                1,
                email(
                    _("Tips"),
                    _("What others like most"),
                    _("Our favourites, for a start."),
                    _("You do not know yet where to begin? These are the things that our customers like most."),
                    button(_("See the favourites"), "/"),
                ),
            ),
            "w2": Place("wait", 4, 1, wait(4, "days")),
            "q": Place("has_purchased", 5, 1, bought()),
            "offer": Place(
                "send_email",
                6,
                2,
                email(
                    _("First order"),
                    _("Something for your first order"),
                    _("Shipping is on us."),
                    _("We would like to make your first order easy: **shipping is on us**, for one week."),
                    button(_("Choose something"), "/"),
                ),
            ),
            "done": Place("end", 6, 0),
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
        EMAILS,
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
    edges = ("start > asked", "asked > ask", "ask > w", "w.happened > thanks", "w.not_in_time > q", "q.yes > no")

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
                    _("One more click, and you are in."),
                    _("Somebody, we hope you, asked for our newsletter with this address. Is that right?"),
                    button(_("Yes, I want the newsletter"), "{{ confirm_url }}"),
                    _("If it was not you, leave this email alone: without a click you get no newsletter."),
                    kind="transactional",
                ),
            ),
            "w": Place("wait", 3, 1, wait_for("newsletter_confirmed", 7, "days")),
            "thanks": Place(
                "send_email",
                4,
                0,
                email(
                    _("Thanks"),
                    _("You are in"),
                    _("Thank you for confirming."),
                    _("Thank you for confirming. From now on the newsletter comes to you."),
                    button(_("Look around"), "/"),
                ),
            ),
            "q": Place("is_in_segment", 4, 2, {"segment": Needs("pending")}),
            "no": Place(
                "set_field", 5, 2, {"field": "newsletter", "amendment": "set", "value": "never", "resubscribe": False}
            ),
        }

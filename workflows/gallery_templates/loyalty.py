"""Templates that keep customers, and win them back."""

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
    wait_for,
)


@TEMPLATES.register
class Birthday(Template):
    key = "birthday"
    name = gettext_lazy("Birthday")
    goal = Goal.LOYALTY
    does = gettext_lazy("On their birthday contacts get good wishes and a present, every year.")
    choose = (EMAILS, gettext_lazy("Say in “On a date of the contact” at what time the wishes go out."))
    edges = ("start > day", "day > wishes")

    def nodes(self) -> Mapping[str, Place]:
        again = {"reentry": "after", "reentry_count": 40, "reentry_unit": "weeks"}
        return {
            "start": Place("start", 0, 0, {"limitation": "newsletter", "which": "both", **again}),
            "day": Place(
                "contact_date",
                1,
                0,
                {"field": "date_of_birth", "direction": "on", "count": None, "yearly": True, "time": "09:00:00"},
            ),
            "wishes": Place(
                "send_email",
                2,
                0,
                email(
                    _("Birthday"),
                    _("Happy birthday!"),
                    _("A present waits for you."),
                    _("All the best on your day! A small present comes with your next order this month."),
                    button(_("Choose something nice"), "/"),
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
    choose = (EMAILS, gettext_lazy("Put a code that your shop knows into the offer."))
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
                email(
                    _("We miss you"),
                    _("We miss you"),
                    _("A lot has changed since you were here."),
                    _(
                        "It is a while since you were here"
                        "{% if contact.last_purchase_at %}: since"
                        " {{ contact.last_purchase_at | date: '%B %Y' }}{% endif %}. A lot has changed!"
                    ),
                    button(_("See what is new"), "/"),
                ),
            ),
            "w": Place("wait", 3, 1, wait_for("purchase", 14, "days")),
            "back": Place("add_points", 4, 0, {"points": 10}),
            "offer": Place(
                "send_email",
                4,
                2,
                email(
                    _("Last offer"),
                    _("An offer to come back"),
                    _("Ten per cent on everything."),
                    _("We would like you to come back: with the code **AGAIN10** everything costs ten per cent less."),
                    button(_("Use the code"), "/"),
                    _("If you would rather not hear from us, one click on Unsubscribe is enough."),
                ),
            ),
        }

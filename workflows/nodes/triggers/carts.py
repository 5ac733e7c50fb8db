"""Carts that contacts fill and leave behind.

A cart (`contacts.carts`) is read from the events when its time has come, so that a purchase that was sent late counts
like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.arrivals import event_key
from contacts.carts import PUT_IN, Cart, carts_of
from segments.clock import moved
from segments.values import UNITS, amount
from workflows.models import Run
from workflows.nodes.base import NODES, Batch, Next, NodeContext, Outcome, Settings, Trigger, Visit, WaitUntil, Withdraw
from workflows.nodes.triggers.filters import (
    joined,
    number_field,
    number_fits,
    number_in_words,
    number_operator_field,
)
from workflows.nodes.triggers.products import ProductForm, product_fits, product_in_words, require_both

WAITS = ("minutes", "hours", "days")


class CartForm(ProductForm):
    field_order = ("count", "unit", "total_operator", "total")
    count = forms.IntegerField(
        label=gettext_lazy("Nothing is put into the cart for"),
        min_value=1,
        max_value=10_000,
        initial=1,
        help_text=gettext_lazy("Counted from the last product that was put in."),
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"), choices=[(unit, UNITS[unit][0]) for unit in WAITS], initial="hours"
    )
    total_operator = number_operator_field(gettext_lazy("Total of the cart"), gettext_lazy("any total"))
    total = number_field(
        gettext_lazy("Total to compare with"), help_text=gettext_lazy("Prices times quantities of all products in it.")
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        require_both(self, data, "total_operator", "total")
        return data


@NODES.register
class CartAbandoned(Trigger):
    key = "cart_abandoned"
    label = gettext_lazy("On cart abandonment")
    help = gettext_lazy(
        "The contact puts something into the cart, and then neither buys nor adds anything for a while. Who buys, or"
        " empties the cart, meanwhile does not come in."
    )
    icon = "shopping-basket"
    form = CartForm
    alone = True

    def keys(self, settings: Settings) -> set[str]:
        return {event_key(PUT_IN)}

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if not settings.get("count") or settings.get("unit") not in UNITS:
            return ""
        span = _("after %(span)s") % {"span": amount(settings["count"], settings["unit"])}
        total = number_in_words(_("Total"), settings.get("total_operator"), settings.get("total"))
        return joined(span, total, *product_in_words(settings), empty="")

    def work(self, batch: Batch) -> Iterable[Outcome]:
        if batch.is_test:
            yield from super().work(batch)
            return
        carts, last_runs = carts_of(batch.contact_ids, now=batch.now), _last_runs(batch)
        over: list[int] = []
        filling: dict[int, datetime] = {}
        withdrawn: list[int] = []
        waiting: list[int] = []
        for visit in batch.visits:
            over_at = _over_at(batch.settings, carts.get(visit.contact_id))
            has_entered = _has_entered(visit, batch)
            if has_entered and last_runs.get(visit.contact_id, 0) > visit.run_id:
                withdrawn.append(visit.run_id)
            elif over_at and over_at > batch.now:
                filling[visit.run_id] = over_at
            elif (
                over_at
                and (has_entered or over_at > visit.arrived_at)
                and _is_wanted(batch.settings, carts[visit.contact_id])
            ):
                over.append(visit.run_id)
            else:
                (withdrawn if has_entered else waiting).append(visit.run_id)
        yield Next(over)
        yield WaitUntil(filling.keys(), at=filling)
        yield Withdraw(withdrawn)
        yield WaitUntil(waiting, awaits=event_key(PUT_IN))


def _last_runs(batch: Batch) -> dict[int, int]:
    """By contact, the last run that has entered here: two visitors who became one contact have one cart."""
    standing = Run.objects.inside().filter(version_id=batch.version.pk, node=batch.node.id, visit=1)
    last = standing.filter(contact_id__in=batch.contact_ids).order_by().values("contact_id").annotate(last=Max("pk"))
    return dict(last.values_list("contact_id", "last"))


def _over_at(settings: Settings, cart: Cart | None) -> datetime | None:
    """When the cart was or will be abandoned; None when there is nothing in it."""
    if cart is None or cart.filled_at is None or not cart.products:
        return None
    return moved(cart.filled_at, settings["count"], settings["unit"])


def _has_entered(visit: Visit, batch: Batch) -> bool:
    """Whether the run began here, and did not come from another node."""
    start = batch.graph.start
    return visit.number == 1 and start is not None and batch.node.id in batch.graph.all_after(start.id, "next")


def _is_wanted(settings: Settings, cart: Cart) -> bool:
    how = settings.get("total_operator")
    return any(product_fits(settings, one.properties) for one in cart.products.values()) and (
        not how or number_fits(cart.total, how, settings["total"])
    )

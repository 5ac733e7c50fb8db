"""Carts that contacts fill: what was put in and not taken out since the last purchase, as the events say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contacts.event_types import PURCHASE
from contacts.folding import fold
from contacts.models import Event

PUT_IN, TAKEN_OUT = "cart_add", "cart_remove"
OLDEST = timedelta(days=90)  # what was put in before is no longer in the cart


@dataclass
class Product:
    """What a cart has of one product; ``price`` is that of one piece, ``properties`` are those of the last event that
    put it in."""

    quantity: Decimal
    price: Decimal
    properties: Mapping[str, Any]

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Cart:
    """The products in a cart by name, and when something was put in last."""

    products: dict[str, Product] = field(default_factory=dict)
    filled_at: datetime | None = None

    def happened(self, kind: str, at: datetime, properties: Mapping[str, Any]) -> None:
        if kind == PUT_IN:
            self._put_in(properties)
            self.filled_at = at
        elif kind == TAKEN_OUT:
            self._take_out(properties)
        else:
            self.products.clear()

    @property
    def total(self) -> Decimal:
        return sum((one.value for one in self.products.values()), Decimal(0))

    def _put_in(self, properties: Mapping[str, Any]) -> None:
        name = _name(properties)
        before = self.products[name].quantity if name in self.products else Decimal(0)
        quantity = _number(properties, "quantity") or Decimal(1)
        self.products[name] = Product(before + quantity, _number(properties, "price") or Decimal(0), properties)

    def _take_out(self, properties: Mapping[str, Any]) -> None:
        """Without a quantity, all of the product; without a product, everything."""
        name, quantity = _name(properties), _number(properties, "quantity")
        if not name:
            self.products.clear()
        elif name in self.products:
            self.products[name].quantity -= quantity or self.products[name].quantity
            if self.products[name].quantity <= 0:
                del self.products[name]


def _name(properties: Mapping[str, Any]) -> str:
    return fold(str(properties.get("product") or ""))


def _number(properties: Mapping[str, Any], key: str) -> Decimal | None:
    found = properties.get(key)
    return Decimal(str(found)) if isinstance(found, int | float) and not isinstance(found, bool) else None


def carts_of(contact_ids: Collection[int], *, now: datetime, until: datetime | None = None) -> dict[int, Cart]:
    """The carts of contacts that have put something in of late; one query.

    With ``until`` they are as they were then. Without it also what a shop whose clock is fast reported counts.
    """
    carts: dict[int, Cart] = {}
    events = Event.objects.filter(
        contact_id__in=contact_ids, type__in=(PUT_IN, TAKEN_OUT, PURCHASE), occurred_at__gt=now - OLDEST
    ).order_by("contact_id", "occurred_at", "pk")
    if until is not None:
        events = events.filter(occurred_at__lte=until)
    for contact_id, kind, at, properties in events.values_list(
        "contact_id", "type", "occurred_at", "properties"
    ).iterator():
        carts.setdefault(contact_id, Cart()).happened(kind, at, properties)
    return carts

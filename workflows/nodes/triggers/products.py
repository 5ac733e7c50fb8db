"""What contacts do with products: they look at them, put them into the cart, and buy them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.nodes.base import NODES, Happening, NodeContext, NodeForm, Settings
from workflows.nodes.triggers.filters import (
    joined,
    lines_field,
    lines_of,
    number_field,
    number_fits,
    number_in_words,
    number_operator_field,
    text_fits,
    text_in_words,
    text_operator_field,
)
from workflows.nodes.triggers.website import OnEvent


class ProductForm(NodeForm):
    product = lines_field(
        gettext_lazy("Product"), gettext_lazy("One on each line, of which any counts. Without one, any product.")
    )
    product_operator = text_operator_field(gettext_lazy("How the product is compared"))
    category = lines_field(
        gettext_lazy("Category"), gettext_lazy("One on each line, of which any counts. Without one, any category.")
    )
    category_operator = text_operator_field(gettext_lazy("How the category is compared"))


def product_fits(settings: Settings, properties: Mapping[str, Any]) -> bool:
    """Whether it is a product of those that the settings ask for."""
    return all(
        text_fits(properties.get(name), settings.get(f"{name}_operator"), wanted)
        for name in ("product", "category")
        if (wanted := lines_of(settings.get(name)))
    )


def product_in_words(settings: Settings) -> list[str]:
    """What is asked of products, in words."""
    return [
        text_in_words(label, settings.get(f"{name}_operator"), lines_of(settings.get(name)))
        for name, label in (("product", _("Product")), ("category", _("Category")))
    ]


class OnProduct(OnEvent):
    """A trigger by events that have a product and its category."""

    form = ProductForm

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        return product_fits(settings, happening.properties)

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return joined(*product_in_words(settings), empty=_("Any product"))


@NODES.register
class ProductVisit(OnProduct):
    key = "product_visit"
    label = gettext_lazy("On product visit")
    help = gettext_lazy("The contact looks at a product. Upper and lower case do not count.")
    icon = "package-search"
    event = "product_visit"


@NODES.register
class CartAdd(OnProduct):
    key = "cart_add"
    label = gettext_lazy("On product addition")
    help = gettext_lazy("The contact puts a product into the cart. Upper and lower case do not count.")
    icon = "shopping-cart"
    event = "cart_add"


class PurchaseForm(ProductForm):
    amount_operator = number_operator_field(gettext_lazy("Amount"), gettext_lazy("any amount"))
    amount = number_field(gettext_lazy("Amount to compare with"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        require_both(self, data, "amount_operator", "amount")
        return data


def require_both(form: NodeForm, data: dict[str, Any], how: str, number: str) -> None:
    """Add an error where only one of a comparison and the number to compare with is given."""
    if data.get(how) and data.get(number) is None and number not in form.errors:
        form.add_error(number, _("Enter a number to compare with."))
    if data.get(number) is not None and not data.get(how) and how not in form.errors:
        form.add_error(how, _("Choose how to compare."))


@NODES.register
class Purchase(OnProduct):
    key = "purchase"
    label = gettext_lazy("When buying")
    help = gettext_lazy("The contact buys something. Upper and lower case do not count.")
    icon = "shopping-bag"
    event = "purchase"
    form = PurchaseForm

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        how = settings.get("amount_operator")
        return super().matches(settings, happening, workflow_id=workflow_id) and (
            not how or number_fits(happening.value, how, settings["amount"])
        )

    def describe(self, settings: Settings, context: NodeContext) -> str:
        amount = number_in_words(_("Amount"), settings.get("amount_operator"), settings.get("amount"))
        return joined(*product_in_words(settings), amount, empty=_("Any purchase"))

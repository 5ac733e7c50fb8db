"""What contacts do on the shop's pages: they visit them, and search."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.arrivals import event_key
from contacts.folding import fold
from segments.values import storable
from workflows.nodes.base import NODES, Happening, NodeContext, NodeForm, Settings, Trigger
from workflows.nodes.triggers.addresses import Address, RulesField, page_of, rules_of
from workflows.nodes.triggers.filters import (
    LONGEST_TEXT,
    joined,
    lines_field,
    lines_of,
    one_of,
    text_fits,
    text_in_words,
    text_operator_field,
)

ANY, DESKTOP, MOBILE = "any", "desktop", "mobile"
DEVICES = (
    (ANY, gettext_lazy("Any device")),
    (DESKTOP, gettext_lazy("Desktop")),
    (MOBILE, gettext_lazy("Mobile: phones and tablets")),
)
ON_DEVICE = {DESKTOP: {"desktop"}, MOBILE: {"mobile", "tablet"}}
EXACT, PARTIAL = "exact", "partial"


class OnEvent(Trigger):
    """A trigger by events of one type."""

    event: str

    def keys(self, settings: Settings) -> set[str]:
        return {event_key(self.event)}


class PageVisitForm(NodeForm):
    starts_with = RulesField(
        label=gettext_lazy("Pages whose address starts with"),
        max_length=LONGEST_TEXT,
        validators=[storable],
        required=False,
        help_text=gettext_lazy(
            "One on each line: a path, such as /desks, or a whole address, such as https://shop.example/desks."
        ),
    )
    exactly = RulesField(
        label=gettext_lazy("Pages whose address is exactly"),
        max_length=LONGEST_TEXT,
        validators=[storable],
        required=False,
        help_text=gettext_lazy("One on each line. Without any rule here and above, every page counts."),
    )
    excluded = RulesField(
        label=gettext_lazy("Except pages whose address starts with"),
        max_length=LONGEST_TEXT,
        validators=[storable],
        required=False,
        help_text=gettext_lazy("One on each line."),
    )
    category = lines_field(
        gettext_lazy("Category of the page"),
        gettext_lazy("One on each line, of which any counts. Without one, pages of any category."),
    )
    category_operator = text_operator_field(gettext_lazy("How the category is compared"))
    device = forms.ChoiceField(label=gettext_lazy("Device"), choices=DEVICES, initial=ANY, required=False)


@NODES.register
class PageVisit(OnEvent):
    key = "page_visit"
    label = gettext_lazy("On page visit")
    help = gettext_lazy("The contact visits a page of the shop. Upper and lower case do not count in addresses.")
    icon = "eye"
    form = PageVisitForm
    event = "page_visit"

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        properties = happening.properties
        devices = ON_DEVICE.get(settings.get("device") or ANY)
        if devices and properties.get("device") not in devices:
            return False
        category = lines_of(settings.get("category"))
        if category and not text_fits(properties.get("category"), settings.get("category_operator"), category):
            return False
        return _is_wanted(settings, page_of(properties))

    def describe(self, settings: Settings, context: NodeContext) -> str:
        exactly, excluded = lines_of(settings.get("exactly")), lines_of(settings.get("excluded"))
        pages = [_("%(address)s…") % {"address": one} for one in lines_of(settings.get("starts_with"))] + exactly
        device = settings.get("device") or ANY
        return joined(
            one_of(pages),
            _("not %(pages)s") % {"pages": one_of([_("%(address)s…") % {"address": one} for one in excluded])}
            if excluded
            else "",
            text_in_words(_("Category"), settings.get("category_operator"), lines_of(settings.get("category"))),
            {DESKTOP: _("on a desktop"), MOBILE: _("on a mobile device")}.get(device, ""),
            empty=_("Any page"),
        )


def _is_wanted(settings: Settings, page: Address | None) -> bool:
    starts, exactly = rules_of(settings.get("starts_with")), rules_of(settings.get("exactly"))
    if page is None:
        return not (starts or exactly)
    if page.starts_with(rules_of(settings.get("excluded"))):
        return False
    return not (starts or exactly) or page.starts_with(starts) or page.is_exactly(exactly)


class ProductSearchForm(NodeForm):
    keywords = lines_field(
        gettext_lazy("Keywords"),
        gettext_lazy("One on each line, of which any counts. Without one, every search."),
    )
    match = forms.ChoiceField(
        label=gettext_lazy("The search"),
        choices=(
            (PARTIAL, gettext_lazy("contains a keyword")),
            (EXACT, gettext_lazy("is exactly a keyword")),
        ),
        initial=PARTIAL,
        required=False,
    )


@NODES.register
class ProductSearch(OnEvent):
    key = "product_search"
    label = gettext_lazy("On searching")
    help = gettext_lazy("The contact searches the shop for products. Upper and lower case do not count.")
    icon = "search"
    form = ProductSearchForm
    event = "product_search"

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        keywords = [_words(one) for one in lines_of(settings.get("keywords"))]
        query = happening.properties.get("query")
        if not keywords:
            return True
        if not isinstance(query, str):
            return False
        is_exact = settings.get("match") == EXACT
        return any(_words(query) == one if is_exact else one in _words(query) for one in keywords)

    def describe(self, settings: Settings, context: NodeContext) -> str:
        keywords = one_of([f"“{one}”" for one in lines_of(settings.get("keywords"))])
        is_exact = settings.get("match") == EXACT
        words: dict[str, Any] = {"keywords": keywords}
        said = (_("exactly %(keywords)s") if is_exact else _("contains %(keywords)s")) % words if keywords else ""
        return joined(said, empty=_("Any search"))


def _words(text: str) -> str:
    return fold(" ".join(text.split()))

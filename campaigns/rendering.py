"""Filling a content for one contact: the subject, the HTML and the plain text of the email.

Liquid first, for every contact; then Markdown and sanitising, once for all whose texts differ only in values
(`markup`); then the values, escaped for the place where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.translation import get_language
from liquid.template import BoundTemplate

from campaigns import links
from campaigns.liquid import NONCE, Filled, Wrong, fill, parse, wants
from campaigns.markup import page_of, pieces, plain_text, put_together, safe_url
from campaigns.models import Content, Message
from contacts.carts import Cart
from contacts.fields import Catalogue
from contacts.models import Contact, Event

MOST_PAGES = 200  # texts of one content that differ in more than values and are kept
OURS = ("token", "preheader", "subject", "unsubscribe_url", "view_url", "open_url")
CART = ("cart", "cart_total")
CENT = Decimal("0.01")
COLUMNS_BEHIND = {"custom": {"custom"}, "full_name": {"first_name", "last_name"}, "id": {"id"}}

__all__ = ["Rendered", "Renderer", "Wrong"]


@dataclass(frozen=True)
class Rendered:
    """An email to one contact, before it has a head."""

    subject: str
    sender_name: str
    html: str
    text: str
    token: str


class ContactNames(Mapping[str, Any]):
    """The contact as Liquid sees it: values by the keys of the catalogue."""

    __slots__ = ("_catalogue", "_contact", "_prefix")

    def __init__(self, contact: Contact, catalogue: Catalogue, prefix: str = "") -> None:
        self._contact = contact
        self._catalogue = catalogue
        self._prefix = prefix

    def __getitem__(self, key: str) -> Any:
        if not self._prefix:
            if key == "custom":
                return ContactNames(self._contact, self._catalogue, "custom.")
            if key == "full_name":
                return self._contact.full_name
            if key == "id":
                return self._contact.pk
        name = f"{self._prefix}{key}"
        if name not in self._catalogue:
            raise KeyError(key)
        field = self._catalogue[name]
        value = field.value_of(self._contact)
        return field.display(value) if field.places is not None and value is not None else value

    def __iter__(self) -> Iterator[str]:
        return (field.key for field in self._catalogue.fields())

    def __len__(self) -> int:
        return sum(1 for _key in self)


def _event_names(event: Event | None) -> dict[str, Any]:
    if event is None:
        return {}
    value = event.value
    return {
        "type": event.type,
        "occurred_at": event.occurred_at,
        "value": None if value is None else _plain(value),
        "properties": event.properties,
    }


def _cart_names(cart: Cart | None) -> dict[str, Any]:
    products = list(cart.products.values()) if cart else []
    return {
        "cart": [
            {
                "product": one.properties.get("product"),
                "quantity": _plain(one.quantity),
                "price": one.price.quantize(CENT) if one.price else None,
                "value": one.value.quantize(CENT) if one.price else None,
                "properties": one.properties,
            }
            for one in products
        ],
        "cart_total": cart.total.quantize(CENT) if cart and cart.total else None,
    }


def _plain(number: Decimal) -> Decimal:
    """The number without zeros at its end."""
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()


class Renderer:
    """Fills one content for any number of contacts. ``preview`` leaves out what tells that it was read."""

    def __init__(self, content: Content, catalogue: Catalogue, *, preview: bool = False) -> None:
        self.content = content
        self.catalogue = catalogue
        self.preview = preview
        self._pages: dict[str, _Page] = {}

    def render(
        self, message: Message, contact: Contact, event: Event | None, *, now: datetime, cart: Cart | None = None
    ) -> Rendered:
        """The email of a message. Raises `Wrong` when the content cannot be filled.

        ``cart`` is that of the contact, which need not be given where nothing `reads_cart`.
        """
        token = links.token_of(message.pk)
        ours = {
            "token": token,
            "unsubscribe_url": links.unsubscribe_url(token),
            "view_url": links.view_url(token),
            "open_url": links.open_url(token),
        }
        names = {
            "contact": ContactNames(contact, self.catalogue),
            "event": _event_names(event),
            "values": message.values,
            **_cart_names(cart),
            "workflow": {"name": self.content.workflow},
            "confirm_url": links.confirm_url(token),
            "unsubscribe_url": ours["unsubscribe_url"],
            "view_url": ours["view_url"],
            "now": now,
        }
        subject, preheader, sender_name, body = (_filled(part, names) for part in self._templates)
        ours |= {"subject": one_line(subject), "preheader": one_line(preheader)}
        html, text = self._page(body.text).filled(body.values, ours)
        return Rendered(ours["subject"], one_line(sender_name), html, text, token)

    @cached_property
    def contact_columns(self) -> set[str]:
        """The columns of contacts that the templates read; all of them if a template asks for more than one by one."""
        paths = [path for path in self._paths if path[0] == "contact"]
        if any(len(path) == 1 for path in paths):
            return {field.attname for field in Contact._meta.concrete_fields if not field.generated}
        columns: set[str] = set()
        for path in paths:
            columns |= COLUMNS_BEHIND.get(path[1], {path[1]} if path[1] in self.catalogue else set())
        return columns

    @cached_property
    def reads_cart(self) -> bool:
        """Whether the templates name what is in the cart."""
        return any(path[0] in CART for path in self._paths)

    @cached_property
    def _paths(self) -> list[list[str]]:
        try:
            templates = [part for part in self._templates if not isinstance(part, Filled)]
        except Wrong:  # which rendering will tell
            return []
        return [path for template in templates for path in wants(template).paths]

    @cached_property
    def _templates(self) -> list[BoundTemplate | Filled]:
        content = self.content
        sources = (content.subject, content.preheader, content.sender_name, content.body)
        return [parse(source) if "{" in source else Filled(source, []) for source in sources]

    def _page(self, text: str) -> _Page:
        page = self._pages.get(text)
        if page is None:
            if len(self._pages) >= MOST_PAGES:
                self._pages.clear()
            page = self._pages[text] = _Page(text, self.content, preview=self.preview)
        return page


def _filled(part: BoundTemplate | Filled, names: Mapping[str, Any]) -> Filled:
    return part if isinstance(part, Filled) else fill(part, names)


def one_line(filled: Filled) -> str:
    """A text for a place that has one line, such as a header."""
    return " ".join(str(filled).split())


class _Page:
    """What is the same for all contacts whose texts differ only in values."""

    def __init__(self, body: str, content: Content, *, preview: bool) -> None:
        page = page_of(body)
        self._links = [_Link(url, tracked=not preview) for url in page.links]
        self._pictures = [_Link(url, tracked=False) for url in page.pictures]
        places = {name: f"{NONCE}o{number}x" for number, name in enumerate(OURS)}
        is_newsletter = content.kind == Content.Kind.NEWSLETTER
        language = get_language() or settings.LANGUAGE_CODE
        context = {"is_newsletter": is_newsletter, "preview": preview, "language": language}
        html = render_to_string(
            "campaigns/email.html", {**places, **context, "has_preheader": bool(content.preheader), "body": page.html}
        )
        text = render_to_string("campaigns/email.txt", {**places, **context, "body": plain_text(page.html)})
        self._html = pieces(html)
        self._text = pieces(text.strip() + "\n")

    def filled(self, values: list[str], ours: Mapping[str, str]) -> tuple[str, str]:
        """The HTML and the plain text with these values."""

        def in_html(letter: str, number: int) -> str:
            if letter == "v":
                return escape(values[number])
            if letter == "l":
                return escape(self._links[number].url(values, ours["token"]))
            if letter == "i":
                return escape(self._pictures[number].url(values, ours["token"]))
            return escape(ours[OURS[number]])

        def in_text(letter: str, number: int) -> str:
            if letter == "v":
                return values[number]
            if letter == "l":
                return self._links[number].target(values)
            return ours[OURS[number]] if letter == "o" else ""

        return put_together(self._html, in_html), put_together(self._text, in_text)


class _Link:
    """Where a link of the email leads, by way of us if it is ``tracked``."""

    def __init__(self, url: str, *, tracked: bool) -> None:
        self._cut = pieces(url)
        self._tracked = tracked
        self._is_fixed = len(self._cut) == 1
        self._fixed = ""
        if self._is_fixed:
            self._fixed = self._addressed(safe_url(self._cut[0][0]), f"{NONCE}token")

    def target(self, values: list[str]) -> str:
        """Where it leads in the end; "#" for an address that nobody should follow."""
        return safe_url(put_together(self._cut, lambda letter, number: values[number] if letter == "v" else ""))

    def url(self, values: list[str], token: str) -> str:
        if self._is_fixed:
            return self._fixed.replace(f"{NONCE}token", token)
        return self._addressed(self.target(values), token)

    def _addressed(self, target: str, token: str) -> str:
        is_ours = target.startswith(f"{settings.PUBLIC_URL}/m/")
        if not self._tracked or is_ours or not target.startswith(("http://", "https://")):
            return target
        return links.click_url(token, target)

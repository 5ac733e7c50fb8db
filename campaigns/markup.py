"""From Markdown with HTML to what an email may contain, and to the text of its plain part.

This happens once for all contacts whose texts differ in nothing but values: these are marks here (`liquid.MARK`), and
what takes their places later is escaped. A value can so become neither Markdown nor HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from campaigns.liquid import NONCE

BUTTON = "button"  # the title of a link that shall look like one
BUTTON_STYLE = (
    "display:inline-block;padding:12px 24px;border-radius:6px;background-color:#4338ca;color:#ffffff;"
    "font-weight:bold;text-decoration:none"
)


def _begin_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    link = tokens[index]
    if link.attrs.get("title") == BUTTON:
        del link.attrs["title"]
        link.attrSet("style", BUTTON_STYLE)
    return self.renderToken(tokens, index, options, env)


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MARKDOWN.add_render_rule("link_open", _begin_link)
TAGS = frozenset(
    {"a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "div", "dl"}
    | {"dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "mark"}
    | {"ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead"}
    | {"tr", "u", "ul"}
)
CELL = {"align", "valign", "bgcolor", "width", "height", "colspan", "rowspan"}
ATTRIBUTES = {
    "*": {"style", "title", "align", "dir", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border"},
    "ol": {"start"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor", "role"},
    "td": CELL,
    "th": CELL,
}
STYLES = frozenset(
    {"background", "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left"}
    | {"border-radius", "border-right", "border-spacing", "border-style", "border-top", "border-width", "color"}
    | {"display", "font", "font-family", "font-size", "font-style", "font-weight", "height", "letter-spacing"}
    | {"line-height", "list-style", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top"}
    | {"max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top"}
    | {"text-align", "text-decoration", "text-transform", "vertical-align", "white-space", "width"}
)
SCHEMES = {"http", "https", "mailto", "tel"}
PLACE = re.compile(f"{NONCE}([a-z])([0-9]+)x")


@dataclass
class Page:
    """Sanitised HTML whose links and pictures from values are places to fill: ``l`` numbers ``links``, ``i`` numbers
    ``pictures``; ``v`` stays a value.
    """

    html: str = ""
    links: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def page_of(markdown: str) -> Page:
    """The page of a text with Markdown and HTML."""
    page = Page()

    def seen(tag: str, attribute: str, value: str) -> str | None:
        if tag == "a" and attribute == "href":
            page.links.append(value)
            return f"{NONCE}l{len(page.links) - 1}x"
        if tag == "img" and attribute == "src" and NONCE in value:
            page.pictures.append(value)
            return f"{NONCE}i{len(page.pictures) - 1}x"
        # What a value might say in a style sheet is nobody's to say.
        return None if attribute == "style" and NONCE in value else value

    page.html = nh3.clean(
        MARKDOWN.render(markdown),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=seen,
        url_schemes=SCHEMES,
        link_rel=None,
        filter_style_properties=set(STYLES),
    )
    return page


def safe_url(url: str) -> str:
    """The address, if it is one that an email may lead to, else "#"."""
    url = url.strip()
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        return "#"
    return url if scheme in SCHEMES or url.startswith("#") else "#"


def pieces(text: str) -> list[tuple[str, str, int]]:
    """A text cut at its places: what stands before a place, its letter and number. The last has neither."""
    found = PLACE.split(text)
    places = [(found[at], found[at + 1], int(found[at + 2])) for at in range(0, len(found) - 1, 3)]
    return [*places, (found[-1], "", 0)]


def put_together(cut: list[tuple[str, str, int]], place: Callable[[str, int], str]) -> str:
    """The text again, with what ``place`` gives for each letter and number."""
    written = []
    for before, letter, number in cut:
        written.append(before)
        if letter:
            written.append(place(letter, number))
    return "".join(written)


BLOCKS = frozenset(
    {"blockquote", "caption", "center", "div", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p"}
    | {"pre", "table", "ul"}
)
LINES = frozenset({"br", "dd", "dt", "figcaption", "li", "tr"})


def plain_text(html: str) -> str:
    """Sanitised HTML as plain text: paragraphs, lists with dashes and numbers, links with their addresses."""
    reader = _PlainText()
    reader.feed(html)
    reader.close()
    text = "".join(reader.written)
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.lists: list[int | None] = []  # the next number of each list we are in; None for one with dashes
        self.links: list[tuple[str, int]] = []  # where each link we are in leads, and where its text begins
        self.verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in BLOCKS and not (tag in ("ul", "ol") and self.lists):
            self._break(2)
        elif tag in LINES:
            self._break(1)
        if tag == "hr":
            self.written.append("-----\n\n")
        elif tag in ("td", "th") and self._column() > 0:
            self.written.append("  ")
        elif tag in ("ul", "ol"):
            self.lists.append(_number(given.get("start", "1")) if tag == "ol" else None)
        elif tag == "li":
            self.written.append(self._bullet())
        elif tag == "img":
            self.written.append(given.get("alt", ""))
        elif tag == "a":
            self.links.append((given.get("href", ""), len(self.written)))
        elif tag == "pre":
            self.verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.links:
            self._end_link()
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.verbatim -= 1
        if tag in BLOCKS and tag != "hr" and not self.lists:
            self._break(2)

    def handle_data(self, data: str) -> None:
        text = data if self.verbatim else re.sub(r"\s+", " ", data)
        if not self.verbatim and (not self.written or self.written[-1].endswith(("\n", " "))):
            text = text.lstrip()
        if text:
            self.written.append(text)

    def _end_link(self) -> None:
        url, start = self.links.pop()
        if url and "".join(self.written[start:]).strip() != url:
            self.written.append(f" ({url})" if len(self.written) > start else url)

    def _bullet(self) -> str:
        indent = "  " * (len(self.lists) - 1)
        if not self.lists or self.lists[-1] is None:
            return f"{indent}- "
        self.lists[-1] += 1
        return f"{indent}{self.lists[-1] - 1}. "

    def _column(self) -> int:
        """How far into its line the text is."""
        line = "".join(self._line_backwards())
        return len(line.rpartition("\n")[2])

    def _line_backwards(self) -> Iterator[str]:
        tail: list[str] = []
        for part in reversed(self.written):
            tail.append(part)
            if "\n" in part:
                break
        return reversed(tail)

    def _break(self, lines: int) -> None:
        text = "".join(self.written[-3:])
        if not text.strip(" ") and len(self.written) <= 3:
            return
        missing = lines - (len(text) - len(text.rstrip("\n")))
        self.written.append("\n" * max(0, missing))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 1

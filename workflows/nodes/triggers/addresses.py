"""Addresses of pages, and rules on them.

A rule is a whole address or a path. What does not tell one page from another does not count: the scheme, the part
behind ``#``, upper and lower case, how characters are encoded, a slash at the end, and, unless the rule has one itself,
the part behind ``?``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.folding import fold
from segments.values import LinesField
from workflows.nodes.triggers.filters import lines_of

DEFAULT_PORTS = (None, 80, 443)


@dataclass(frozen=True)
class Address:
    """The address of a page, or a rule on addresses; ``host`` is empty for a path alone.

    A page visit is compared with the rules of every workflow while the visitor waits, so that both are kept ready.
    """

    host: str
    path: str
    query: str

    @cached_property
    def whole(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @cached_property
    def bare(self) -> str:
        return self.path.rstrip("/")

    def is_exactly(self, rules: Sequence[Address]) -> bool:
        for rule in rules:
            if self.bare == rule.bare and (not rule.query or self.query == rule.query) and self._is_at(rule.host):
                return True
        return False

    def starts_with(self, rules: Sequence[Address]) -> bool:
        for rule in rules:
            start = rule.whole
            if (self.whole.startswith(start) or f"{self.path}/" == start) and self._is_at(rule.host):
                return True
        return False

    def _is_at(self, host: str) -> bool:
        return not host or self.host == host


@lru_cache(maxsize=10_000)
def address(text: str) -> Address | None:
    """The address that a text is; None if it is none."""
    text = text.strip()
    if not text.startswith(("/", "http://", "https://", "HTTP://", "HTTPS://")):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "") + ("" if port in DEFAULT_PORTS else f":{port}")
    except ValueError:
        return None
    if not host and not text.startswith("/"):
        return None
    return Address(host, fold(unquote(parts.path)) or "/", fold(unquote(parts.query)))


def rules_of(stored: Any) -> Sequence[Address]:
    """The rules in a setting."""
    if not stored:
        return ()
    return _parsed(tuple(map(str, stored)) if isinstance(stored, list) else stored)


@lru_cache(maxsize=10_000)
def _parsed(stored: str | tuple[str, ...]) -> Sequence[Address]:
    """The rules of hundreds of workflows are looked at for every page that anybody visits."""
    return [rule for line in lines_of(list(stored) if isinstance(stored, tuple) else stored) if (rule := address(line))]


def page_of(properties: Mapping[str, Any]) -> Address | None:
    """The page that an event was on: its ``url``, or else its ``path``."""
    url, path = properties.get("url"), properties.get("path")
    found = address(url) if isinstance(url, str) else None
    if found is None and isinstance(path, str):
        found = address(path if path.startswith("/") else f"/{path}")
    return found


class RulesField(LinesField):
    """Rules on addresses, one on each line."""

    def clean(self, value: Any) -> list[str]:
        rules: list[str] = super().clean(value)
        for rule in rules:
            if address(rule) is None:
                raise ValidationError(
                    _("“%(rule)s” is no address, such as https://shop.example/desks, and no path, such as /desks.")
                    % {"rule": rule}
                )
        return rules

"""Reading what a program sends: JSON of bounded size and depth, checked entry by entry.

Nothing is guessed: a number is no text, a text is no number, and an entry that nobody knows is refused by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from crm.api.errors import Path, Problem, Refused, refused

LARGEST_BODY = 10 * 1024 * 1024  # bytes
DEEPEST = 64
LARGEST_ID = 2**63 - 1
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL keeps no NUL, and half a surrogate pair is no character


class BoundedJSON(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise refused("", _("The body is longer than %(most)s bytes.") % {"most": LARGEST_BODY}, status=413)
        try:
            body = json.loads(raw.decode(), parse_constant=_no_number)
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(error)s") % {"error": error}) from error
        except RecursionError:
            raise _too_deep() from None
        _check_depth(body)
        return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _too_deep() -> ParseError:
    return ParseError(_("The body is nested more than %(deepest)s deep.") % {"deepest": DEEPEST})


def _check_depth(body: Any) -> None:
    level = [body]
    for _depth in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def body_of(request: Request) -> dict[str, Any]:
    """The body, which is an object of texts that the database can keep. Raises `Refused`."""
    body = request.data
    if not isinstance(body, dict):
        raise refused("", _("The body is not an object."))
    _check_texts(body)
    return body


def _check_texts(body: Any) -> None:
    found: list[tuple[Path, Any]] = [((), body)]
    while found:
        path, value = found.pop()
        if isinstance(value, str) and UNSTORABLE.search(value):
            raise Refused([Problem(path, _("The text contains characters that cannot be stored."))])
        if isinstance(value, dict):
            found += [(path, name) for name in value]
            found += [((*path, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            found += [((*path, place), inner) for place, inner in enumerate(value)]


class Body(serializers.Serializer):
    """An object with these entries and no others."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: [_("There is no such entry.")] for name in unknown})
        checked: dict[str, Any] = super().to_internal_value(data)
        return checked


def read(request: Request, shape: type[Body], *, partial: bool = False) -> dict[str, Any]:
    """The checked entries of the body. Raises `Refused` and ValidationError."""
    return _checked(shape(data=body_of(request), partial=partial))


def read_query(request: Request, shape: type[Body]) -> dict[str, Any]:
    """The checked parameters of the address. Raises ValidationError."""
    return _checked(shape(data=request.query_params.dict()))


def _checked(serializer: serializers.Serializer) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.validated_data
    return checked


class Text(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class WholeNumber(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return int(data)


class YesNo(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Id(WholeNumber):
    def __init__(self, **options: Any) -> None:
        super().__init__(**({"min_value": 1, "max_value": LARGEST_ID} | options))


class Moment(serializers.DateTimeField):
    """A time in ISO 8601 with its time zone."""

    default_error_messages = {
        "no_zone": gettext_lazy("The time has no time zone."),
        "too_far": gettext_lazy("The time lies too far from now."),
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        return super().to_internal_value(data)

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            self.fail("no_zone")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("too_far")

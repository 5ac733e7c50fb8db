"""The language in which an email names what it is filled with: Liquid, with what makes sense in an email.

What a template outputs is kept apart from what it says itself (`Filled`), so that nobody's name can become Markdown or
HTML, whatever a template does with it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import takewhile
from typing import Any, TextIO

from dateutil import parser as moments
from django.utils import formats, timezone
from liquid import Environment, RenderContext
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.exceptions import LiquidError
from liquid.filter import with_context
from liquid.template import BoundTemplate
from liquid.undefined import is_undefined

NO_TAGS = ("cycle", "decrement", "doc", "echo", "ifchanged", "include", "increment", "liquid", "render", "tablerow")
NO_FILTERS = (
    *("base64_decode", "base64_encode", "base64_url_safe_decode", "base64_url_safe_encode"),
    *("escape", "escape_once", "escapejs", "newline_to_br", "safe", "strip_newlines"),
)
MOST_LOOPS = 10_000
LONGEST_OUTPUT = 1_000_000

# What stands for a value until the rest has become HTML. Nobody can guess it, and to Markdown it is a word.
NONCE = f"m{secrets.token_hex(8)}"
MARK = re.compile(f"{NONCE}v([0-9]+)x")


class FillContext(RenderContext):
    """Where the values of outputs are collected while a template is rendered."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.output: list[str] = []
        self.plain = 0  # how many captures we are in


class _Output(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        text = written(self.expression.evaluate(context))
        assert isinstance(context, FillContext)
        if context.plain:
            return buffer.write(text)
        context.output.append(text)
        return buffer.write(f"{NONCE}v{len(context.output) - 1}x")


class _OutputTag(Output):
    node_class = _Output


class _Capture(CaptureNode):
    """What is captured is a text like any value: it may be changed by filters, and is no HTML."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, FillContext)
        context.plain += 1
        try:
            return super().render_to_output(context, buffer)
        finally:
            context.plain -= 1


class _CaptureTag(CaptureTag):
    node_class = _Capture


class _Environment(Environment):
    loop_iteration_limit = MOST_LOOPS
    output_stream_limit = LONGEST_OUTPUT
    local_namespace_limit = LONGEST_OUTPUT


def written(value: Any) -> str:
    """A value as people read it in an email."""
    if isinstance(value, str):
        return value
    if value is None or is_undefined(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")
    if isinstance(value, date):
        return formats.date_format(value, "DATE_FORMAT")
    if isinstance(value, list | tuple):
        return ", ".join(written(item) for item in value)
    if isinstance(value, Mapping):
        return ""
    return str(value)


@with_context
def _date(value: Any, form: Any = "%Y-%m-%d", *, context: RenderContext) -> str:
    """A date or a time in the form of ``strftime``; ``"now"`` is the moment of sending. Nothing for no date."""
    if value in ("now", "today"):
        value = context.globals["now"]
    if isinstance(value, str):
        try:
            value = moments.parse(value)
        except (ValueError, OverflowError):
            return value
    if isinstance(value, datetime):
        if timezone.is_aware(value):
            value = timezone.localtime(value)
    elif isinstance(value, date):
        value = datetime.combine(value, time.min)
    else:
        return written(value)
    moment: datetime = value
    return moment.strftime(str(form))


def _environment() -> Environment:
    environment = _Environment()
    for name in NO_TAGS:
        environment.tags.pop(name)
    for name in NO_FILTERS:
        environment.filters.pop(name)
    environment.add_tag(_OutputTag)
    environment.add_tag(_CaptureTag)
    environment.add_filter("date", _date)
    return environment


ENVIRONMENT = _environment()


class Wrong(ValueError):
    """The source is no Liquid; the text says what is wrong, and ``line`` where."""

    def __init__(self, error: LiquidError) -> None:
        place = error.context()
        self.line = place[0] if place else None
        super().__init__(str(error.message))


@lru_cache(maxsize=500)
def parse(source: str) -> BoundTemplate:
    """The template of a source. Raises `Wrong`."""
    try:
        return ENVIRONMENT.from_string(source)
    except LiquidError as error:
        raise Wrong(error) from error


@dataclass(frozen=True)
class Filled:
    """A rendered template: its text, with marks (`MARK`) in place of values, and the values."""

    text: str
    values: list[str]

    def __str__(self) -> str:
        return MARK.sub(lambda mark: self.values[int(mark[1])], self.text)


def fill(template: BoundTemplate, names: Mapping[str, Any]) -> Filled:
    """Render a template with these names. Raises `Wrong`."""
    context = FillContext(template, globals=names)
    buffer = context.get_buffer()
    try:
        template.render_with_context(context, buffer)
    except LiquidError as error:
        raise Wrong(error) from error
    return Filled(buffer.getvalue(), context.output)


@dataclass(frozen=True)
class Wants:
    """What a template takes from outside: the names, as their parts (``contact.custom.tier`` is three), and filters.

    A part that is not known beforehand, such as an index or another name in brackets, ends its path.
    """

    paths: list[list[str]]
    filters: list[str]

    @property
    def unknown_filters(self) -> list[str]:
        return [name for name in self.filters if name not in ENVIRONMENT.filters]


def wants(template: BoundTemplate) -> Wants:
    """What a template takes from outside."""
    found = template.analyze(include_partials=False)
    paths = [_known_parts(variable.segments) for variables in found.globals.values() for variable in variables]
    return Wants(paths, list(found.filters))


def _known_parts(segments: list[Any]) -> list[str]:
    return list(takewhile(lambda part: isinstance(part, str), segments))

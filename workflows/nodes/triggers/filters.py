"""Filters on what an event carries: texts without regard to case, and numbers.

They compare by type, as conditions of segments do: a text is never a number, and what is missing fits nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.folding import fold
from segments.values import LinesField, storable

LONGEST_TEXT = 20_000
Label = str | Promise


@dataclass(frozen=True)
class Comparison:
    """A way to compare. ``phrase`` says it of a property on a card."""

    label: Label
    phrase: Label
    holds: Callable[[Any, Any], bool]


TEXTS = {
    "is": Comparison(gettext_lazy("is"), gettext_lazy("%(name)s: %(values)s"), operator.eq),
    "contains": Comparison(gettext_lazy("contains"), gettext_lazy("%(name)s contains %(values)s"), operator.contains),
    "starts_with": Comparison(
        gettext_lazy("starts with"), gettext_lazy("%(name)s starts with %(values)s"), str.startswith
    ),
}
NUMBERS = {
    "equals": Comparison(gettext_lazy("equals"), gettext_lazy("%(name)s = %(values)s"), operator.eq),
    "greater_than": Comparison(gettext_lazy("is greater than"), gettext_lazy("%(name)s > %(values)s"), operator.gt),
    "at_least": Comparison(gettext_lazy("is at least"), gettext_lazy("%(name)s ≥ %(values)s"), operator.ge),
    "less_than": Comparison(gettext_lazy("is less than"), gettext_lazy("%(name)s < %(values)s"), operator.lt),
    "at_most": Comparison(gettext_lazy("is at most"), gettext_lazy("%(name)s ≤ %(values)s"), operator.le),
}


def choices_of(comparisons: dict[str, Comparison]) -> list[tuple[str, Label]]:
    return [(key, one.label) for key, one in comparisons.items()]


def lines_of(stored: Any) -> list[str]:
    """The texts of a setting; one text is several lines."""
    if not stored:
        return []
    if isinstance(stored, list):
        return [str(one) for one in stored]
    return [line.strip() for line in str(stored).splitlines() if line.strip()]


def text_fits(found: Any, how: str | None, wanted: Sequence[str]) -> bool:
    """Whether a property is one of the texts, contains one or begins with one. A list fits by any of its texts."""
    texts = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
    holds = TEXTS[how or "is"].holds
    return any(holds(fold(text), fold(one)) for text in texts for one in wanted)


def number_fits(found: Any, how: str, wanted: Any) -> bool:
    """Whether a number compares so with another. ``wanted`` may be a text."""
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return False
    return NUMBERS[how].holds(Decimal(str(found)), Decimal(str(wanted)))


def lines_field(label: Any, help_text: Any, **options: Any) -> LinesField:
    return LinesField(
        label=label,
        help_text=help_text,
        max_length=LONGEST_TEXT,
        validators=[storable],
        **({"required": False} | options),
    )


def text_operator_field(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices_of(TEXTS), initial="is", required=False)


def number_operator_field(label: Any, without: Any) -> forms.ChoiceField:
    """``without`` is the choice of no comparison."""
    return forms.ChoiceField(label=label, choices=[("", without), *choices_of(NUMBERS)], required=False)


def number_field(label: Any, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=20, decimal_places=4, required=False, **options)


def one_of(texts: Sequence[str]) -> str:
    """Texts in words: "desks, chairs or lamps"."""
    if len(texts) < 2:
        return "".join(texts)
    return _("%(first)s or %(last)s") % {"first": ", ".join(texts[:-1]), "last": texts[-1]}


def text_in_words(name: Label, how: str | None, wanted: Sequence[str]) -> str:
    """A comparison of texts for a card; nothing where there is nothing to compare with."""
    return str(TEXTS[how or "is"].phrase) % {"name": name, "values": one_of(wanted)} if wanted else ""


def number_in_words(name: Label, how: str | None, wanted: Any) -> str:
    """A comparison of numbers for a card; nothing where there is none."""
    return str(NUMBERS[how].phrase) % {"name": name, "values": wanted} if how else ""


def joined(*words: str, empty: Label) -> str:
    """What a card says: all that is said, or ``empty``."""
    return " · ".join(word for word in words if word) or str(empty)

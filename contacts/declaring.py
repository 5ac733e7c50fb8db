"""Declaring custom fields: which there are, what they are called and what can be chosen in them."""

from collections.abc import Sequence

from django.db.models import Count, Q, TextField, Value
from django.db.models.lookups import Exact
from django.utils.text import slugify

from contacts.models import Contact, ContactField
from contacts.typed_json import ArrayHas, TypedJSON
from contacts.types import FIELD_TYPES

WITH_OPTIONS = frozenset({ContactField.Type.CHOICE, ContactField.Type.CHOICES})
LONGEST_KEY = 63

Options = list[dict[str, str]]


def key_from(label: str) -> str:
    """A key made from a label, "" where nothing of the label can stand in one: "Shoe size" gives ``shoe_size``."""
    words = slugify(label).replace("-", "_").strip("_")
    if words and not words[0].isalpha():
        words = f"field_{words}"
    return words[:LONGEST_KEY].rstrip("_")


def parse_options(text: str) -> Options:
    """Options from lines of ``value|label``; a line without ``|`` is both. Raises ValueError with the line at fault."""
    options: Options = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        value, _bar, label = (part.strip() for part in line.partition("|"))
        if not value or any(option["value"] == value for option in options):
            raise ValueError(line)
        options.append({"value": value, "label": label or value})
    return options


def options_as_text(options: Options) -> str:
    """Options as `parse_options` reads them."""
    return "\n".join(
        option["value"] if option["label"] == option["value"] else f"{option['value']}|{option['label']}"
        for option in options
    )


def contacts_with_options(field: ContactField, values: Sequence[str]) -> dict[str, int]:
    """How many contacts have each of these options, without those that nobody has; one pass over the contacts."""
    stored = TypedJSON("custom", key=field.key, type=FIELD_TYPES[field.type])

    def has(value: str) -> Q:
        text = Value(value, output_field=TextField())
        return Q(ArrayHas(stored, text)) if field.type == ContactField.Type.CHOICES else Q(Exact(stored, text))

    counts = Contact.objects.aggregate(
        **{f"option_{place}": Count("pk", filter=has(value)) for place, value in enumerate(values)}
    )
    return {value: counts[f"option_{place}"] for place, value in enumerate(values) if counts[f"option_{place}"]}

"""What events there are in the data: types, their properties, and the values of these, to choose from.

Types are found exactly, by jumping along an index. Properties and values are those of the newest events of a type, so
that asking takes no longer the more events there are.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection

from contacts.models import Event
from contacts.typed_json import KEY

NEWEST = 1_000
MOST_VALUES = 30
LONGEST_VALUE = 100

TYPES_OF_JSON: dict[type, str] = {str: "text", bool: "boolean", int: "decimal", float: "decimal", list: "choices"}


def types_seen() -> list[str]:
    """The types of all events, in order; one look into an index for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE seen (type) AS (
              SELECT MIN(type) FROM contacts_event
              UNION ALL
              SELECT (SELECT MIN(type) FROM contacts_event WHERE contacts_event.type > seen.type)
              FROM seen WHERE seen.type IS NOT NULL
            )
            SELECT type FROM seen WHERE type IS NOT NULL
            """
        )
        return [type for (type,) in cursor.fetchall()]


def properties_seen(event_type: str) -> dict[str, str]:
    """The properties of the newest events of a type, each with the key of the field type that its values mostly have.

    The most frequent ones come first.
    """
    kinds: dict[str, Counter[str]] = {}
    for properties in _newest(event_type):
        for key, value in properties.items():
            if type(value) in TYPES_OF_JSON and KEY.fullmatch(key):
                kinds.setdefault(key, Counter())[TYPES_OF_JSON[type(value)]] += 1
    most_frequent = sorted(kinds, key=lambda key: (-kinds[key].total(), key))
    return {key: kinds[key].most_common(1)[0][0] for key in most_frequent}


def values_seen(event_type: str, key: str) -> list[str]:
    """The texts that the newest events of a type have under a property, the most frequent ones first."""
    found: Counter[str] = Counter()
    for properties in _newest(event_type):
        value = properties.get(key)
        items = value if isinstance(value, list) else [value]
        found.update(item for item in items if isinstance(item, str) and 0 < len(item) <= LONGEST_VALUE)
    return [value for value, _count in found.most_common(MOST_VALUES)]


def _newest(event_type: str) -> Iterator[dict[str, Any]]:
    events = Event.objects.filter(type=event_type).order_by("-occurred_at").values_list("properties", flat=True)
    return (properties for properties in events[:NEWEST] if isinstance(properties, dict))

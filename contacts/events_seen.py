"""What events there are in the data: types, their properties, and the values of these, to choose from.

Types are found exactly, by jumping along an index. Properties and values are those of the newest events of a type, so
that asking takes no longer the more events there are.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection

from contacts.typed_json import KEY

NEWEST = 1_000
MOST_VALUES = 30
LONGEST_VALUE = 100

Properties = dict[str, Any]

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


def properties_of(events: Iterable[Properties]) -> dict[str, str]:
    """The properties that events have, each with the key of the field type that its values mostly have.

    The most frequent ones come first.
    """
    kinds: dict[str, Counter[str]] = {}
    for properties in events:
        for key, value in properties.items():
            if type(value) in TYPES_OF_JSON and KEY.fullmatch(key):
                kinds.setdefault(key, Counter())[TYPES_OF_JSON[type(value)]] += 1
    most_frequent = sorted(kinds, key=lambda key: (-kinds[key].total(), key))
    return {key: kinds[key].most_common(1)[0][0] for key in most_frequent}


def values_seen(event_type: str, key: str) -> list[str]:
    """The texts that the newest events of a type have under a property, the most frequent ones first."""
    return values_of(newest_events([event_type])[event_type], key)


def values_of(events: Iterable[Properties], key: str) -> list[str]:
    """The texts that events have under a property, the most frequent ones first."""
    found: Counter[str] = Counter()
    for properties in events:
        value = properties.get(key)
        items = value if isinstance(value, list) else [value]
        found.update(item for item in items if isinstance(item, str) and 0 < len(item) <= LONGEST_VALUE)
    return [value for value, _count in found.most_common(MOST_VALUES)]


def newest_events(event_types: Iterable[str]) -> dict[str, list[Properties]]:
    """The properties of the newest events of each of the types, in one query."""
    newest: dict[str, list[Properties]] = {event_type: [] for event_type in event_types}
    if not newest:
        return newest
    of_one = """
        SELECT * FROM (
          SELECT type, properties FROM contacts_event WHERE type = %s ORDER BY occurred_at DESC LIMIT %s
        ) AS newest
    """
    parameters = [value for event_type in newest for value in (event_type, NEWEST)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([of_one] * len(newest)), parameters)
        for event_type, stored in cursor.fetchall():
            properties = json.loads(stored)
            if isinstance(properties, dict):
                newest[event_type].append(properties)
    return newest

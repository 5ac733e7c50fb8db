"""Random events for the property tests: few types, few moments that often meet, properties of every type and of the
wrong one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contacts.models import Event

Events = list[dict[str, Any]]

EVENT_TYPES = ["purchase", "cart_add", "store_visit"]
PROPERTIES = {"category": "text", "quantity": "decimal", "gift": "boolean", "tags": "choices"}
VALUES: dict[str, list[Any]] = {
    "text": ["shoes", "SHOES", "Straße", "STRASSE", "ς", "Σ", "x", "5", "50%", "true"],
    # Sums count to four places: more of them are rounded, half away from zero.
    "decimal": [0, 1, 2, 5, -1, 0.1, 0.2, 0.3, 0.33335, 0.00015, -0.00145, 33.3333, 1e21, 1.0],
    "boolean": [True, False],
    "choices": [["new"], ["NEW", "sale"], ["sale", "new", "New"], ["Straße"], ["sale", 5], [""]],
}
JUNK: list[Any] = [
    *(None, True, False, 0, 1, 5, 5.5, -1, 1e21, 0.30000000000000004, 2**53 + 1),
    *("", "5", "true", "null", "shoes", "\n", [], {}, ["shoes"], [60], [["new"]], {"new": True}),
]
AMOUNTS = [
    *(None, None),
    *map(Decimal, ("0", "0.1", "0.2", "0.3", "1", "5", "-5", "33.3333", "100.3", "99999999999.9999", "-0.0001")),
]


def properties() -> SearchStrategy[dict[str, Any]]:
    """What events say: mostly values of the type that one would expect, sometimes anything."""
    junk = st.sampled_from(JUNK)
    values = {key: st.sampled_from(VALUES[kind]) for key, kind in PROPERTIES.items()}
    return st.fixed_dictionaries(
        {}, optional={key: st.one_of(value, value, value, junk) for key, value in values.items()}
    )


@st.composite
def events(draw: st.DrawFn, moments: SearchStrategy[datetime]) -> Events:
    """The events of one contact, in the order in which they are written, which is not that of time."""
    around = draw(st.lists(moments, min_size=1, max_size=2))
    apart = st.builds(
        lambda count, unit, off: timedelta(**{unit: count}) + timedelta(microseconds=off),
        st.sampled_from([0, 0, 1, 2, 3, -1]),
        st.sampled_from(["hours", "days"]),
        st.sampled_from([0, 0, 0, 1, -1]),
    )
    one = st.fixed_dictionaries(
        {
            "type": st.sampled_from(EVENT_TYPES),
            "at": st.builds(lambda moment, step: moment + step, st.sampled_from(around), apart),
            "value": st.sampled_from(AMOUNTS),
            "properties": properties(),
        }
    )
    return draw(st.lists(one, max_size=6))


def write(contacts: Mapping[int, Mapping[str, Any]]) -> None:
    """Write the events that the contacts, given by id, were drawn with."""
    Event.objects.bulk_create(
        Event(
            contact_id=contact_id,
            type=event["type"],
            occurred_at=event["at"],
            received_at=event["at"],
            value=event["value"],
            properties=event["properties"],
        )
        for contact_id, contact in contacts.items()
        for event in contact["events"]
    )

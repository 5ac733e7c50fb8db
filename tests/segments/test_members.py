"""The members of random definitions over random contacts are those of a plain reading of the definition.

The examples are the same on SQLite and on PostgreSQL (see conftest), so passing on both says that both databases find
the same members.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.compiler import validate
from segments.models import Segment
from tests.segments import definitions, worlds
from tests.segments.comparing import (
    DEEP,
    account_time_zone,
    examined,
    matched,
    new_segment,
    read,
    refreshed,
    undone,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists() -> list[int]:
    worlds.declare_fields()
    return worlds.make_lists()


@pytest.mark.parametrize("key", worlds.TYPES)
@settings(max_examples=4 * DEEP)
@given(data=st.data())
def test_every_operator_of_every_field(key: str, lists: list[int], data: st.DataObject):
    """Every field with each of its operators, for contacts at the edges."""
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    with undone(), account_time_zone(zone):
        contacts = worlds.write(data.draw(worlds.contacts([key], now, zone, many=True)))
        for operator in definitions.operators_of(worlds.TYPES[key]):
            rule = data.draw(definitions.rules_with(key, operator, now, zone))
            definition = validate({"version": 1, "match": "all", "rules": [rule]}, kind=Segment.Kind.DYNAMIC)
            assert matched(definition, now=now) == read(definition, contacts, now=now, zone=zone), rule


@settings(max_examples=60 * DEEP)
@given(data=st.data())
def test_random_definitions(lists: list[int], data: st.DataObject):
    """Dynamic and dynamic plus definitions: as a query, by a full refresh, and for a few contacts."""
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    with undone(), account_time_zone(zone):
        friends = worlds.make_static_segments()
        rules = st.one_of(
            definitions.field_rules(now, zone),
            definitions.field_rules(now, zone),
            definitions.list_rules(lists, now),
            definitions.segment_rules(friends),
        )
        drawn = [
            data.draw(
                definitions.dynamic(st.one_of(definitions.field_rules(now, zone), definitions.list_rules(lists, now)))
            ),
            *data.draw(st.lists(definitions.dynamic_plus(rules), min_size=1, max_size=3)),
        ]
        keys = {rule["field"] for definition in drawn for rule in rules_in(definition) if "field" in rule}
        contacts = worlds.write(data.draw(worlds.contacts(keys, now, zone, lists=lists, segments=friends)))
        for definition in drawn:
            expected = read(definition, contacts, now=now, zone=zone)
            assert matched(definition, now=now) == expected
            segment = new_segment(definition)
            assert refreshed(segment, now=now) == expected
            assert examined(segment, sorted(contacts), now=now) == expected
            assert examined(segment, sorted(contacts)[::2], now=now) == expected & set(sorted(contacts)[::2])


def rules_in(group: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [rules_in(rule) if "match" in rule else [rule] for rule in group["rules"]]
    return [rule for found in inner for rule in found]

"""The members of random dynamic plus segments over random events are those of a plain reading of the definition.

As in `test_members`, the examples are the same on both databases, so that these find the same members.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import Contact, Event, ListMembership
from segments.compiler import depends_on, describe, validate
from segments.models import Membership, Segment
from segments.refresh import audit
from segments.statements import matching_sql
from tests.segments import definitions, event_definitions, event_worlds, worlds
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

KINDS = {
    **{
        metric: lambda now, metric=metric: event_definitions.event_rules(now, metric)
        for metric in event_definitions.METRICS
    },
    "sequence": event_definitions.sequence_rules,
}


@pytest.fixture
def lists() -> list[int]:
    worlds.declare_fields()
    return worlds.make_lists()


def group(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return validate({"version": 1, "match": match, "rules": list(rules)}, kind=Segment.Kind.DYNAMIC_PLUS)


def populated(
    data: st.DataObject,
    now: datetime,
    zone: str,
    *,
    keys: Iterable[str] = (),
    lists: Iterable[int] = (),
    **options: Any,
) -> dict[int, dict[str, Any]]:
    """Contacts with events, written."""
    events = event_worlds.events(worlds.moments(now, zone))
    return worlds.write(data.draw(worlds.contacts(keys, now, zone, lists=lists, events=events, **options)))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8 * DEEP)
@given(data=st.data())
def test_every_metric_and_sequences(kind: str, lists: list[int], data: st.DataObject):
    """Single rules, many to a world, since drawing the world takes longest."""
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    with undone(), account_time_zone(zone):
        contacts = populated(data, now, zone, many=True)
        for rule in data.draw(st.lists(KINDS[kind](now), min_size=4, max_size=8)):
            definition = group(rule)
            assert definition["rules"] == [rule]
            expected = read(definition, contacts, now=now, zone=zone)
            assert matched(definition, now=now) == expected, rule
            assert matched(group(rule, match="none"), now=now) == contacts.keys() - expected, rule


@settings(max_examples=20 * DEEP)
@given(data=st.data())
def test_random_definitions(lists: list[int], data: st.DataObject):
    """By the query, in full, and for a few contacts; each next segment may read those before it."""
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    with undone(), account_time_zone(zone):
        readable = worlds.make_static_segments()
        keys = data.draw(st.lists(st.sampled_from(sorted(worlds.TYPES)), min_size=1, max_size=4, unique=True))
        contacts = populated(data, now, zone, keys=keys, lists=lists, segments=readable)
        for _number in range(data.draw(st.integers(1, 4))):
            drawn = data.draw(random_definition(now, zone, keys, lists, readable))
            definition = validate(drawn, kind=Segment.Kind.DYNAMIC_PLUS)
            assert validate(definition, kind=Segment.Kind.DYNAMIC_PLUS) == definition
            assert validate(json.loads(json.dumps(definition)), kind=Segment.Kind.DYNAMIC_PLUS) == definition
            assert describe(definition)
            expected = read(definition, contacts, now=now, zone=zone)
            assert matched(definition, now=now) == expected
            segment = new_segment(definition)
            assert asked_for_ids(segment, now=now) == expected
            assert examined(segment, sorted(contacts), now=now) == expected
            assert examined(segment, sorted(contacts)[::2], now=now) == expected & set(sorted(contacts)[::2])
            assert refreshed(segment, now=now) == expected
            opposite = {"any": "none", "none": "any"}.get(definition["match"])
            if opposite:
                assert matched(definition | {"match": opposite}, now=now) == contacts.keys() - expected
            for contact_id in expected:
                contacts[contact_id]["segments"].add(segment.pk)
            readable.append(segment.pk)
        assert [run.differences for run in audit(now=now) if run.differences] == []


def random_definition(
    now: datetime, zone: str, keys: list[str], lists: list[int], segments: list[int]
) -> st.SearchStrategy[dict[str, Any]]:
    events = event_definitions.event_rules(now)
    return definitions.dynamic_plus(
        st.one_of(
            *(events, events, events),
            event_definitions.sequence_rules(now),
            definitions.field_rules(now, zone, keys),
            definitions.list_rules(lists, now),
            definitions.segment_rules(segments),
        )
    )


def asked_for_ids(segment: Segment, *, now: datetime) -> set[int]:
    """The members by the SQL that a full refresh runs, each of them once."""
    sql, params = matching_sql(segment, now=now)
    found = [row.pk for row in Contact.objects.raw(sql, params)]
    assert len(found) == len(set(found))
    return set(found)


@settings(max_examples=20 * DEEP)
@given(data=st.data())
def test_nothing_that_a_definition_does_not_depend_on_changes_its_members(lists: list[int], data: st.DataObject):
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    with undone(), account_time_zone(zone):
        friends = worlds.make_static_segments()
        keys = data.draw(st.lists(st.sampled_from(sorted(worlds.CUSTOM_TYPES)), min_size=1, max_size=4, unique=True))
        contacts = populated(
            data, now, zone, keys=[f"custom.{key}" for key in keys], lists=lists, segments=friends, many=True
        )
        definition = data.draw(random_definition(now, zone, [f"custom.{key}" for key in keys], lists, friends))
        before = matched(definition, now=now)
        depends = depends_on(definition)
        named = {
            kind: [key.partition(":")[2] for key in depends if key.startswith(kind)]
            for kind in ("event", "list", "segment")
        }
        Event.objects.exclude(type__in=named["event"]).delete()
        ListMembership.objects.exclude(list_id__in=named["list"]).delete()
        Membership.objects.exclude(segment_id__in=named["segment"]).delete()
        for contact in Contact.objects.filter(pk__in=contacts):
            contact.custom = {key: value for key, value in contact.custom.items() if f"field:custom.{key}" in depends}
            contact.city = "elsewhere"
            contact.save()
        assert matched(definition, now=now) == before


@pytest.mark.parametrize("number", [2, 3, 6])
def test_the_deepest_definitions_can_be_asked(number: int, now: datetime):
    """Eight levels of sets, or of something else, with the longest conditions innermost."""
    where: list[dict[str, Any]] = [
        {"property": "category", "operator": "does_not_contain", "value": "x", "only_set": True},
        {"property": "tags", "operator": "has_none_of", "value": ["x", "y"], "only_set": True},
        {"property": "tags", "operator": "is_exactly", "value": ["x", "y"]},
    ]
    window = {"kind": "last", "count": 3, "unit": "months"}
    last = {"type": "event", "event": "purchase", "where": where, "metric": "last", "property": "value"}
    leaf = last | {"operator": "not_between", "value": {"from": 1, "to": 2}, "window": window}
    steps: list[dict[str, Any]] = [
        {"event": "purchase", "where": where, "did": place % 2 == 0} for place in range(number)
    ]
    steps[-1]["same"] = "category"
    sequence = {"type": "sequence", "steps": steps, "within": {"count": 1, "unit": "days"}, "window": window}
    named = {"type": "field", "field": "first_name", "operator": "is", "value": "nobody"}
    contact = Contact.objects.create()
    for innermost in ([sequence, leaf], [sequence, named]):
        nested: dict[str, Any] = {"match": "none", "rules": innermost}
        for match in ("any", "all", "none", "any", "all", "none"):
            nested = {"match": match, "rules": [nested, leaf]}
        definition = group(nested, leaf)
        segment = new_segment(definition)
        expected = matched(definition, now=now)
        assert asked_for_ids(segment, now=now) == expected
        assert examined(segment, [contact.pk], now=now) == expected

"""What `validate` refuses, with the place of every fault, and what it stores."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import ContactField, ContactList
from segments.compiler import compile, depends_on, describe, matching, validate
from segments.faults import DefinitionError, json_path
from segments.models import Segment
from tests.segments import definitions, worlds
from tests.segments.comparing import DEEP, account_time_zone

pytestmark = pytest.mark.django_db

DYNAMIC, PLUS = Segment.Kind.DYNAMIC, Segment.Kind.DYNAMIC_PLUS
COUNTRY = {"type": "field", "field": "country", "operator": "is", "value": "ES"}


@pytest.fixture(autouse=True)
def _fields():
    worlds.declare_fields()


def of(*rules: Any, match: str = "all") -> dict[str, Any]:
    return {"version": 1, "match": match, "rules": list(rules)}


def field(key: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    rule = {"type": "field", "field": key, "operator": operator} | more
    return rule if value is None else rule | {"value": value}


def faults(definition: Any, kind: str = DYNAMIC) -> list[str]:
    """The places of all faults."""
    with pytest.raises(DefinitionError) as raised:
        validate(definition, kind=kind)
    assert all(fault.message for fault in raised.value.faults)
    return [json_path(fault.path) for fault in raised.value.faults]


# Places


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        (5, "type"),
        (None, "type"),
        ([], "type"),
        ({}, "type"),
        ({"type": "weather"}, "type"),
        ({"type": ["field"]}, "type"),
        ({"type": "segment", "segment": 1, "operator": "member"}, "type"),
        ({"match": "all", "rules": [COUNTRY]}, "type"),
        (field("height", "is", "ES"), "field"),
        (field("custom.height", "is", "ES"), "field"),
        (field(["country"], "is", "ES"), "field"),  # type: ignore[arg-type]
        ({"type": "field"}, "field"),
        (field("country", "resembles", "ES"), "operator"),
        (field("country", "contains", "ES"), "operator"),
        ({"type": "field", "field": "country"}, "operator"),
        (field("country", "is"), "value"),
        (field("country", "is", ""), "value"),
        (field("country", "is", "Spain"), "value"),
        (field("country", "is", ["ES"]), "value"),
        (field("country", "is", {"count": 1}), "value"),
        (field("country", "is_any_of", "ES"), "value"),
        (field("country", "is_any_of", []), "value"),
        (field("country", "is_any_of", ["ES", 5]), "value"),
        (field("country", "is_any_of", ["ES", "Spain"]), "value"),
        (field("country", "is_set", "ES"), "value"),
        (field("country", "is_not", "ES", only_set="yes"), "only_set"),
        (field("country", "is", "ES", only_sett=True), "only_sett"),
        (field("city", "is", "   "), "value"),
        (field("city", "is_any_of", ["", " "]), "value"),
        (field("city", "contains", "\0"), "value"),
        (field("city", "contains", "\ud800"), "value"),
        (field("points", "equals", "many"), "value"),
        (field("points", "equals", 1.5), "value"),
        (field("points", "equals", True), "value"),
        (field("points", "equals", 2**53), "value"),
        (field("points", "between", {"from": 1}), "value.to"),
        (field("points", "between", {"to": 1}), "value.from"),
        (field("points", "between", {"from": 2, "to": 1}), "value.to"),
        (field("points", "between", {"from": 2, "to": 3, "step": 1}), "value"),
        (field("points", "between", [1, 2]), "value"),
        (field("purchases_total", "equals", "NaN"), "value"),
        (field("purchases_total", "equals", float("inf")), "value"),
        (field("purchases_total", "equals", 0.00001), "value"),
        (field("date_of_birth", "on", "1965-02-30"), "value"),
        (field("date_of_birth", "on", 19650101), "value"),
        (field("date_of_birth", "before", "1965-01-01T10:00"), "value"),
        (field("date_of_birth", "between", {"from": "2001-01-02", "to": "2001-01-01"}), "value.to"),
        (field("date_of_birth", "between", {"from": 5, "to": "2001-01-01"}), "value.from"),
        (field("date_of_birth", "in_last", {"count": 3, "unit": "hours"}), "value.unit"),
        (field("date_of_birth", "in_last", {"count": 0, "unit": "days"}), "value.count"),
        (field("date_of_birth", "in_last", {"count": 1.5, "unit": "days"}), "value.count"),
        (field("date_of_birth", "in_last", {"unit": "days"}), "value.count"),
        (field("date_of_birth", "in_last", {"count": 1, "unit": "days", "of": "may"}), "value"),
        (field("date_of_birth", "in_last", "3 days"), "value"),
        (field("date_of_birth", "between_ago", {"from_count": 2, "to_count": 1, "unit": "days"}), "value.to_count"),
        (field("date_of_birth", "in_this", {"unit": "decade"}), "value.unit"),
        (field("date_of_birth", "anniversary_in_month", {"month": 13}), "value.month"),
        (field("date_of_birth", "anniversary_in_last", {"count": 1, "unit": "years"}), "value.unit"),
        (field("last_seen_at", "on", "2026-01-01T10:00"), "value"),
        (field("last_seen_at", "before", "2026-01-01T25:00"), "value"),
        (field("last_seen_at", "before", "2026-01-01T10:00Z"), "value"),
        (field("last_seen_at", "before", "T10:00"), "value"),
        (field("last_seen_at", "between", {"from": "2026-01-02T10:00", "to": "2026-01-02"}), "value.to"),
        (field("custom.interests", "has", ["gold"]), "value"),
        (field("custom.interests", "has_all_of", ["gold", "tin"]), "value"),
        ({"type": "list", "operator": "member"}, "list"),
        ({"type": "list", "list": 0, "operator": "member"}, "list"),
        ({"type": "list", "list": "News", "operator": "member"}, "list"),
    ],
)
def test_a_fault_is_found_at_its_place(rule: Any, place: str):
    assert faults(of(COUNTRY, rule)) == [f"$.rules[1].{place}"]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"operator": "likes"}, "operator"),
        ({"operator": "member", "window": {"kind": "ever"}}, "window"),
        ({"operator": "joined", "window": "yesterday"}, "window"),
        ({"operator": "joined", "window": {}}, "window.kind"),
        ({"operator": "joined", "window": {"kind": "sometimes"}}, "window.kind"),
        ({"operator": "joined", "window": {"kind": "last", "unit": "days"}}, "window.count"),
        ({"operator": "joined", "window": {"kind": "last", "count": 1, "unit": "moons"}}, "window.unit"),
        ({"operator": "joined", "window": {"kind": "last", "count": 1, "unit": "days", "of": 1}}, "window.of"),
        ({"operator": "joined", "window": {"kind": "ever", "list": 1}}, "window.list"),
        ({"operator": "joined", "window": {"kind": "since", "date": 20240101}}, "window.date"),
        ({"operator": "joined", "window": {"kind": "until", "date": "soon"}}, "window.date"),
        ({"operator": "joined", "window": {"kind": "between", "from": "2024-01-02", "to": "2024-01-01"}}, "window.to"),
        ({"operator": "joined", "window": {"kind": "between", "from": "2024-01-02"}}, "window.to"),
    ],
)
def test_a_fault_of_a_list_rule_is_found_at_its_place(more: dict[str, Any], place: str):
    pk = ContactList.objects.create(name="News").pk
    assert faults(of({"type": "list", "list": pk} | more)) == [f"$.rules[0].{place}"]


@pytest.mark.parametrize(
    ("definition", "places"),
    [
        (None, ["$"]),
        ([], ["$"]),
        ({}, ["$.match", "$.rules", "$.version"]),
        ({"match": "all", "rules": [COUNTRY]}, ["$.version"]),
        ({"version": 2, "match": "all", "rules": [COUNTRY]}, ["$.version"]),
        ({"version": 1, "match": "all", "rules": []}, ["$.rules"]),
        ({"version": 1, "match": "all", "rules": {"0": COUNTRY}}, ["$.rules"]),
        ({"version": 1, "match": "any", "rules": [COUNTRY]}, ["$.match"]),
        ({"version": 1, "match": ["all"], "rules": [COUNTRY]}, ["$.match"]),
        ({"version": 1, "match": "all", "rules": [COUNTRY], "name": "x"}, ["$.name"]),
        (of({"type": "x"}, COUNTRY, field("x", "is", 1)), ["$.rules[0].type", "$.rules[2].field"]),
    ],
)
def test_faults_of_the_definition(definition: Any, places: list[str]):
    assert faults(definition) == places


@pytest.mark.parametrize(
    ("group", "place"),
    [
        ({"match": "any", "rules": []}, "rules"),
        ({"match": "some", "rules": [COUNTRY]}, "match"),
        ({"match": "any", "rules": [COUNTRY], "version": 1}, "version"),
        ({"match": "any", "rules": [field("height", "is", "x")]}, "rules[0].field"),
        ({"match": "none", "rules": [{"match": "any", "rules": "x"}]}, "rules[0].rules"),
    ],
)
def test_faults_of_inner_groups(group: dict[str, Any], place: str):
    assert faults(of(COUNTRY, group), PLUS) == [f"$.rules[1].{place}"]


# Limits


def nested(depth: int) -> dict[str, Any]:
    group: dict[str, Any] = {"match": "none", "rules": [COUNTRY]}
    for _level in range(depth - 2):
        group = {"match": "all", "rules": [group]}
    return of(group)


def test_groups_nest_eight_deep():
    assert validate(nested(8), kind=PLUS) == nested(8)
    assert faults(nested(9), PLUS) == ["$" + 8 * ".rules[0]"]
    assert faults(nested(900), PLUS) == ["$" + 8 * ".rules[0]"]


def test_a_definition_has_at_most_250_conditions(now):
    full = of(*[COUNTRY] * 249, field("city", "contains", "a"))
    assert validate(full, kind=DYNAMIC) == full
    assert matching(full, now=now).count() == 0
    halves = of({"match": "any", "rules": [COUNTRY] * 125}, {"match": "any", "rules": [COUNTRY] * 126})
    assert faults(halves, PLUS) == ["$.rules"]
    assert faults(of(*[COUNTRY] * 251)) == ["$.rules"]


def test_the_largest_definition_can_be_asked(now):
    leaf = field("custom.nickname", "does_not_contain", "x", only_set=True)
    group: dict[str, Any] = {"match": "none", "rules": [leaf] * 32}
    for match in ("any", "all", "none", "any", "all", "none"):
        group = {"match": match, "rules": [group, *[leaf] * 31]}
    largest = of(group, *[leaf] * 32)
    checked = validate(largest, kind=PLUS)
    assert matching(checked, now=now).count() == 0
    assert describe(checked)


# What is stored


def test_values_are_stored_in_one_form():
    given = of(
        field("points", "equals", "5"),
        field("purchases_total", "between", {"from": "1.50", "to": 2.0}),
        field("city", "is_any_of", [" Madrid ", "Madrid", "Lugo"]),
        field("last_seen_at", "before", "2026-01-01T10:00:00"),
        field("last_seen_at", "after", "2026-01-01T10:00:30"),
        field("last_seen_at", "after", "0099-01-01T10:00"),
        field("last_seen_at", "in_last", {"count": "3", "unit": "hours"}),
        field("country", "is_not", "ES", only_set=False),
        field("country", "is_none_of", ["ES"], only_set=True),
    )
    assert validate(given, kind=DYNAMIC)["rules"] == [
        field("points", "equals", 5),
        field("purchases_total", "between", {"from": 1.5, "to": 2}),
        field("city", "is_any_of", ["Madrid", "Lugo"]),
        field("last_seen_at", "before", "2026-01-01T10:00"),
        field("last_seen_at", "after", "2026-01-01T10:00:30"),
        field("last_seen_at", "after", "0099-01-01T10:00"),
        field("last_seen_at", "in_last", {"count": 3, "unit": "hours"}),
        field("country", "is_not", "ES"),
        field("country", "is_none_of", ["ES"], only_set=True),
    ]


def test_what_was_given_is_not_changed():
    given = of(field("points", "equals", "5"))
    before = copy.deepcopy(given)
    validate(given, kind=DYNAMIC)
    assert given == before


def test_an_archived_field_can_still_be_asked_about(now):
    definition = of(field("custom.former", "is", "x"))
    assert validate(definition, kind=DYNAMIC) == definition


def test_dependencies_are_named():
    lists = worlds.make_lists()
    in_segment = {"type": "segment", "segment": 7, "operator": "member"}
    on_list = {"type": "list", "list": lists[0], "operator": "joined", "window": {"kind": "ever"}}
    definition = of(COUNTRY, {"match": "none", "rules": [field("custom.tier", "is", "gold"), in_segment]}, on_list)
    assert depends_on(definition) == {"field:country", "field:custom.tier", "segment:7", f"list:{lists[0]}"}


# Anything at all


@st.composite
def broken(draw: st.DrawFn, definition: dict[str, Any]) -> Any:
    """The definition with one of its parts replaced, left out or added to."""
    junk = st.one_of(st.sampled_from(worlds.JUNK), st.text(max_size=3), st.integers(), st.just(definition))
    definition = json.loads(json.dumps(definition))
    part: Any = definition
    while draw(st.booleans()):
        inner = part if isinstance(part, list) else list(part.values())
        inner = [one for one in inner if isinstance(one, dict | list) and one]
        if not inner:
            break
        part = draw(st.sampled_from(inner))
    keys = list(range(len(part))) if isinstance(part, list) else [*sorted(part), "value", "window", "x"]
    key = draw(st.sampled_from(keys))
    if isinstance(part, dict) and draw(st.integers(0, 4)) == 0:
        part.pop(key, None)
    else:
        part[key] = draw(junk)
    return definition


@settings(max_examples=150 * DEEP)
@given(data=st.data())
def test_whatever_is_given_it_is_refused_or_can_be_used(data: st.DataObject):
    """Never another error than `DefinitionError`; what passes is stable, JSON, has words and a query."""
    now, zone = data.draw(st.sampled_from(worlds.NOWS)), data.draw(st.sampled_from(worlds.ZONES))
    lists = list(ContactList.objects.values_list("pk", flat=True)) or worlds.make_lists()
    segments = list(Segment.objects.values_list("pk", flat=True)) or worlds.make_static_segments()
    rules = st.one_of(
        definitions.field_rules(now, zone), definitions.list_rules(lists, now), definitions.segment_rules(segments)
    )
    definition = data.draw(definitions.dynamic_plus(rules))
    with account_time_zone(zone):
        sound = validate(definition, kind=PLUS)
        for given_one in (sound, data.draw(broken(sound))):
            try:
                checked = validate(given_one, kind=PLUS)
            except DefinitionError:
                continue
            assert validate(checked, kind=PLUS) == checked
            assert validate(json.loads(json.dumps(checked)), kind=PLUS) == checked
            assert describe(checked)
            assert depends_on(checked)
            matching(checked, now=now).exists()


def test_words_are_found_for_what_is_gone():
    """A definition can be read when a field, list or segment that it names is no longer there."""
    lists, segments = worlds.make_lists(), worlds.make_static_segments()
    definition = validate(
        of(
            field("custom.nickname", "is_not", "x"),
            {"type": "list", "list": lists[0], "operator": "member"},
            {"type": "segment", "segment": segments[0], "operator": "not_member"},
        ),
        kind=PLUS,
    )
    ContactField.objects.all().delete()
    ContactList.objects.all().delete()
    Segment.objects.all().delete()
    assert describe(definition)
    with pytest.raises(DefinitionError):
        compile(definition, now=None)

"""Every saved definition is kept, earlier ones come back, and nobody's work is overwritten unseen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from importlib import import_module
from threading import Barrier
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from contacts.models import ContactList
from crm.models import User
from segments.editing import (
    create_segment,
    delete_segment,
    fill,
    make_dynamic_plus,
    purge_deleted,
    restore_version,
    save_segment,
)
from segments.faults import DefinitionError
from segments.models import Segment, SegmentVersion
from segments.versions import ChangedMeanwhile, token_of
from tests.segments.pages import dynamic, members, people, static

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)


def city(name: str) -> dict[str, Any]:
    return {"type": "field", "field": "city", "operator": "is", "value": name}


def all_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


def save(segment: Segment, *rules: dict[str, Any], now: datetime, **values: Any) -> bool:
    """Save other conditions, or those that it has; the rest stays unless it is given."""
    kept = {"name": segment.name, "description": segment.description, "is_test": segment.is_test}
    definition = all_of(*rules) if rules else segment.definition
    return save_segment(segment, **(kept | {"definition": definition} | values), now=now)


def rows(segment: Segment) -> list[tuple[Any, ...]]:
    kept = SegmentVersion.objects.filter(segment=segment).order_by("version")
    return list(kept.values_list("version", "kind", "definition", "saved_at", "saved_by", "restored_from"))


def test_creating_and_saving_keeps_what_was_saved(now: datetime, marketer: User):
    rome, oslo = all_of(city("Rome")), all_of(city("Oslo"))
    segment = create_segment(name="S", kind="dynamic", definition=rome, now=now)
    assert save(segment, city("Oslo"), now=now + LATER, user=marketer)
    assert rows(segment) == [
        (1, "dynamic", rome, now, None, None),
        (2, "dynamic", oslo, now + LATER, marketer.pk, None),
    ]


def test_a_name_makes_no_version(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    assert not save(segment, now=now + LATER, name="T", description="Words", is_test=True)
    assert [version for version, *_rest in rows(segment)] == [1]
    assert (segment.name, segment.version, segment.updated_at) == ("T", 1, now + LATER)


def test_a_static_segment_has_no_versions(now: datetime):
    segment = static("S", now=now)
    save(segment, now=now, name="T")
    assert rows(segment) == []


def test_a_definition_that_is_refused_leaves_no_version(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    with pytest.raises(DefinitionError):
        save(segment, {"type": "list", "list": 999, "operator": "member"}, now=now)
    with pytest.raises(DefinitionError):
        create_segment(name="T", kind="dynamic", definition=all_of(), now=now)
    assert SegmentVersion.objects.count() == 1


def test_a_name_that_is_taken_leaves_no_version(now: datetime):
    dynamic("S", city("Rome"), now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        create_segment(name="s", kind="dynamic", definition=all_of(city("Rome")), now=now)
    assert SegmentVersion.objects.count() == 1


def test_versions_go_with_their_segment(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    delete_segment(segment, now=now)
    assert SegmentVersion.objects.exists()
    purge_deleted(now=now + timedelta(days=91))
    assert not SegmentVersion.objects.exists()


def test_who_saved_may_go(now: datetime, marketer: User):
    create_segment(name="S", kind="dynamic", definition=all_of(city("Rome")), now=now, user=marketer)
    marketer.delete()
    assert SegmentVersion.objects.get().saved_by is None


def test_segments_from_before_versions_get_one(now: datetime, marketer: User, administrator: User):
    """What the migration does to segments that were there already, deleted ones included."""
    made = {"kind": "dynamic", "created_by": marketer, "created_at": now, "updated_by": administrator}
    made |= {"updated_at": now + LATER, "definition": all_of(city("Rome"))}
    first = Segment.objects.create(name="First", **made)
    third = Segment.objects.create(name="Third", version=3, **made, deleted_at=now)
    Segment.objects.create(name="Static", kind="static")
    import_module("segments.migrations.0006_keep_versions").keep_versions(apps, connection.schema_editor())
    assert rows(first) == [(1, "dynamic", all_of(city("Rome")), now, marketer.pk, None)]
    assert rows(third) == [(3, "dynamic", all_of(city("Rome")), now + LATER, administrator.pk, None)]
    assert SegmentVersion.objects.count() == 2


# Restoring


def test_an_earlier_definition_comes_back_as_a_new_version(now: datetime, marketer: User):
    people("Ana", now=now, city="Rome")
    people("Emma", now=now, city="Oslo")
    segment = dynamic("S", city("Rome"), now=now)
    save(segment, city("Oslo"), now=now)
    first = segment.versions.get(version=1)
    assert restore_version(segment, first, now=now + LATER, user=marketer)
    fill(segment, now=now + LATER)
    assert rows(segment)[-1] == (3, "dynamic", all_of(city("Rome")), now + LATER, marketer.pk, 1)
    assert (segment.definition, segment.updated_by, segment.updated_at) == (first.definition, marketer, now + LATER)
    assert members(segment) == {"Ana"}


def test_restoring_what_is_saved_changes_nothing(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    before = Segment.objects.values().get()
    assert not restore_version(segment, segment.versions.get(), now=now + LATER)
    assert Segment.objects.values().get() == before
    assert SegmentVersion.objects.count() == 1


def test_a_definition_on_a_deleted_list_does_not_come_back(now: datetime):
    news = ContactList.objects.create(name="News")
    segment = dynamic("S", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    save(segment, city("Rome"), now=now)
    news.delete()
    before = Segment.objects.values().get()
    with pytest.raises(DefinitionError, match=r"^This list no longer exists\.$"):
        restore_version(segment, segment.versions.get(version=1), now=now)
    assert Segment.objects.values().get() == before
    assert SegmentVersion.objects.count() == 2


def test_a_definition_that_became_a_cycle_does_not_come_back(now: datetime):
    other = dynamic("Other", city("Rome"), now=now)
    on_other = all_of({"type": "segment", "segment": other.pk, "operator": "member"})
    segment = create_segment(name="S", kind="dynamic_plus", definition=on_other, now=now)
    save(segment, city("Oslo"), now=now)
    make_dynamic_plus(other, now=now)
    save(other, {"type": "segment", "segment": segment.pk, "operator": "member"}, now=now)
    with pytest.raises(DefinitionError, match="S → Other → S"):
        restore_version(segment, segment.versions.get(version=1), now=now)


# Dynamic plus


def test_dynamic_becomes_dynamic_plus_with_its_members(now: datetime, marketer: User):
    people("Ana", now=now, city="Rome")
    segment = dynamic("S", city("Rome"), now=now)
    make_dynamic_plus(segment, now=now + LATER, user=marketer)
    assert (segment.kind, segment.version, segment.stale, segment.updated_by) == ("dynamic_plus", 2, False, marketer)
    assert rows(segment)[-1] == (2, "dynamic_plus", all_of(city("Rome")), now + LATER, marketer.pk, None)
    assert members(segment) == {"Ana"}
    assert save(segment, {"match": "none", "rules": [city("Rome")]}, now=now)
    fill(segment, now=now)
    assert members(segment) == set()


def test_only_dynamic_becomes_dynamic_plus(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    make_dynamic_plus(segment, now=now)
    for other in (segment, static("T", now=now)):
        with pytest.raises(ValueError, match="only a dynamic segment"):
            make_dynamic_plus(other, now=now)


# Two at once


@pytest.mark.parametrize(
    "change", [{"name": "T"}, {"description": "Words"}, {"is_test": True}, {"definition": all_of(city("Oslo"))}]
)
def test_what_somebody_saved_meanwhile_is_not_lost(now: datetime, change: dict[str, Any]):
    segment = dynamic("S", city("Rome"), now=now)
    token = token_of(segment)
    save(segment, now=now, **change)
    before = Segment.objects.values().get()
    for mine in ({"name": "Mine"}, {"definition": all_of(city("Bern"))}):
        with pytest.raises(ChangedMeanwhile) as raised:
            save(Segment.objects.get(), now=now + LATER, expected=token, **mine)
        assert token_of(raised.value.saved) == token_of(segment) != token
    for act in (
        lambda: restore_version(segment, segment.versions.get(version=1), now=now, expected=token),
        lambda: make_dynamic_plus(segment, now=now, expected=token),
    ):
        with pytest.raises(ChangedMeanwhile):
            act()
    assert Segment.objects.values().get() == before
    assert save(segment, city("Bern"), now=now, expected=token_of(segment))


def test_refreshing_is_not_saving(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    token = token_of(segment)
    people("Ana", now=now, city="Rome")
    fill(segment, now=now + LATER)
    segment.refresh_from_db()
    assert (segment.size, token_of(segment)) == (1, token)


def test_two_who_save_the_same_do_not_disagree(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    token = token_of(segment)
    save(segment, city("Oslo"), now=now)
    assert not save(segment, city("Oslo"), now=now, expected=token)
    assert segment.version == 2


@pytest.mark.django_db(transaction=True)
def test_of_several_who_save_at_the_same_time_one_wins(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    token, together = token_of(segment), Barrier(4)

    def save_mine(place: str) -> str:
        try:
            mine = Segment.objects.get(pk=segment.pk)
            together.wait(30)
            save(mine, city(place), now=now, expected=token)
            return "saved"
        except ChangedMeanwhile as changed:
            return str(changed.saved.version)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(save_mine, ["Oslo", "Bern", "Wien", "Prag"]))
    assert sorted(outcomes) == ["2", "2", "2", "saved"]
    segment.refresh_from_db()
    won = ["Oslo", "Bern", "Wien", "Prag"][outcomes.index("saved")]
    assert (segment.version, segment.definition) == (2, all_of(city(won)))
    assert [version for version, *_rest in rows(segment)] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_those_who_expect_nothing_get_a_version_each(now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    together = Barrier(4)

    def save_mine(place: str) -> None:
        together.wait(30)
        try:
            save(Segment.objects.get(pk=segment.pk), city(place), now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save_mine, ["Oslo", "Bern", "Wien", "Prag"]))
    kept = rows(segment)
    assert [version for version, *_rest in kept] == [1, 2, 3, 4, 5]
    segment.refresh_from_db()
    assert (segment.version, segment.definition) == (5, kept[-1][2])


@pytest.mark.django_db(transaction=True)
def test_two_saved_at_once_cannot_depend_on_each_other(now: datetime):
    one, other = dynamic_plus("One", now=now), dynamic_plus("Other", now=now)
    together = Barrier(2)

    def read(reader: Segment, read: Segment) -> str:
        together.wait(30)
        try:
            save(reader, {"type": "segment", "segment": read.pk, "operator": "member"}, now=now)
            return "saved"
        except DefinitionError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(read, [one, other], [other, one]))
    assert outcomes[1] == "saved"
    assert "would depend on itself" in outcomes[0]


def dynamic_plus(name: str, *, now: datetime) -> Segment:
    segment = dynamic(name, city("Rome"), now=now)
    make_dynamic_plus(segment, now=now)
    return segment

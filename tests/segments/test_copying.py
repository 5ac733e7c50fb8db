"""Segments made from others: copies, and snapshots of who is in one at a moment, however long copying takes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from contacts.deletion import delete_contacts
from contacts.models import Contact, ContactList
from crm.models import Job, User
from segments import copying, editing, kinds
from segments.causes import causes_of
from segments.copying import copy_members_job, free_name, members_after, save_as_copy, save_as_snapshot
from segments.editing import create_segment, save_segment
from segments.faults import DefinitionError
from segments.forms import SegmentForm
from segments.kinds import OfferedKind
from segments.ledger import memberships_lock, moves_of, write
from segments.membership import add, remove
from segments.models import Cause, Membership, Segment, Transition
from segments.refresh import apply_changes
from segments.versions import token_of
from tests.segments.pages import dynamic, in_segment, members, people, static, text_of
from tests.segments.printed import posted
from tests.segments.records import assert_records_agree

pytestmark = pytest.mark.django_db

ROME = {"type": "field", "field": "city", "operator": "is", "value": "Rome"}
LATER = timedelta(hours=1)
MADE: dict[str, Any] = {"name": "New", "description": "Made", "is_test": False}


def only(*contacts: Contact) -> Any:
    return Contact.objects.filter(pk__in=[contact.pk for contact in contacts])


def test_a_copy_of_conditions(now: datetime, marketer: User):
    people("Ana", now=now, city="Rome")
    source = dynamic("S", ROME, now=now)
    copy, job = save_as_copy(source, **MADE, now=now + LATER, user=marketer)
    assert (copy.kind, copy.definition, copy.version, copy.stale, job) == ("dynamic", source.definition, 1, True, None)
    assert (copy.created_by, copy.created_at, copy.description) == (marketer, now + LATER, "Made")
    assert copy.versions.get().saved_by == marketer
    editing.fill(copy, now=now)
    assert members(copy) == {"Ana"}
    other = {**MADE, "name": "S", "definition": {"version": 1, "match": "all", "rules": [ROME, ROME]}}
    save_segment(source, **other, now=now)
    copy.refresh_from_db()
    assert copy.conditions["rules"] == [ROME]


def test_a_copy_of_dynamic_plus_is_dynamic_plus(now: datetime):
    source = in_segment(static("S", now=now), now=now)
    copy, _job = save_as_copy(source, **MADE, now=now)
    assert (copy.kind, copy.definition) == ("dynamic_plus", source.definition)


def test_conditions_that_cannot_be_used_are_not_copied(now: datetime):
    news = ContactList.objects.create(name="News")
    source = dynamic("S", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    news.delete()
    with pytest.raises(DefinitionError):
        save_as_copy(source, **MADE, now=now)
    assert Segment.objects.get() == source


@pytest.mark.parametrize("make", [save_as_copy, save_as_snapshot])
def test_the_members_of_a_static_segment(now: datetime, make: Any):
    ana, luca, _emma = people("Ana", "Luca", "Emma", now=now)
    source = static("S", ana, luca, now=now)
    copy, job = make(source, **MADE, now=now + LATER)
    assert (copy.kind, copy.size, members(copy), job) == ("static", 2, {"Ana", "Luca"}, None)
    moves = list(Transition.objects.filter(segment=copy))
    assert {(move.kind, move.at, move.cause) for move in moves} == {("entered", now + LATER, "segment")}
    assert set(causes_of(moves).values()) == {"Another segment: S"}
    remove(source, only(ana), now=now, cause=Cause.HAND)
    assert members(copy) == {"Ana", "Luca"}
    assert_records_agree()


def test_a_snapshot_stays_as_it_is(now: datetime):
    ana, *_others = people("Ana", "Luca", now=now, city="Rome")
    source = dynamic("S", ROME, now=now)
    snapshot, _job = save_as_snapshot(source, **MADE, now=now)
    Contact.objects.filter(pk=ana.pk).update(city="Oslo")
    apply_changes(now=now)
    assert members(source) == {"Luca"}
    assert (snapshot.kind, members(snapshot)) == ("static", {"Ana", "Luca"})
    assert_records_agree()


def test_nobody_is_copied(now: datetime):
    copy, _job = save_as_copy(static("S", now=now), **MADE, now=now)
    assert (copy.size, Transition.objects.count()) == (0, 0)


# Many members


def test_many_members_are_those_of_the_moment_it_was_asked_for(
    now: datetime, marketer: User, monkeypatch: pytest.MonkeyPatch
):
    ana, luca, emma, kim = people("Ana", "Luca", "Emma", "Kim", now=now)
    source = static("S", ana, luca, emma, now=now)
    monkeypatch.setattr(editing, "SMALL", 1)
    snapshot, job = save_as_snapshot(source, **MADE, now=now, user=marketer)
    assert job
    assert (job.subject, job.user, job.title) == (f"segment:{snapshot.pk}", marketer, "Members of New")
    assert members(snapshot) == set()
    remove(source, only(ana), now=now + LATER, cause=Cause.HAND)
    add(source, only(kim), now=now + LATER, cause=Cause.HAND)
    remove(source, only(luca), now=now + LATER, cause=Cause.HAND)
    add(source, only(luca), now=now + LATER, cause=Cause.HAND)
    delete_contacts(only(emma), now=now + LATER)
    copy_members_job(job, now=now + LATER)
    assert members(snapshot) == {"Ana", "Luca"}
    remove(snapshot, only(ana), now=now + LATER, cause=Cause.HAND)
    copy_members_job(job, now=now + LATER)
    assert members(snapshot) == {"Luca"}
    assert_records_agree()


def test_a_job_whose_segment_is_gone_does_nothing(now: datetime, monkeypatch: pytest.MonkeyPatch):
    [ana] = people("Ana", now=now)
    source = static("S", ana, now=now)
    monkeypatch.setattr(editing, "SMALL", 0)
    snapshot, job = save_as_snapshot(source, **MADE, now=now)
    assert job
    editing.delete_segment(snapshot, now=now)
    copy_members_job(job, now=now)
    assert members(snapshot) == set()


HISTORY = st.lists(st.sets(st.integers(0, 4), min_size=1), max_size=8)


@given(HISTORY, st.integers(0, 8))
def test_who_was_in_it_after_any_transition(history: list[set[int]], place: int):
    """Each step, some contacts change sides; then the members of any moment are found again from the ledger."""
    now = datetime.fromisoformat("2026-03-10T12:00:00+00:00")
    Segment.objects.all().delete()
    Transition.objects.all().delete()
    Membership.objects.all().delete()
    Contact.objects.all().delete()
    contacts = Contact.objects.bulk_create(Contact(external_id=str(number)) for number in range(5))
    segment = create_segment(name="S", kind="static", now=now)
    inside: set[int] = set()
    past = [(0, set(inside))]
    for step in history:
        rows = [(segment.pk, contacts[number].pk, "hand", "") for number in step]
        come, gone = [row for row in rows if row[1] not in inside], [row for row in rows if row[1] in inside]
        with memberships_lock():
            write(moves_of(come), moves_of(gone), {segment.pk: (len(come), len(gone))}, now=now)
        inside ^= {row[1] for row in rows}
        past.append((Transition.objects.latest("pk").pk, set(inside)))
    transition_id, expected = past[min(place, len(history))]
    stayed, left = (set(found.values_list("pk", flat=True)) for found in members_after(segment.pk, transition_id))
    assert stayed | left == expected
    assert not stayed & left


# Names


def test_a_name_that_is_free(now: datetime):
    assert free_name("News") == "News"
    static("NEWS", now=now)
    static("News 2", now=now)
    static("News 30%", now=now)
    assert free_name("News") == "News 3"
    assert free_name("News_") == "News_"
    assert len(free_name("x" * 300)) == 190


# Pages


def address(segment: Segment, what: str) -> str:
    return f"/segments/{segment.pk}/{what}/"


def test_saving_a_copy(marketer_client: Client, marketer: User, now: datetime):
    people("Ana", now=now, city="Rome")
    source = dynamic("S", ROME, now=now, description="Words")
    static("Copy of S", now=now)
    page = marketer_client.get(address(source, "copy"))
    assert "Contacts for whom City is Rome." in text_of(page)
    data = posted(page.content.decode())
    assert (data["name"], data["description"]) == (["Copy of S 2"], ["Words"])
    response = marketer_client.post(address(source, "copy"), data)
    copy = Segment.objects.get(name="Copy of S 2")
    assert (response.status_code, response.url) == (303, f"/segments/{copy.pk}/")
    assert (copy.kind, copy.created_by, members(copy), copy.stale) == ("dynamic", marketer, {"Ana"}, False)
    assert "“Copy of S 2” was saved." in text_of(marketer_client.get(response.url))


def test_saving_a_snapshot(marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch):
    people("Ana", "Luca", now=now, city="Rome")
    source = dynamic("<i>S</i>", ROME, now=now)
    page = marketer_client.get(address(source, "snapshot"))
    assert "with the 2 contacts that are in it at this moment." in text_of(page)
    assert "not up to date" not in text_of(page)
    assert "<i>S" not in page.content.decode()
    Segment.objects.filter(pk=source.pk).update(stale=True)
    assert "The members of this segment are not up to date." in text_of(
        marketer_client.get(address(source, "snapshot"))
    )
    data = posted(page.content.decode())
    assert data["name"][0].startswith("<i>S</i> on ")
    response = marketer_client.post(address(source, "snapshot"), data | {"name": ["First"]})
    assert members(Segment.objects.get(name="First")) == {"Ana", "Luca"}
    monkeypatch.setattr(editing, "SMALL", 1)
    response = marketer_client.post(address(source, "snapshot"), data | {"name": ["Second"]})
    second = Segment.objects.get(name="Second")
    assert "The members will be brought up to date soon" in text_of(marketer_client.get(response.url))
    assert "Waiting" in text_of(marketer_client.get(address(second, "state")))
    copying.copy_members_job(Job.objects.get(), now=now)
    Job.objects.update(state=Job.State.DONE)
    assert members(second) == {"Ana", "Luca"}
    assert "Changed by hand" in text_of(marketer_client.get(address(second, "state")))


def test_copying_a_static_segment(marketer_client: Client, now: datetime):
    source = static("S", *people("Ana", now=now), now=now)
    page = marketer_client.get(address(source, "copy"))
    assert "A new segment with the same 1 contact." in text_of(page)
    assert marketer_client.post(address(source, "copy"), {"name": "T"}).status_code == 303
    assert members(Segment.objects.get(name="T")) == {"Ana"}
    assert marketer_client.get(address(source, "snapshot")).status_code == 404


@pytest.mark.parametrize("what", ["copy", "snapshot"])
def test_a_name_that_is_taken_or_missing(
    marketer_client: Client, now: datetime, what: str, monkeypatch: pytest.MonkeyPatch
):
    source = dynamic("S", ROME, now=now)
    for name, said in (("s", "There is a segment of this name."), ("", "This field is required.")):
        response = marketer_client.post(address(source, what), {"name": name, "description": "kept"})
        assert (response.status_code, said in text_of(response)) == (422, True)
        assert posted(response.content.decode())["description"] == ["kept"]
    looks = iter([lambda form: form.cleaned_data["name"], SegmentForm.clean_name])
    monkeypatch.setattr(SegmentForm, "clean_name", lambda form: next(looks)(form))
    response = marketer_client.post(address(source, what), {"name": "s"})
    assert (response.status_code, "There is a segment of this name." in text_of(response)) == (422, True)
    assert Segment.objects.count() == 1


def test_a_copy_that_cannot_be_made_says_why(marketer_client: Client, now: datetime):
    news = ContactList.objects.create(name="News")
    source = dynamic("S", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    news.delete()
    response = marketer_client.post(address(source, "copy"), {"name": "T"})
    assert response.status_code == 422
    assert "It cannot be copied: This list no longer exists. Change the conditions first." in text_of(response)
    assert posted(response.content.decode())["name"] == ["T"]


def offer_plus(monkeypatch: pytest.MonkeyPatch) -> None:
    plus = OfferedKind(Segment.Kind.DYNAMIC_PLUS, "sparkles", "", "")
    monkeypatch.setitem(kinds.OFFERED, Segment.Kind.DYNAMIC_PLUS, plus)


def test_making_it_dynamic_plus(
    marketer_client: Client, marketer: User, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    offer_plus(monkeypatch)
    people("Ana", now=now, city="Rome")
    segment = dynamic("S", ROME, now=now)
    plus = address(segment, "plus")
    assert plus in marketer_client.get(f"/segments/{segment.pk}/").content.decode()
    assert plus in marketer_client.get("/segments/").content.decode()
    page = marketer_client.get(plus)
    assert "This cannot be undone" in text_of(page)
    response = marketer_client.post(plus, posted(page.content.decode()))
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
    segment.refresh_from_db()
    assert (segment.kind, segment.version, segment.updated_by, members(segment)) == (
        "dynamic_plus",
        2,
        marketer,
        {"Ana"},
    )
    assert "“S” is dynamic plus now." in text_of(marketer_client.get(response.url))
    assert plus not in marketer_client.get(f"/segments/{segment.pk}/").content.decode()
    assert marketer_client.post(plus, {"saved": token_of(segment)}).status_code == 404


def test_somebody_saves_before_it_is_made_dynamic_plus(
    marketer_client: Client, administrator: User, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    offer_plus(monkeypatch)
    segment = dynamic("S", ROME, now=now)
    data = posted(marketer_client.get(address(segment, "plus")).content.decode())
    save_segment(segment, **MADE, definition=segment.definition, now=now, user=administrator)
    response = marketer_client.post(address(segment, "plus"), data)
    assert response.status_code == 409
    assert "administrator saved this segment meanwhile" in text_of(response)
    assert marketer_client.post(address(segment, "plus"), posted(response.content.decode())).status_code == 303


def test_dynamic_plus_is_made_only_where_it_is_offered(
    marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(kinds.OFFERED, Segment.Kind.DYNAMIC_PLUS, raising=False)
    segment = dynamic("S", ROME, now=now)
    assert marketer_client.get(address(segment, "plus")).status_code == 404
    assert address(segment, "plus") not in marketer_client.get(f"/segments/{segment.pk}/").content.decode()


def test_viewers_make_nothing(viewer_client: Client, client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch):
    offer_plus(monkeypatch)
    segment = dynamic("S", ROME, now=now)
    for what in ("copy", "snapshot", "plus"):
        assert viewer_client.get(address(segment, what)).status_code == 403
        assert client.get(address(segment, what)).status_code == 302
        for page in ("/segments/", f"/segments/{segment.pk}/"):
            assert address(segment, what) not in viewer_client.get(page).content.decode()
    assert Segment.objects.count() == 1

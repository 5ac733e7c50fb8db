"""The page of a segment: what it says, who came and went, the members of a static one, refreshing, uses."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts import lists
from contacts.models import Contact, ContactField, ContactList, Event
from crm.models import Job, User
from segments import editing
from segments.membership import add, remove
from segments.models import Cause, Membership, RefreshRun, Segment, Transition
from segments.refresh import apply_changes
from tests.segments.pages import dynamic, in_segment, members, people, static, text_of

pytestmark = pytest.mark.django_db


def page(client: Client, segment: Segment, **query: str) -> Any:
    return client.get(f"/segments/{segment.pk}/", query)


def test_a_dynamic_segment_says_what_there_is_to_know(marketer_client: Client, marketer: User):
    User.objects.filter(pk=marketer.pk).update(first_name="Mara", last_name="Conti")
    now = timezone.now()
    people("Ana", "Luca", now=now, city="Rome")
    segment = dynamic(
        "Rome",
        {"type": "field", "field": "city", "operator": "is", "value": "Rome"},
        now=now,
        description="People in Rome",
        user=marketer,
    )
    text = text_of(page(marketer_client, segment))
    assert "Rome People in Rome" in text
    assert "Contacts 2 7 days +2 Entered in 7 days 2 Left in 7 days 0" in text
    assert "Who is in it Copy Contacts for whom City is Rome." in text
    assert "State Up to date" in text
    assert "Mara Conti" in text
    assert "Full refreshes Definition changed" in text
    assert "2 entered, 0 left" in text


def test_the_definition_of_a_field_that_is_gone_can_still_be_read(marketer_client: Client, now: datetime):
    ContactField.objects.create(key="tier", label="Tier", type="text")
    segment = dynamic("Gone", {"type": "field", "field": "custom.tier", "operator": "is", "value": "gold"}, now=now)
    ContactField.objects.all().delete()
    Segment.objects.update(error="There is no contact field “custom.tier”.")
    response = page(marketer_client, segment)
    assert response.status_code == 200
    assert "The members cannot be brought up to date: There is no contact field" in text_of(response)
    assert "custom.tier" in text_of(marketer_client.get(f"/segments/{segment.pk}/edit/"))


def test_why_contacts_came_and_went(marketer_client: Client, now: datetime):
    ContactField.objects.create(key="tier", label="Tier", type="text")
    news = ContactList.objects.create(name="News & offers")
    city = {"type": "field", "field": "city", "operator": "is_not", "value": "Rome"}
    tier = {"type": "field", "field": "custom.tier", "operator": "is_not", "value": "gold"}
    listed = {"type": "list", "list": news.pk, "operator": "not_member"}
    segment = dynamic("All sorts", city, tier, listed, now=now)
    [ana] = people("Ana", now=now)
    herself = Contact.objects.filter(pk=ana.pk)
    apply_changes(now=now)
    herself.update(city="Rome", custom={"tier": "gold"})
    apply_changes(now=now)
    herself.update(city="Oslo", custom={})
    apply_changes(now=now)
    lists.subscribe(news, herself, now=now)
    apply_changes(now=now)
    chosen = static("Chosen", ana, now=now)
    other = in_segment(chosen, now=now)
    editing.fill(other, now=now)
    remove(chosen, Contact.objects.all(), now=now, cause=Cause.WORKFLOW, detail="Welcome")

    def happened(one: Segment) -> list[tuple[str, str]]:
        context = page(marketer_client, one).context
        return [(row.transition.kind, row.cause) for row in context["happenings"]]

    assert happened(segment) == [
        ("left", "List subscription: News & offers"),
        ("entered", "Contact edited: City, Tier"),
        ("left", "Contact edited: City, Tier"),
        ("entered", "Contact created"),
    ]
    assert happened(chosen) == [("left", "Workflow: Welcome"), ("entered", "By hand: Mara")]
    assert happened(other) == [("left", "Another segment: Chosen"), ("entered", "Definition changed")]


@pytest.mark.parametrize(
    ("cause", "detail", "words"),
    [
        (Cause.EVENT, "event:purchase", "Event: Purchased"),
        (Cause.EVENT, "event:store_visit", "Event: Store visit"),
        (Cause.LIST, "list:999", "List subscription"),
        (Cause.SEGMENT, "segment:999", "Another segment"),
        (Cause.EDIT, "field:custom.gone, field:country", "Contact edited: Country"),
        (Cause.EDIT, "field:coun", "Contact edited"),
        (Cause.LIST, "list:", "List subscription"),
        (Cause.TIME, "", "Time passed"),
        (Cause.HAND, "Mara <b>Conti</b>", "By hand: Mara <b>Conti</b>"),
        (Cause.IMPORT, "customers.csv", "Import: customers.csv"),
    ],
)
def test_causes_in_words(marketer_client: Client, now: datetime, cause: Cause, detail: str, words: str):
    [ana] = people("Ana", now=now)
    segment = static("S", now=now)
    Transition.objects.create(segment=segment, contact=ana, kind="entered", at=now, cause=cause, detail=detail)
    response = page(marketer_client, segment)
    assert [row.cause for row in response.context["happenings"]] == [words]
    assert "<b>Conti" not in response.content.decode()


def test_who_came_and_went_page_by_page(marketer_client: Client, now: datetime):
    everybody = people(*(f"P{number}" for number in range(45)), now=now)
    segment = static("Large", *everybody, now=now)

    def names(response: Any) -> list[str]:
        return [str(row.contact) for row in response.context["happenings"]]

    seen, response = [], page(marketer_client, segment)
    seen += names(response)
    while response.context["page"].next:
        response = page(marketer_client, segment, after=response.context["page"].next)
        seen += names(response)
    assert (len(seen), set(seen)) == (45, {str(one) for one in everybody})
    back = page(marketer_client, segment, before=response.context["page"].previous)
    assert names(back) == seen[20:40]
    fragment = marketer_client.get(
        f"/segments/{segment.pk}/",
        {"after": back.context["page"].next},
        headers={"HX-Request": "true", "HX-Target": "happenings"},
    )
    assert names(fragment) == seen[40:]
    assert "<html" not in fragment.content.decode()


def test_a_contact_that_is_gone_is_still_counted(marketer_client: Client, now: datetime):
    segment = static("S", now=now)
    Transition.objects.create(segment=segment, contact_id=99, kind="left", at=now, cause=Cause.HAND)
    assert "Deleted contact Left By hand" in text_of(page(marketer_client, segment))


# Members of static segments


def test_contacts_are_found_and_added_by_hand(marketer_client: Client, marketer: User):
    now = timezone.now()
    ana, luca, _emma = people("Ana", "Luca", "Emma", now=now)
    segment = static("Trade fair", luca, now=now)
    found = page(marketer_client, segment, find="example")
    assert text_of(found).count("Add to Segment") == 2
    assert "Luca luca@example.com In the segment" in text_of(found)
    fragment = marketer_client.get(f"/segments/{segment.pk}/find/", {"find": "ANA@"})
    assert text_of(fragment) == "A Ana ana@example.com Add to Segment Ana"
    nobody = marketer_client.get(f"/segments/{segment.pk}/find/", {"find": "<i>"})
    assert text_of(nobody) == "No contact matches “<i>”."
    assert text_of(marketer_client.get(f"/segments/{segment.pk}/find/", {"find": "  "})) == ""

    address = f"/segments/{segment.pk}/add/"
    response = marketer_client.post(address, {"contact": ana.pk, "find": "exa mple"})
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/?find=exa+mple#members")
    assert members(segment) == {"Ana", "Luca"}
    entered = Transition.objects.get(contact=ana)
    assert (entered.cause, entered.detail, entered.kind) == ("hand", "marketer", "entered")
    assert "Ana was added to “Trade fair”." in text_of(page(marketer_client, segment))
    assert marketer_client.post(address, {"contact": ana.pk}).url == f"/segments/{segment.pk}/"
    assert "Ana is in “Trade fair” already." in text_of(page(marketer_client, segment))
    segment.refresh_from_db()
    assert segment.size == 2


def test_members_are_removed_by_hand(marketer_client: Client):
    now = timezone.now()
    ana, luca = people("Ana", "Luca", now=now)
    segment = static("Trade fair", ana, luca, now=now)
    response = marketer_client.post(f"/segments/{segment.pk}/remove/", {"contact": ana.pk})
    assert (response.status_code, response.url, members(segment)) == (303, f"/segments/{segment.pk}/", {"Luca"})
    assert "Ana was removed from “Trade fair”." in text_of(page(marketer_client, segment))
    assert Contact.objects.filter(pk=ana.pk).exists()
    marketer_client.post(f"/segments/{segment.pk}/remove/", {"contact": ana.pk})
    assert Transition.objects.filter(contact=ana, kind="left").count() == 1


def test_only_static_segments_are_changed_by_hand(marketer_client: Client, now: datetime):
    [ana] = people("Ana", now=now)
    segment = dynamic("D", now=now)
    for action in ("add", "remove"):
        assert marketer_client.post(f"/segments/{segment.pk}/{action}/", {"contact": ana.pk}).status_code == 404
    assert marketer_client.get(f"/segments/{segment.pk}/find/", {"find": "a"}).status_code == 404
    assert members(segment) == {"Ana"}


@pytest.mark.parametrize("contact", ["", "x", "-1", "999", "9" * 40, "²"])
def test_a_contact_that_is_not_there_is_not_found(marketer_client: Client, now: datetime, contact: str):
    segment = static("S", now=now)
    for action in ("add", "remove"):
        assert marketer_client.post(f"/segments/{segment.pk}/{action}/", {"contact": contact}).status_code == 404


def test_the_newest_members_stand_first(marketer_client: Client, now: datetime):
    everybody = people(*(f"P{number}" for number in range(12)), now=now)
    segment = static("S", now=now)
    for minutes, one in enumerate(everybody):
        at = now + timedelta(minutes=minutes)
        add(segment, Contact.objects.filter(pk=one.pk), now=at, cause=Cause.HAND)
    shown = [str(one.contact) for one in page(marketer_client, segment).context["members"]]
    assert shown == [f"P{number}" for number in range(11, 3, -1)]


def test_members_of_long_ago_are_found_in_the_contact_list(marketer_client: Client, now: datetime):
    ana, luca = people("Ana", "Luca", now=now)
    segment = static("S", ana, now=now)
    Transition.objects.bulk_create(
        Transition(segment=segment, contact=luca, kind="left", at=now + timedelta(1), cause=Cause.HAND)
        for _time in range(100)
    )
    text = text_of(page(marketer_client, segment))
    assert "View 1 contact" in text
    assert "Nobody has entered lately." in text


# Refreshing


def test_refreshing_at_once(marketer_client: Client, now: datetime):
    people("Ana", now=now)
    segment = dynamic("D", now=now)
    Membership.objects.all().delete()
    response = marketer_client.post(f"/segments/{segment.pk}/refresh/")
    assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
    assert members(segment) == {"Ana"}
    latest = RefreshRun.objects.filter(segment=segment)[0]
    assert (latest.cause, latest.entered) == ("refresh", 1)
    assert marketer_client.post(f"/segments/{static('S', now=now).pk}/refresh/").status_code == 404


def test_refreshing_many_contacts_shows_the_progress(
    marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    people("Ana", "Luca", now=now)
    segment = dynamic("D", now=now)
    monkeypatch.setattr(editing, "SMALL", 1)
    for _press in range(2):
        marketer_client.post(f"/segments/{segment.pk}/refresh/")
    [job] = Job.objects.all()
    assert job.params == {"segment": segment.pk}
    assert "“D” is being refreshed already." in text_of(page(marketer_client, segment))
    Job.objects.update(state="running", done=1, total=4, message="Finding the contacts")
    progress = marketer_client.get(f"/segments/{segment.pk}/progress/")
    assert text_of(progress).startswith("The members are being brought up to date 25% 25% Finding the contacts")
    Job.objects.update(state="done")
    finished = marketer_client.get(f"/segments/{segment.pk}/progress/")
    assert (finished.headers["HX-Refresh"], finished.content) == ("true", b"")


def test_a_segment_that_waits_for_the_worker_says_so(marketer_client: Client, now: datetime):
    segment = dynamic("D", now=now)
    Segment.objects.filter(pk=segment.pk).update(stale=True)
    assert "The members will be brought up to date soon" in text_of(page(marketer_client, segment))
    assert "hx-get" in marketer_client.get(f"/segments/{segment.pk}/progress/").content.decode()


# Uses


def test_uses_by_kind_of_place(marketer_client: Client, now: datetime):
    segment = static("Used", now=now)
    other = in_segment(segment, now=now, name="<Other>")
    text = text_of(marketer_client.get(f"/segments/{segment.pk}/uses/"))
    assert "Segments <Other>" in text
    assert f'href="/segments/{other.pk}/"' in marketer_client.get(f"/segments/{segment.pk}/uses/").content.decode()
    assert "Not used anywhere" in text_of(marketer_client.get(f"/segments/{other.pk}/uses/"))
    assert "1 place" in text_of(page(marketer_client, segment))


# Cost


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_what_is_shown(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    everybody = people(*(f"P{place}" for place in range(number)), now=now)
    filled, chosen = dynamic("D", now=now), static("S", *everybody, now=now)
    for place in range(number):
        in_segment(chosen, now=now, name=f"Of S {place}")
        RefreshRun.objects.create(segment=filled, kind="full", started_at=now)
    Event.objects.create(contact=everybody[0], type="purchase", occurred_at=now, received_at=now)
    with django_assert_num_queries(14):
        page(marketer_client, filled)
    with django_assert_num_queries(16):
        page(marketer_client, chosen, find="example")
    with django_assert_num_queries(8):
        marketer_client.get(f"/segments/{chosen.pk}/uses/")

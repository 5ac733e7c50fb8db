"""The administrators' pages of segments and of what the engine records, and memberships after what is done there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, ContactList, ListMembership
from crm.models import Job, User
from segments import editing, membership
from segments.facebook.sending import use_audience
from segments.models import (
    Cause,
    FacebookConnection,
    FacebookExport,
    FacebookMember,
    Membership,
    RefreshRun,
    Segment,
    SegmentDay,
    SegmentVersion,
    Transition,
)
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db

SEGMENTS = "admin:segments_segment_changelist"
SPANIARDS = {"type": "field", "field": "country", "operator": "is", "value": "ES"}
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/segments/segment/?kind__exact=dynamic"}
CONSENT = {"_form_submitted": "on"}


def definition(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


def dynamic(name: str, *rules: dict[str, Any], now: datetime, kind: str = "dynamic") -> Segment:
    segment = editing.create_segment(name=name, kind=kind, definition=definition(*rules), now=now)
    editing.fill(segment, now=now)
    segment.refresh_from_db()
    return segment


def static(name: str, *contacts: Contact, now: datetime) -> Segment:
    segment = editing.create_segment(name=name, kind="static", now=now)
    if contacts:
        chosen = Contact.objects.filter(pk__in=[contact.pk for contact in contacts])
        membership.add(segment, chosen, now=now, cause=Cause.HAND)
        segment.refresh_from_db()
    return segment


def listed(client: Client, name: str, **query: Any) -> list[Any]:
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def names(client: Client, **query: Any) -> set[str]:
    return {segment.name for segment in listed(client, SEGMENTS, **query)}


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def said_after(client: Client, response: Any) -> list[str]:
    return said(client.get(response["HX-Redirect"]))


def members(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("contact_id", flat=True))


def address(name: str, segment: Segment) -> str:
    return reverse(f"admin:segments_segment_{name}", args=[segment.pk])


# Tables


def make_transition(number: int, now: datetime) -> None:
    static(f"Segment {number}", Contact.objects.create(external_id=str(number)), now=now)


def make_run(number: int, now: datetime) -> None:
    dynamic(f"Segment {number}", SPANIARDS, now=now)


def make_facebook(number: int, now: datetime) -> None:
    contact = Contact.objects.create(external_id=str(number), updated_at=now)
    user = User.objects.create(username=f"user-{number}")
    segment = static(f"Segment {number}", contact, now=now)
    FacebookConnection.objects.update_or_create(
        defaults={"account_name": "Shop", "access_token": "gAAAAABsecret", "connected_at": now, "connected_by": user}
    )
    audience = use_audience(segment, account_id="1", audience_id=str(number), name=f"Audience {number}", now=now)
    FacebookMember.objects.create(audience=audience, contact=contact, contact_updated_at=now, external_id=number)
    FacebookExport.objects.create(kind="send", segment=segment, audience=audience, user=user, started_at=now)


# Two queries are the session and its user, and two the count and the rows.
LISTS: dict[str, tuple[Callable[[int, datetime], Any], int]] = {
    "segment": (make_run, 4),
    "transition": (make_transition, 4),
    "segmentversion": (make_run, 4),
    "segmentday": (make_transition, 4),
    "refreshrun": (make_run, 4),
    "facebookaudience": (make_facebook, 4),
    "facebookmember": (make_facebook, 4),
    "facebookexport": (make_facebook, 4),
}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_any_number_of_rows(superuser_client, django_assert_num_queries, now, name, rows):
    make, queries = LISTS[name]
    for number in range(rows):
        make(number, now)
    with django_assert_num_queries(queries):
        response = superuser_client.get(reverse(f"admin:segments_{name}_changelist"))
    assert response.context["cl"].result_count == rows


def test_the_secrets_of_facebook_are_shown_to_nobody(superuser_client, now):
    make_facebook(1, now)
    listed_page = superuser_client.get(reverse("admin:segments_facebookconnection_changelist"))
    page = superuser_client.get(reverse("admin:segments_facebookconnection_change", args=[1]))
    assert [b"Shop" in one.content for one in (listed_page, page)] == [True, True]
    assert [b"gAAAAA" in one.content for one in (listed_page, page)] == [False, False]


@pytest.mark.parametrize("name", ["transition", "segmentversion", "segmentday", "refreshrun"])
def test_records_are_only_read(superuser_client, now, name):
    dynamic("Spaniards", SPANIARDS, now=now)
    make_transition(1, now)
    models = (Transition, SegmentVersion, SegmentDay, RefreshRun)
    record = {model._meta.model_name: model for model in models}[name]._default_manager.all()[0]
    change = reverse(f"admin:segments_{name}_change", args=[record.pk])
    assert superuser_client.get(reverse(f"admin:segments_{name}_add")).status_code == 403
    assert superuser_client.get(change).status_code == 200
    assert superuser_client.post(change, {"entered": "9"}).status_code == 403
    assert superuser_client.post(reverse(f"admin:segments_{name}_delete", args=[record.pk])).status_code == 403


def test_find_segments(superuser_client, now):
    waiting, refreshing, failed, gone, test = (
        dynamic(name, SPANIARDS, now=now) for name in ("waiting", "refreshing", "failed", "gone", "test")
    )
    dynamic("ready", SPANIARDS, now=now)
    Segment.objects.filter(pk=waiting.pk).update(stale=True)
    Segment.objects.filter(pk=refreshing.pk).update(refresh_token="0" * 32)
    Segment.objects.filter(pk=failed.pk).update(error="No such field")
    Segment.objects.filter(pk=test.pk).update(is_test=True, description="For trying out")
    editing.delete_segment(gone, now=now)
    static("guests", now=now)
    live = {"ready", "waiting", "refreshing", "failed", "test", "guests"}
    assert names(superuser_client) == live
    assert names(superuser_client, deleted="yes") == {"gone"}
    assert names(superuser_client, kind__exact="static") == {"guests"}
    assert names(superuser_client, state="ready") == {"ready", "test", "guests"}
    assert names(superuser_client, state="waiting") == {"waiting"}
    assert names(superuser_client, state="refreshing") == {"refreshing"}
    assert names(superuser_client, state="error") == {"failed"}
    assert names(superuser_client, is_test__exact="1") == {"test"}
    assert names(superuser_client, q="trying") == {"test"}


def test_find_transitions_and_runs(superuser_client, now):
    ada, bob = (Contact.objects.create(external_id=name) for name in ("ada", "bob"))
    guests = static("guests", ada, bob, now=now)
    static("others", ada, now=now)
    membership.remove(
        guests, Contact.objects.filter(pk=ada.pk), now=now - timedelta(days=1), cause=Cause.HAND, detail="Rita"
    )

    def found(**query: Any) -> list[tuple[str, str, str]]:
        rows = listed(superuser_client, "admin:segments_transition_changelist", **query)
        return [(row.segment.name, row.contact.external_id, row.kind) for row in rows]

    assert found(segment__id__exact=guests.pk) == [
        ("guests", "bob", "entered"),
        ("guests", "ada", "entered"),
        ("guests", "ada", "left"),
    ]
    assert found(kind__exact="left") == [("guests", "ada", "left")]
    assert set(found(contact__id__exact=ada.pk)) == {
        ("guests", "ada", "entered"),
        ("guests", "ada", "left"),
        ("others", "ada", "entered"),
    }
    for outcome in ({"error": "boom"}, {"differences": 2}, {"entered": 1}, {}):
        RefreshRun.objects.create(kind="audit", started_at=now, **outcome)

    def runs(outcome: str) -> int:
        return len(listed(superuser_client, "admin:segments_refreshrun_changelist", outcome=outcome))

    assert {outcome: runs(outcome) for outcome in ("failed", "repaired", "moved", "nonsense")} == {
        "failed": 1,
        "repaired": 1,
        "moved": 1,
        "nonsense": 4,
    }


# The actions of the pages


def row_actions(client: Client, **query: str) -> list[str]:
    return [str(found["title"]) for found in client.get(reverse(SEGMENTS), query).context["actions_row"]]


def page_actions(client: Client, segment: Segment) -> list[str]:
    page = client.get(address("change", segment))
    return [str(found["title"]) for found in page.context["actions_detail"]]


def bulk_actions(client: Client, **query: str) -> list[str]:
    form = client.get(reverse(SEGMENTS), query).context["action_form"]
    return [key for key, _label in form.fields["action"].choices if key] if form else []


def test_the_list_offers_the_actions_of_the_pages(superuser_client, now):
    segment, guests = dynamic("Spaniards", SPANIARDS, now=now), static("Guests", now=now)
    links = ["Segment editor", "View contacts", "View uses"]
    assert row_actions(superuser_client) == [*links, "Refresh", "Delete"]
    assert bulk_actions(superuser_client) == ["delete_selected", "refresh_selected"]
    assert page_actions(superuser_client, segment) == [*links, "Refresh"]
    assert page_actions(superuser_client, guests) == links
    editing.delete_segment(segment, now=now)
    assert row_actions(superuser_client, deleted="yes") == ["Restore"]
    assert bulk_actions(superuser_client, deleted="yes") == ["restore_selected"]
    assert page_actions(superuser_client, segment) == ["Restore"]


def test_who_only_looks_is_offered_only_that(viewer, now):
    viewer.is_staff = True
    viewer.save()
    viewing = logged_in(viewer)
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    assert row_actions(viewing) == ["View contacts", "View uses"]
    assert page_actions(viewing, segment) == ["View contacts", "View uses"]
    assert bulk_actions(viewing) == []
    for name in ("refresh", "restore", "open_editor", "delete_segment"):
        assert viewing.post(address(name, segment), CONSENT).status_code == 403
    assert viewing.get(reverse("admin:segments_segment_create")).status_code == 403
    assert viewing.post(address("delete", segment), {"post": "yes"}).status_code == 403
    assert Segment.objects.live().count() == 1


def test_the_ways_to_the_pages(superuser_client, now):
    segment = dynamic("Spaniards", SPANIARDS, now=now)

    def leads_to(url: str) -> str:
        return superuser_client.get(url)["Location"]

    assert leads_to(address("open_editor", segment)) == reverse("segments:edit", args=[segment.pk])
    assert leads_to(address("view_contacts", segment)) == f"{reverse('contacts:list')}?segment={segment.pk}"
    assert leads_to(address("view_uses", segment)) == reverse("segments:uses", args=[segment.pk])
    assert leads_to(address("delete_segment", segment)) == address("delete", segment)
    assert leads_to(reverse("admin:segments_segment_create")) == reverse("segments:create")
    page = superuser_client.get(address("change", segment)).content.decode()
    assert reverse("segments:detail", args=[segment.pk]) in page
    assert "Contacts for whom Country is Spain." in page


def test_refresh(superuser_client, now):
    spaniard = Contact.objects.create(country="ES")
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    Membership.objects.all().delete()
    Segment.objects.update(size=0)
    assert "worked out anew" in superuser_client.get(address("refresh", segment), headers=HTMX).content.decode()
    assert members(segment) == set()
    response = superuser_client.post(address("refresh", segment), CONSENT, headers=HTMX)
    assert response["HX-Redirect"] == "/admin/segments/segment/?kind__exact=dynamic"
    assert said_after(superuser_client, response) == ["“Spaniards” has 1 contact now."]
    assert members(segment) == {spaniard.pk}
    assert RefreshRun.objects.latest("pk").cause == Cause.REFRESH


def test_refresh_among_many_contacts_is_left_to_the_worker(superuser_client, superuser, now, monkeypatch):
    Contact.objects.create(country="ES")
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    monkeypatch.setattr(editing, "SMALL", 0)
    response = superuser_client.post(address("refresh", segment), CONSENT, headers=HTMX)
    assert said_after(superuser_client, response) == ["“Spaniards” is being refreshed in the background."]
    job = Job.objects.get()
    assert (job.subject, job.user, job.params) == (f"segment:{segment.pk}", superuser, {"segment": segment.pk})


def test_nothing_is_to_be_refreshed_in_a_static_segment(superuser_client, now):
    segment = static("Guests", now=now)
    response = superuser_client.post(address("refresh", segment), CONSENT)
    assert response["HX-Redirect"] == reverse(SEGMENTS)
    assert said_after(superuser_client, response) == [
        "Nothing to refresh in “Guests”: its contacts are chosen by hand."
    ]


def test_a_refresh_that_fails_says_so_and_stays_on_the_segment(superuser_client, now):
    news = ContactList.objects.create(name="News")
    segment = dynamic("Readers", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    news.delete()
    response = superuser_client.post(address("refresh", segment), CONSENT, headers=HTMX)
    [text] = said_after(superuser_client, response)
    assert text.startswith("The members could not be brought up to date.")
    segment.refresh_from_db()
    assert segment.state == Segment.State.ERROR


def test_refresh_selected(superuser_client, now):
    spaniard = Contact.objects.create(country="ES")
    chosen = [dynamic(name, SPANIARDS, now=now) for name in ("one", "two")]
    other = dynamic("other", SPANIARDS, now=now)
    Membership.objects.all().delete()
    Segment.objects.update(size=0)
    selected = {"action": "refresh_selected", "_selected_action": [segment.pk for segment in chosen]}
    superuser_client.post(reverse(SEGMENTS), selected)
    assert [members(segment) for segment in (*chosen, other)] == [{spaniard.pk}, {spaniard.pk}, set()]


def test_delete_and_restore(superuser_client, superuser, now):
    contact = Contact.objects.create(country="ES")
    segment = static("Guests", contact, now=now)
    page = superuser_client.get(address("delete", segment)).content.decode()
    assert "Their contacts stay, and for 90 days the segments can be restored." in page
    superuser_client.post(address("delete", segment), {"post": "yes"})
    segment.refresh_from_db()
    assert segment.deleted_by == superuser
    assert Contact.objects.count() == 1
    assert superuser_client.post(address("delete", segment), {"post": "yes"}).status_code == 403
    assert superuser_client.get(address("change", segment)).status_code == 200
    response = superuser_client.post(address("restore", segment), CONSENT, headers=HTMX)
    assert said_after(superuser_client, response) == ["“Guests” is in use again."]
    segment.refresh_from_db()
    assert segment.deleted_at is None
    assert members(segment) == {contact.pk}


def test_what_is_used_is_deleted_only_with_consent(superuser_client, now):
    guests = static("Guests", now=now)
    user = dynamic(
        "Reads it", {"type": "segment", "segment": guests.pk, "operator": "member"}, now=now, kind="dynamic_plus"
    )
    page = superuser_client.post(address("delete", guests), {"post": "yes"}).content.decode()
    assert "Reads it" in page
    assert reverse("segments:detail", args=[user.pk]) in page
    guests.refresh_from_db()
    assert guests.deleted_at is None
    superuser_client.post(address("delete", guests), {"post": "yes", "confirmed": "on"})
    guests.refresh_from_db()
    assert guests.deleted_at is not None


def test_delete_and_restore_selected(superuser_client, now):
    chosen = [static(name, now=now).pk for name in ("one", "two")]
    static("other", now=now)
    selected = {"action": "delete_selected", "_selected_action": chosen}
    page = superuser_client.post(reverse(SEGMENTS), selected).content.decode()
    assert [f'value="{pk}"' in page for pk in chosen] == [True, True]
    assert names(superuser_client) == {"one", "two", "other"}
    superuser_client.post(reverse(SEGMENTS), selected | {"post": "yes"})
    assert names(superuser_client) == {"other"}
    static("two", now=now)
    response = superuser_client.post(
        f"{reverse(SEGMENTS)}?deleted=yes", selected | {"action": "restore_selected"}, follow=True
    )
    assert said(response) == [
        "“one” is in use again.",
        "“two” stays deleted: another segment has its name. Rename that one first.",
    ]
    assert names(superuser_client) == {"one", "two", "other"}
    assert names(superuser_client, deleted="yes") == {"two"}


def test_rename(superuser_client, superuser, now):
    spaniard = Contact.objects.create(country="ES")
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    static("Guests", now=now)
    taken = superuser_client.post(address("change", segment), {"name": "guests", "description": "kept"})
    form = taken.context["adminform"].form
    assert form.errors == {"name": ["There is a segment of this name."]}
    assert form["description"].value() == "kept"
    superuser_client.post(address("change", segment), {"name": "Spain", "description": "Sun", "is_test": "on"})
    version = segment.version
    segment.refresh_from_db()
    assert (segment.name, segment.description, segment.is_test) == ("Spain", "Sun", True)
    assert (segment.version, segment.stale, segment.updated_by) == (version, False, superuser)
    assert members(segment) == {spaniard.pk}


def test_conditions_in_an_older_form_are_brought_up_to_date_with_the_name(
    superuser_client, now, django_capture_on_commit_callbacks
):
    spaniard = Contact.objects.create(country="ES")
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    Membership.objects.all().delete()
    Segment.objects.update(size=0, definition=definition({**SPANIARDS, "only_set": False}))
    with django_capture_on_commit_callbacks(execute=True):
        superuser_client.post(address("change", segment), {"name": "Spain", "description": ""})
    assert members(segment) == {spaniard.pk}


def test_what_somebody_saved_meanwhile_is_not_overwritten(superuser_client, now):
    segment = dynamic("Spaniards", SPANIARDS, now=now)
    page = superuser_client.get(address("change", segment))
    saved = page.context["adminform"].form["saved"].value()
    assert f'<input type="hidden" name="saved" value="{saved}"' in page.content.decode()
    typed = {"name": "Spain", "description": "", "saved": saved}
    values = {"name": "Spaniards", "description": "Sun", "is_test": False}
    editing.save_segment(segment, **values, definition=segment.definition, now=now)
    response = superuser_client.post(address("change", segment), typed)
    form = response.context["adminform"].form
    [error] = form.errors["__all__"]
    assert error.startswith("Somebody else saved this segment meanwhile.")
    assert form["name"].value() == "Spain"
    segment.refresh_from_db()
    assert (segment.name, segment.description) == ("Spaniards", "Sun")
    saved = superuser_client.get(address("change", segment)).context["adminform"].form["saved"].value()
    assert superuser_client.post(address("change", segment), typed | {"saved": saved}).status_code == 302


def test_a_segment_with_broken_conditions_leads_to_the_editor(superuser_client, now):
    news = ContactList.objects.create(name="News")
    segment = dynamic("Readers", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    news.delete()
    assert superuser_client.get(address("change", segment)).status_code == 200
    response = superuser_client.post(address("change", segment), {"name": "New name", "description": ""})
    [error] = response.context["adminform"].form.errors["__all__"]
    assert error.startswith("The conditions cannot be used any more. Open the editor and mend them first:")
    segment.refresh_from_db()
    assert segment.name == "Readers"


# Memberships are right when the page comes back


def contact_values(**values: str) -> dict[str, str]:
    inline = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "1000"}
    always = {"newsletter": "never", "email_status": "ok"}
    return {f"list_memberships-{name}": value for name, value in inline.items()} | always | values


def test_memberships_follow_what_is_written_about_a_contact(superuser_client, now, django_capture_on_commit_callbacks):
    segment = dynamic("Spaniards", SPANIARDS, now=now)

    def post(name: str, *args: int, **values: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            response = superuser_client.post(reverse(f"admin:contacts_contact_{name}", args=args), values)
        assert response.status_code == 302, response.context["adminform"].form.errors

    post("add", **contact_values(first_name="Ana", country="ES"))
    ana = Contact.objects.get()
    assert members(segment) == {ana.pk}
    post("change", ana.pk, **contact_values(first_name="Ana", country="FR"))
    assert members(segment) == set()
    post("change", ana.pk, **contact_values(first_name="Ana", country="ES"))
    assert members(segment) == {ana.pk}
    post("delete", ana.pk, post="yes")
    assert members(segment) == set()
    segment.refresh_from_db()
    assert segment.size == 0


def test_memberships_follow_what_is_written_about_lists(superuser_client, now, django_capture_on_commit_callbacks):
    news = ContactList.objects.create(name="News")
    contacts = [Contact.objects.create(external_id=str(number)) for number in range(2)]
    segment = dynamic("Readers", {"type": "list", "list": news.pk, "operator": "member"}, now=now)

    def post(url: str, **values: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            response = superuser_client.post(url, values)
        assert response.status_code == 302

    moment = {"subscribed_at_0": "2026-02-01", "subscribed_at_1": "10:00:00"}
    for contact in contacts:
        post(reverse("admin:contacts_listmembership_add"), contact=contact.pk, list=news.pk, **moment)
    assert members(segment) == {contact.pk for contact in contacts}
    first, second = ListMembership.objects.order_by("contact_id")
    ended = moment | {"unsubscribed_at_0": "2026-02-02", "unsubscribed_at_1": "10:00:00"}
    change = reverse("admin:contacts_listmembership_change", args=[first.pk])
    post(change, contact=contacts[0].pk, list=news.pk, **ended)
    assert members(segment) == {contacts[1].pk}
    selected = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
    post(reverse("admin:contacts_listmembership_changelist"), **selected)
    assert members(segment) == set()
    inline = contact_values(**{"list_memberships-TOTAL_FORMS": "1", "list_memberships-0-list": str(news.pk)})
    inline |= {f"list_memberships-0-{name}": value for name, value in moment.items()}
    inline |= {"list_memberships-0-contact": str(contacts[1].pk), "external_id": "1"}
    post(reverse("admin:contacts_contact_change", args=[contacts[1].pk]), **inline)
    assert members(segment) == {contacts[1].pk}


def test_deleting_a_list_says_where_it_is_used(superuser_client, now):
    news = ContactList.objects.create(name="News")
    segment = dynamic("Readers", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    page = superuser_client.get(reverse("admin:contacts_contactlist_delete", args=[news.pk])).content.decode()
    assert reverse("segments:detail", args=[segment.pk]) in page

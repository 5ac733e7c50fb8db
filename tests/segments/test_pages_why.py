"""The pages that say why a contact is in a segment or not, and the ways to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.events import NewEvent, record
from contacts.models import Contact
from crm.models import User
from segments.editing import create_segment, delete_segment, fill
from segments.models import Segment
from tests.conftest import logged_in
from tests.segments.pages import dynamic, people, static, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}
ROME = {"type": "field", "field": "city", "operator": "is", "value": "Rome"}


@pytest.fixture
def ana() -> Contact:
    [ana, *_others] = people("Ana", "Luca", "<b>Zoe</b>", now=NOW, city="Rome")
    return ana


def buyers() -> Segment:
    """Who bought twice and did not open an email, or lives in Oslo."""
    bought = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 2}
    opened = bought | {"event": "email_opened", "value": 1}
    window = {"window": {"kind": "ever"}}
    rules = [bought | window, {"match": "none", "rules": [opened | window]}]
    definition = {"version": 1, "match": "any", "rules": [{"match": "all", "rules": rules}, ROME | {"value": "Oslo"}]}
    segment = create_segment(name="Buyers", kind="dynamic_plus", definition=definition, now=NOW)
    fill(segment, now=NOW)
    return segment


def test_a_member_sees_every_condition_and_the_ledger(viewer_client: Client, ana: Contact):
    segment = dynamic("Romans", ROME, now=NOW)
    page = viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/")
    text = text_of(page)
    assert "Why the contact is in “Romans”." in text
    assert "Ana has been in since 10 Mar 2026, 12:00" in text
    assert "Met All of these Met City is Rome Seen: Rome" in text
    assert "Entered The conditions of the segment were changed 10 Mar 2026, 12:00" in text
    assert "brought up to date" not in text


def test_somebody_who_is_not_in_sees_what_is_missing(viewer_client: Client, ana: Contact):
    segment = buyers()
    events = [
        NewEvent(
            "purchase", NOW - timedelta(days=2), contact_id=ana.pk, value="12", properties={"category": "<i>x</i>"}
        ),
        NewEvent("email_opened", NOW - timedelta(days=1), contact_id=ana.pk),
    ]
    record(events, now=NOW)
    page = viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/")
    text = text_of(page)
    assert "Why the contact is not in “Buyers”." in text
    assert "Not met Any of these None of these is met, and one of them has to be." in text
    assert "Not met All of these 0 of 2 are met, and all have to be." in text
    assert "“Purchased” happened at least 2 times Seen: 1 1 more time is needed Purchased 8 Mar 2026, 12:00" in text
    assert "Not met None of these 1 of these is met, and none may be. Met, but must not be “Opened an email”" in text
    assert "Not met City is Oslo Seen: Rome" in text
    assert "It has never entered." in text
    assert "<i>x</i>" not in page.content.decode()


def test_the_fragment_is_the_explanation_alone(viewer_client: Client, ana: Contact):
    segment = dynamic("Romans", ROME, now=NOW)
    response = viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/", headers=HTMX)
    assert "<html" not in response.content.decode()
    assert text_of(response).startswith("Ana has been in since")


def test_a_static_segment_tells_who_did_it(viewer_client: Client, ana: Contact):
    segment = static("Friends", ana, now=NOW)
    text = text_of(viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/"))
    assert "A static segment has no conditions" in text
    assert "Entered Mara did it by hand" in text


def test_members_that_lag_behind_are_told(viewer_client: Client, ana: Contact):
    segment = dynamic("Romans", ROME, now=NOW)
    Segment.objects.filter(pk=segment.pk).update(
        definition=segment.conditions | {"rules": [ROME | {"value": "Oslo"}]}, version=2, stale=True
    )
    text = text_of(viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/"))
    assert "The conditions are not met any more, and the contact is still in the segment" in text


def test_any_contact_can_be_asked_about(viewer_client: Client, ana: Contact):
    segment = dynamic("Romans", ROME | {"value": "Oslo"}, now=NOW)
    detail = text_of(viewer_client.get(f"/segments/{segment.pk}/"))
    assert "Why is … in or not in?" in detail
    address = f"/segments/{segment.pk}/why/"
    assert "Find any contact" in text_of(viewer_client.get(address))
    found = viewer_client.get(address, {"who": "an"}, headers=HTMX)
    assert "<html" not in found.content.decode()
    assert text_of(found) == "A Ana ana@example.com Not in it Why? Ana"
    assert f'href="{address}{ana.pk}/"' in found.content.decode()
    assert "Not in it Why? Ana" in text_of(viewer_client.get(address, {"who": "ana"}))
    assert "No contact matches “nobody”." in text_of(viewer_client.get(address, {"who": "nobody"}, headers=HTMX))
    zoe = viewer_client.get(address, {"who": "zoe"}, headers=HTMX).content.decode()
    assert "<b>Zoe" not in zoe


def test_the_ways_to_it(viewer_client: Client, ana: Contact):
    chosen, filled = static("Friends", ana, now=timezone.now()), dynamic("Romans", ROME, now=timezone.now())
    for segment in (chosen, filled):
        link = f'href="/segments/{segment.pk}/why/{ana.pk}/"'
        for address in (f"/segments/{segment.pk}/", f"/contacts/{ana.pk}/segments/"):
            assert link in viewer_client.get(address).content.decode()


def test_who_may_see_it(ana: Contact, client: Client):
    segment = buyers()
    record([NewEvent("purchase", NOW, contact_id=ana.pk)], now=NOW)
    addresses = [f"/segments/{segment.pk}/why/", f"/segments/{segment.pk}/why/{ana.pk}/"]
    assert [client.get(address).status_code for address in addresses] == [302, 302]
    user = User.objects.create_user("nina")
    user.user_permissions.add(Permission.objects.get(codename="view_segment"))
    nina = logged_in(user)
    assert [nina.get(address).status_code for address in addresses] == [403, 403]
    assert "Why is … in or not in?" not in text_of(nina.get(f"/segments/{segment.pk}/"))
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    text = text_of(logged_in(user).get(addresses[1]))
    assert "Seen: 1 1 more time is needed Met None of these" in text  # the events themselves are not shown


def test_what_there_is_not_is_not_found(viewer_client: Client, ana: Contact):
    segment = static("Friends", now=NOW)
    assert viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk + 99}/").status_code == 404
    assert viewer_client.get(f"/segments/{segment.pk + 99}/why/{ana.pk}/").status_code == 404
    delete_segment(segment, now=NOW)
    assert viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/").status_code == 404
    assert viewer_client.get(f"/segments/{segment.pk}/why/").status_code == 404


def test_the_number_of_queries(viewer_client: Client, ana: Contact):
    for number in (1, 3):
        rules: list[dict[str, Any]] = [ROME | {"value": str(one)} for one in range(number)]
        segment = dynamic(f"S{number}", *rules, now=NOW)
        with CaptureQueriesContext(connection) as queries:
            viewer_client.get(f"/segments/{segment.pk}/why/{ana.pk}/")
        assert len(queries) == 10

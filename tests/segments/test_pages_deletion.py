"""Deleting segments and restoring them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from crm.models import User
from segments.editing import delete_segment
from segments.models import Segment
from tests.segments.pages import dynamic, in_segment, members, people, static, text_of

pytestmark = pytest.mark.django_db


def test_deleting_keeps_the_contacts_and_offers_to_restore(marketer_client: Client, marketer: User):
    now = timezone.now()
    ana, luca = people("Ana", "Luca", now=now)
    segment = static("Trade <fair>", ana, luca, now=now)
    address = f"/segments/{segment.pk}/delete/"
    asked = text_of(marketer_client.get(address))
    assert "The segment is deleted; its 2 contacts are not. For 90 days it can be restored with its members." in asked
    assert Segment.objects.live().exists()
    response = marketer_client.post(address)
    assert (response.status_code, response.url) == (303, "/segments/")
    listed = marketer_client.get("/segments/")
    assert "“Trade <fair>” was deleted. Its contacts are still there. Restore" in text_of(listed)
    assert f'<a href="/segments/{segment.pk}/restore/">Restore</a>' in listed.content.decode()
    segment.refresh_from_db()
    assert (segment.deleted_by, Contact.objects.count()) == (marketer, 2)
    assert marketer_client.post(address).status_code == 404


def test_a_used_segment_says_where_and_wants_consent(marketer_client: Client, now: datetime):
    segment = static("Used", now=now)
    in_segment(segment, now=now, name="The other")
    address = f"/segments/{segment.pk}/delete/"
    assert "This segment is used." in text_of(marketer_client.get(address))
    assert "The other" in text_of(marketer_client.get(address))
    refused = marketer_client.post(address)
    assert refused.status_code == 422
    assert "Tick the box to delete a segment that is used." in text_of(refused)
    assert Segment.objects.live().filter(pk=segment.pk).exists()
    assert marketer_client.post(address, {"confirmed": "on"}).status_code == 303
    assert not Segment.objects.live().filter(pk=segment.pk).exists()


def test_restoring_brings_the_members_back(marketer_client: Client):
    now = timezone.now()
    people("Ana", now=now)
    filled, chosen = dynamic("Filled", now=now), static("Chosen", Contact.objects.get(), now=now)
    for segment in (filled, chosen):
        delete_segment(segment, now=now)
    people("Luca", now=now)
    assert "It comes back with the 1 contact that it had." in text_of(
        marketer_client.get(f"/segments/{chosen.pk}/restore/")
    )
    for segment, names in ((filled, {"Ana", "Luca"}), (chosen, {"Ana"})):
        response = marketer_client.post(f"/segments/{segment.pk}/restore/")
        assert (response.status_code, response.url) == (303, f"/segments/{segment.pk}/")
        assert members(segment) == names
    assert "“Chosen” was restored." in text_of(marketer_client.get("/segments/"))
    assert marketer_client.post(f"/segments/{chosen.pk}/restore/").status_code == 404


def test_a_name_that_was_taken_meanwhile(marketer_client: Client):
    now = timezone.now()
    gone = static("News", now=now)
    delete_segment(gone, now=now)
    static("NEWS", now=now)
    response = marketer_client.post(f"/segments/{gone.pk}/restore/")
    assert response.status_code == 422
    assert "There is another segment named “News” now." in text_of(response)
    gone.refresh_from_db()
    assert gone.deleted_at


def test_the_deleted_ones_with_who_when_and_how_long(marketer_client: Client, marketer: User, viewer_client: Client):
    now = timezone.now()
    for days, name in ((0, "Today"), (89, "Nearly gone"), (91, "Too late")):
        delete_segment(static(name, now=now), now=now - timedelta(days=days), user=marketer)
    text = text_of(marketer_client.get("/segments/deleted/"))
    assert "Today Static now marketer 90 more days" in text
    assert "marketer 1 more day Restore Nearly gone" in text
    assert "Too late" not in text
    assert text.index("Today") < text.index("Nearly gone")
    assert text.count("Restore") == 2
    assert text_of(viewer_client.get("/segments/deleted/")).count("Restore") == 0
    late = Segment.objects.get(name="Too late")
    assert marketer_client.post(f"/segments/{late.pk}/restore/").status_code == 404


def test_none_deleted(viewer_client: Client):
    assert "No deleted segments" in text_of(viewer_client.get("/segments/deleted/"))


def test_many_deleted_page_by_page(viewer_client: Client):
    now = timezone.now()
    Segment.objects.bulk_create(
        Segment(name=f"S{number}", kind="static", deleted_at=now - timedelta(minutes=number)) for number in range(30)
    )
    first = viewer_client.get("/segments/deleted/")
    second = viewer_client.get("/segments/deleted/", {"after": first.context["page"].next})
    assert [segment.name for segment, _days in second.context["rows"]] == [f"S{number}" for number in range(25, 30)]


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_rows(
    marketer_client: Client, marketer: User, number: int, django_assert_num_queries: Any
):
    now = timezone.now()
    for place in range(number):
        delete_segment(static(f"S{place}", now=now), now=now, user=marketer)
        in_segment(static(f"Used {place}", now=now), now=now)
    with django_assert_num_queries(6):
        marketer_client.get("/segments/deleted/")
    used = Segment.objects.get(name="Used 0")
    with django_assert_num_queries(9):
        marketer_client.get(f"/segments/{used.pk}/delete/")

"""The history of a segment on its page, and taking an earlier version back into use."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import ContactList
from crm.models import User
from segments import editing
from segments.editing import create_segment, make_dynamic_plus, save_segment
from segments.faults import DefinitionError, Fault
from segments.models import Segment, SegmentVersion
from segments.versions import token_of
from tests.conftest import logged_in
from tests.segments.pages import dynamic, members, people, static, text_of
from tests.segments.printed import posted

pytestmark = pytest.mark.django_db


def city(name: str) -> dict[str, Any]:
    return {"type": "field", "field": "city", "operator": "is", "value": name}


def redefine(segment: Segment, *rules: dict[str, Any], now: datetime, user: User | None = None) -> None:
    definition = {"version": 1, "match": "all", "rules": list(rules)}
    save_segment(segment, name=segment.name, description="", is_test=False, definition=definition, now=now, user=user)


def history(segment: Segment) -> str:
    return f"/segments/{segment.pk}/history/"


def restoring(segment: Segment, number: int) -> str:
    return f"/segments/{segment.pk}/history/{number}/restore/"


def items(response: Any) -> list[str]:
    """The versions on the page, each as people read it."""
    return text_of(response).split(" Version ")[1:]


def test_versions_newest_first_with_what_differs(marketer_client: Client, marketer: User, now: datetime):
    marketer.first_name, marketer.last_name = "Mara", "<i>Conti</i>"
    marketer.save()
    segment = dynamic("S", city("Rome"), now=now, user=None)
    points = {"type": "field", "field": "points", "operator": "at_least", "value": 3}
    redefine(segment, city("<b>Oslo</b>"), points, now=now, user=marketer)
    make_dynamic_plus(segment, now=now)
    response = marketer_client.get(history(segment))
    third, second, first = items(response)
    assert third.startswith("3 In use Made dynamic plus 10 Mar 2026, 12:00 The conditions stayed the same.")
    assert (
        "Mara <i>Conti</i> Changed Before: City is Rome Now: City is <b>Oslo</b> Added Points is at least 3" in second
    )
    assert "Contacts for whom City is <b>Oslo</b> and Points is at least 3." in second
    assert "The segment was created with these conditions. Contacts for whom City is Rome." in first
    html = response.content.decode()
    assert "<b>Oslo" not in html
    assert "<i>Conti" not in html
    assert [number for number in (1, 2, 3) if restoring(segment, number) in html] == [1]


def test_versions_from_before_they_were_kept(marketer_client: Client, now: datetime):
    definition = {"version": 1, "match": "all", "rules": [city("Rome")]}
    segment = Segment.objects.create(name="S", kind="dynamic", version=4, definition=definition)
    assert "Nothing was kept yet" in text_of(marketer_client.get(history(segment)))
    SegmentVersion.objects.create(segment=segment, version=4, kind="dynamic", definition=definition, saved_at=now)
    assert "What was saved before this was not kept." in text_of(marketer_client.get(history(segment)))


def test_pages_of_versions(marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("segments.views.history.PAGE_SIZE", 2)
    segment = dynamic("S", city("1"), now=now)
    for number in range(2, 6):
        redefine(segment, city(str(number)), now=now)
    first = marketer_client.get(history(segment))
    assert [item.split()[0] for item in items(first)] == ["5", "4"]
    assert "Before: City is 3 Now: City is 4" in items(first)[1]
    second = marketer_client.get(f"{history(segment)}?after={first.context['page'].next}")
    assert [item.split()[0] for item in items(second)] == ["3", "2"]
    assert "Before: City is 1 Now: City is 2" in items(second)[1]
    back = marketer_client.get(f"{history(segment)}?before={second.context['page'].previous}")
    assert [item.split()[0] for item in items(back)] == ["5", "4"]
    assert "Before: City is 3 Now: City is 4" in items(back)[1]


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_versions(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    news = ContactList.objects.create(name="News")
    segment = dynamic("S", {"type": "list", "list": news.pk, "operator": "member"}, city("0"), now=now)
    for place in range(1, number):
        redefine(segment, {"type": "list", "list": news.pk, "operator": "member"}, city(str(place)), now=now)
    with django_assert_num_queries(8):
        marketer_client.get(history(segment))


def test_a_static_segment_has_no_history(marketer_client: Client, now: datetime):
    segment = static("S", now=now)
    assert marketer_client.get(history(segment)).status_code == 404
    assert history(segment) not in marketer_client.get(f"/segments/{segment.pk}/").content.decode()


def test_the_menu_leads_to_the_history(viewer_client: Client, now: datetime):
    segment = dynamic("S", now=now)
    assert history(segment) in viewer_client.get(f"/segments/{segment.pk}/").content.decode()
    assert history(segment) in viewer_client.get("/segments/").content.decode()
    page = viewer_client.get(history(segment))
    assert (page.status_code, "Restore" in text_of(page)) == (200, False)


def test_restoring_asks_first(marketer_client: Client, marketer: User):
    now = timezone.now()
    people("Ana", now=now, city="Rome")
    people("Emma", now=now, city="Oslo")
    segment = dynamic("S", city("Rome"), now=now)
    redefine(segment, city("Oslo"), now=now)
    editing.fill(segment, now=now)
    page = marketer_client.get(restoring(segment, 1))
    assert "What changes from version 2, which is in use Changed Before: City is Oslo Now: City is Rome" in text_of(
        page
    )
    assert members(segment) == {"Emma"}
    response = marketer_client.post(restoring(segment, 1), posted(page.content.decode()))
    assert (response.status_code, response.url) == (303, history(segment))
    segment.refresh_from_db()
    assert (segment.version, segment.updated_by, members(segment), segment.stale) == (3, marketer, {"Ana"}, False)
    after = marketer_client.get(response.url)
    assert "Version 1 was restored." in text_of(after)
    assert "3 In use Restored from version 1" in text_of(after)


def test_a_version_that_cannot_be_used_says_why(marketer_client: Client, now: datetime):
    news = ContactList.objects.create(name="News")
    on_news = {"type": "list", "list": news.pk, "operator": "member"}
    segment = dynamic("S", city("Rome"), on_news, now=now)
    redefine(segment, city("Oslo"), now=now)
    page = marketer_client.get(restoring(segment, 1))
    data = posted(page.content.decode())
    news.delete()
    response = marketer_client.post(restoring(segment, 1), data)
    assert response.status_code == 422
    for shown in (response, marketer_client.get(restoring(segment, 1))):
        text = text_of(shown)
        assert (
            "Its conditions can no longer be used: They are on the list (deleted): This list no longer exists." in text
        )
        assert "Restore these conditions" not in text
    segment.refresh_from_db()
    assert (segment.version, segment.versions.count()) == (2, 2)


def test_restoring_what_is_in_use(marketer_client: Client, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    page = marketer_client.get(restoring(segment, 1))
    assert "Nothing: the segment has these conditions already." in text_of(page)
    response = marketer_client.post(restoring(segment, 1), {"saved": token_of(segment)})
    assert "The segment has these conditions already." in text_of(marketer_client.get(response.url))
    assert segment.versions.count() == 1


def test_somebody_saves_while_restoring_is_confirmed(marketer_client: Client, administrator: User, now: datetime):
    segment = dynamic("S", city("Rome"), now=now)
    redefine(segment, city("Oslo"), now=now)
    data = posted(marketer_client.get(restoring(segment, 1)).content.decode())
    redefine(segment, city("Bern"), now=now, user=administrator)
    response = marketer_client.post(restoring(segment, 1), data)
    assert response.status_code == 409
    text = text_of(response)
    assert "administrator saved this segment meanwhile (10 Mar 2026, 12:00)." in text
    assert "What changes from version 3, which is in use Changed Before: City is Bern Now: City is Rome" in text
    again = marketer_client.post(restoring(segment, 1), posted(response.content.decode()))
    assert again.status_code == 303
    segment.refresh_from_db()
    assert segment.version == 4


def test_failing_to_fill_after_restoring_is_told(
    marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    def fail(*args: Any, **options: Any) -> None:
        raise DefinitionError([Fault((), "broken")])

    segment = dynamic("S", city("Rome"), now=now)
    redefine(segment, city("Oslo"), now=now)
    monkeypatch.setattr("segments.views.history.fill", fail)
    response = marketer_client.post(restoring(segment, 1), {"saved": token_of(segment)})
    assert "The members could not be brought up to date." in text_of(marketer_client.get(response.url))


def test_who_may_see_and_restore(user_with_role: Any, client: Client, now: datetime):
    segment = create_segment(
        name="S", kind="dynamic", definition={"version": 1, "match": "all", "rules": [city("Rome")]}, now=now
    )
    viewer, marketer = (logged_in(user_with_role(role)) for role in ("viewer", "marketer"))
    assert [one.get(history(segment)).status_code for one in (viewer, marketer, client)] == [200, 200, 302]
    assert [one.get(restoring(segment, 1)).status_code for one in (viewer, marketer, client)] == [403, 200, 302]
    assert viewer.post(restoring(segment, 1)).status_code == 403
    assert marketer.get(restoring(segment, 2)).status_code == 404
    editing.delete_segment(segment, now=now)
    assert [marketer.get(address).status_code for address in (history(segment), restoring(segment, 1))] == [404, 404]

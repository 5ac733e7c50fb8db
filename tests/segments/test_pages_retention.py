"""Settings > Old events: what the page says of an age, who may see it, and that it does what it has shown."""

from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from contacts.events import NewEvent, record
from contacts.models import Contact, Event, EventRemoval
from crm import jobs
from crm.models import Job, User
from segments.models import Transition
from tests.conftest import logged_in
from tests.segments.pages import dynamic, text_of
from tests.segments.test_retention import activity, names, refreshed, segment

pytestmark = pytest.mark.django_db

URL = "/settings/retention/"
SHOWN = f"{URL}?months=&date=2024-06-01"
OLD = datetime(2024, 5, 31, 23, 59, tzinfo=UTC)
DAY = timedelta(days=1)


def did(contact: Contact, *types: str, at: datetime = OLD) -> None:
    record([NewEvent(kind, at, contact_id=contact.pk) for kind in types], now=timezone.now())


@pytest.fixture
def ana() -> Contact:
    ana = Contact.objects.create(external_id="Ana", email="ana@example.com")
    did(ana, "purchase", "purchase", "page_visit")
    did(ana, "purchase", at=OLD + DAY)
    return ana


def errors_of(response: HttpResponse) -> dict[str, list[str]]:
    return {name: list(found) for form in ("age", "form") for name, found in response.context[form].errors.items()}


def test_only_administrators(viewer: User, marketer: User, administrator: User):
    for user, status in ((viewer, 403), (marketer, 403), (administrator, 200)):
        client = logged_in(user)
        assert client.get(URL).status_code == status
    assert logged_in(marketer).post(SHOWN, {"sure": "on"}).status_code == 403
    assert Client().get(URL).status_code == 302
    assert f'href="{URL}"' in logged_in(administrator).get("/settings/").content.decode()


def test_at_first_it_asks_how_old(administrator_client: Client, ana):
    response = administrator_client.get(URL)
    assert 'value="24"' in response.content.decode()
    assert "Events from before" not in text_of(response)
    assert "Remove them" not in text_of(response)


def test_what_there_is_and_who_reads_it(administrator_client: Client, ana):
    one = segment("<b>Bought</b>", activity())
    segment("Lately", activity(window={"kind": "last", "count": 30, "unit": "days"}))
    response = administrator_client.get(SHOWN)
    text = text_of(response)
    assert "Events from before 1 Jun 2024 Event Number Visited a page 1 Purchased 2 Together 3" in text
    assert (
        "Segments that read them Contacts may enter and leave these when the events go. "
        "Name What in it reads them <b>Bought</b> “Purchased” happened at least once Remove them"
    ) in text
    assert escape("<b>Bought</b>") in response.content.decode()
    assert f'href="/segments/{one.pk}/"' in response.content.decode()
    assert "Remove 3 events" in text
    assert Event.objects.count() == 4


def test_months_are_counted_from_today(administrator_client: Client, ana):
    day = timezone.localdate()
    response = administrator_client.get(URL, {"months": "1"})
    assert response.context["day"] < day - timedelta(days=27)
    assert response.context["total"] == 4
    assert administrator_client.get(URL, {"months": "600"}).context["total"] == 0


def test_nobody_reads_them(administrator_client: Client, ana):
    text = text_of(administrator_client.get(SHOWN))
    assert "Nothing reads events that old: nobody enters or leaves a segment because they go." in text


def test_there_are_none(administrator_client: Client, ana):
    Event.objects.all().delete()
    text = text_of(administrator_client.get(SHOWN))
    assert "There are none All events are younger than that." in text
    assert "Remove them" not in text
    response = administrator_client.post(SHOWN, {"sure": "on"})
    assert response.status_code == 200
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("months=&date=", {"__all__": ["Enter a number of months or choose a day, one of the two."]}),
        ("months=3&date=2024-06-01", {"__all__": ["Enter a number of months or choose a day, one of the two."]}),
        ("months=0", {"months": ["Ensure this value is greater than or equal to 1."]}),
        ("months=601", {"months": ["Ensure this value is less than or equal to 600."]}),
        ("date=nonsense", {"date": ["Enter a valid date."]}),
        ("date=0001-01-01", {"date": ["Ensure this value is greater than or equal to 1900-01-01."]}),
        ("date=9999-12-31", {"date": ["The events of the last four weeks always stay."]}),
        (f"date={timezone.localdate()}", {"date": ["The events of the last four weeks always stay."]}),
    ],
)
def test_an_age_that_cannot_be(administrator_client: Client, query: str, errors: dict[str, list[str]]):
    for method in (administrator_client.get, administrator_client.post):
        response = method(f"{URL}?{query}")
        assert (response.status_code, response.context["age"].errors) == (422, errors)
        assert "Remove them" not in text_of(response)


def test_it_wants_somebody_to_be_sure(administrator_client: Client, ana):
    response = administrator_client.post(SHOWN, {})
    assert (response.status_code, errors_of(response)) == (422, {"sure": ["Tick this to go on."]})
    assert "Remove 3 events" in text_of(response)
    assert not Job.objects.exists()


def test_it_removes_what_it_has_shown(administrator_client: Client, administrator: User, ana):
    bought = segment("Bought", activity(operator="at_least", value=3))
    refreshed(bought, now=timezone.now())
    response = administrator_client.post(SHOWN, {"sure": "on"})
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/jobs/{job.pk}/")
    assert (job.title, job.user, job.params) == (
        "Remove what is from before 1 Jun 2024",
        administrator,
        {"before": "2024-06-01T00:00:00+00:00", "ledgers": []},
    )
    assert "Waiting for the worker" in text_of(administrator_client.get(response["Location"]))
    jobs.run_job(job.pk)
    page = administrator_client.get(response["Location"])
    assert "3 records removed" in text_of(page)
    assert f'href="{URL}"' in page.content.decode()
    assert list(Event.objects.values_list("occurred_at", flat=True)) == [OLD + DAY]
    assert names(bought) == set()
    text = text_of(administrator_client.get(URL))
    assert "Earlier removals When Events from before Removed" in text
    assert text.count("1 Jun 2024 3") == EventRemoval.objects.count() == 1


def test_the_ledger_goes_too_when_it_is_ticked(administrator_client: Client, ana):
    dynamic("Everybody", now=timezone.now())
    assert "Ledgers" not in text_of(administrator_client.get(SHOWN))
    Transition.objects.update(at=OLD)
    assert "Also remove who entered and left segments before that day (1)" in text_of(administrator_client.get(SHOWN))
    administrator_client.post(SHOWN, {"sure": "on", "ledgers": "segments"})
    jobs.run_job(Job.objects.get().pk)
    assert (Event.objects.count(), Transition.objects.count()) == (1, 0)


def test_the_ledger_alone_must_be_ticked(administrator_client: Client, ana):
    dynamic("Everybody", now=timezone.now())
    Event.objects.all().delete()
    Transition.objects.update(at=OLD)
    response = administrator_client.post(SHOWN, {"sure": "on"})
    assert errors_of(response) == {"ledgers": ["Choose what is to be removed."]}
    assert errors_of(administrator_client.post(SHOWN, {"sure": "on", "ledgers": "other"}))
    administrator_client.post(SHOWN, {"sure": "on", "ledgers": "segments"})
    jobs.run_job(Job.objects.get().pk)
    assert not Transition.objects.exists()


def test_one_at_a_time(administrator_client: Client, ana):
    administrator_client.post(SHOWN, {"sure": "on"})
    job = Job.objects.get()
    for response in (administrator_client.get(SHOWN), administrator_client.post(SHOWN, {"sure": "on"})):
        assert (response.status_code, response["Location"]) == (303, f"/jobs/{job.pk}/")
    assert Job.objects.count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_the_database_as_often_for_one_as_for_three(
    administrator_client: Client, ana, django_assert_num_queries, number: int
):
    for index in range(number):
        did(ana, f"visit_{index}")
        segment(f"Segment {index}", activity(f"visit_{index}"))
        EventRemoval.objects.create(before=OLD, begun_at=OLD)
    # Session, user, permissions of the user and of the role; a job in progress; types, counts; segments, their
    # ledger; those that read; earlier removals.
    with django_assert_num_queries(11):
        response = administrator_client.get(SHOWN)
    [(_reader, affected)] = response.context["affected"]
    assert len(affected) == number

"""Doing something with many contacts: by the pages, at once and in the worker."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from contacts import bulk, bulk_actions
from contacts.bulk import JOB, NotSelected, Selection, bulk_job
from contacts.bulk_actions import BULK_ACTIONS, Grouped
from contacts.lists import subscribe
from contacts.models import Contact, ContactList
from crm import jobs
from crm.models import Job, User
from segments.models import Segment, Transition
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def contacts(now: datetime) -> list[Contact]:
    return [
        Contact.objects.create(email=f"{name}@example.com", country=country, created_at=now + timedelta(days=day))
        for day, (name, country) in enumerate([("ada", "IT"), ("bob", "IT"), ("cy", "FR")])
    ]


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


@pytest.fixture
def friends() -> Segment:
    return Segment.objects.create(name="Friends", kind="static")


def address(key: str, *contacts: Contact, **filters: str) -> str:
    query = "&".join([*(f"contact={contact.pk}" for contact in contacts), *(f"{k}={v}" for k, v in filters.items())])
    return f"/contacts/bulk/{key}/?{query}"


def messages_after(client: Client, response: Any) -> list[str]:
    page = client.get(response["Location"]).content.decode()
    found = re.search(r'id="messages".*?</main>', page, re.DOTALL)
    assert found
    return re.findall(r"<div>(.*?)</div></div>", found[0])


def test_the_page_says_what_is_about_to_happen(
    marketer_client: Client, contacts: list[Contact], news: ContactList
) -> None:
    page = marketer_client.get(address("subscribe", *contacts[:2])).content.decode()
    assert "<h1>Subscribe 2 contacts to a list</h1>" in page
    assert re.findall(r'<div class="title">(.*?)</div>', page) == ["bob@example.com", "ada@example.com"]
    assert f'<option value="{news.pk}">News</option>' in page


def test_subscribe_and_unsubscribe(marketer_client: Client, contacts: list[Contact], news: ContactList) -> None:
    response = marketer_client.post(address("subscribe", *contacts[:2], q="x"), {"list": news.pk})
    assert (response.status_code, response["Location"]) == (303, "/contacts/?q=x")
    assert messages_after(marketer_client, response) == ["2 contacts were subscribed to “News”."]
    assert set(Contact.objects.on_list(news.pk)) == set(contacts[:2])
    response = marketer_client.post(address("unsubscribe", everything="1", list=str(news.pk)), {"list": news.pk})
    assert messages_after(marketer_client, response) == ["2 contacts were unsubscribed from “News”."]
    assert not Contact.objects.on_list(news.pk).exists()


def test_static_segments(marketer: User, contacts: list[Contact], friends: Segment, now: datetime) -> None:
    rule = {"type": "field", "field": "country", "operator": "is", "value": "IT"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    dynamic = Segment.objects.create(name="Italy", kind="dynamic", definition=definition)
    client = logged_in(marketer)
    page = client.get(address("add-to-segment", everything="1", country="IT")).content.decode()
    assert "<h1>Add 2 contacts to a segment</h1>" in page
    assert "Friends" in page
    assert "Italy</option>" not in page
    response = client.post(address("add-to-segment", everything="1", country="IT"), {"segment": dynamic.pk})
    assert response.status_code == 422
    response = client.post(address("add-to-segment", everything="1", country="IT"), {"segment": friends.pk})
    assert messages_after(client, response) == ["2 contacts were added to “Friends”."]
    assert set(friends.members) == set(contacts[:2])
    response = client.post(address("remove-from-segment", contacts[0], contacts[2]), {"segment": friends.pk})
    assert messages_after(client, response) == ["1 contact was removed from “Friends”."]
    assert set(friends.members) == {contacts[1]}
    by_hand = Transition.objects.filter(segment=friends)
    assert set(by_hand.values_list("cause", "detail")) == {("hand", "marketer")}


@pytest.mark.parametrize(
    ("key", "name", "asked"),
    [("subscribe", "list", "Choose a list."), ("add-to-segment", "segment", "Choose a static segment.")],
)
def test_a_form_says_what_to_do(
    marketer_client: Client, contacts: list[Contact], key: str, name: str, asked: str
) -> None:
    for chosen, text in (("", asked), ("999999", f"{asked} Perhaps the one you chose was deleted.")):
        response = marketer_client.post(address(key, *contacts), {name: chosen})
        assert response.status_code == 422
        assert response.context["form"].errors[name] == [text]


def test_delete(marketer_client: Client, contacts: list[Contact]) -> None:
    page = marketer_client.get(address("delete", *contacts[:2])).content.decode()
    assert "<h1>Delete 2 contacts</h1>" in page
    assert "confirmation" not in page
    assert Contact.objects.count() == 3
    response = marketer_client.post(address("delete", *contacts[:2]))
    assert messages_after(marketer_client, response) == ["2 contacts were deleted."]
    assert set(Contact.objects.all()) == {contacts[2]}


def test_deleting_many_takes_typing_how_many(
    marketer_client: Client, contacts: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "TYPED_CONFIRMATION", 2)
    url = address("delete", everything="1")
    assert b'name="confirmation"' in marketer_client.get(url).content
    for typed in ("", "2", "all"):
        response = marketer_client.post(url, {"confirmation": typed})
        assert response.status_code == 422
        assert Contact.objects.count() == 3
    assert b"Type 3 to delete them." in marketer_client.post(url, {"confirmation": "2"}).content
    assert marketer_client.post(url, {"confirmation": " 3 "}).status_code == 303
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "Select some contacts first."),
        ("contact=x&contact=-1&contact=99999999999999999999", "Select some contacts first."),
        ("country=IT", "Select some contacts first."),
        ("everything=1&segment=99", "One of the filters is not valid."),
        ("everything=1&country=XX", "One of the filters is not valid."),
        ("everything=1&created_from=soon", "One of the filters is not valid."),
    ],
)
def test_what_cannot_be_read_means_nobody(
    marketer_client: Client, contacts: list[Contact], query: str, text: str
) -> None:
    for ask in (marketer_client.get, marketer_client.post):
        response = ask(f"/contacts/bulk/delete/?{query}")
        assert response.status_code == 303
        assert messages_after(marketer_client, response) == [text]
    assert Contact.objects.count() == 3


def test_contacts_that_went_in_the_meantime(marketer_client: Client, contacts: list[Contact]) -> None:
    Contact.objects.filter(pk=contacts[0].pk).delete()
    for ask in (marketer_client.get, marketer_client.post):
        assert b"These contacts are no longer there" in ask(address("delete", contacts[0])).content


def test_filters_find_the_same_contacts_as_the_list(
    marketer: User, contacts: list[Contact], now: datetime, news: ContactList
) -> None:
    subscribe(news, Contact.objects.filter(country="IT"), now=now)
    day = (now + timedelta(days=1)).date()
    for query, found in {
        "everything=1": contacts,
        "everything=1&q=ada": contacts[:1],
        f"everything=1&list={news.pk}": contacts[:2],
        f"everything=1&created_from={day}&country=IT": contacts[1:2],
        f"contact={contacts[2].pk}&q=ada": contacts[2:],
    }.items():
        selection = Selection(QueryDict(query), marketer)
        assert (set(selection.contacts), selection.count) == (set(found), len(found)), query


def test_roles(viewer: User, marketer: User, contacts: list[Contact]) -> None:
    for key in [action.key for action in BULK_ACTIONS]:
        assert logged_in(viewer).get(address(key, *contacts)).status_code == 403
        assert logged_in(viewer).post(address(key, *contacts)).status_code == 403
        assert logged_in(marketer).get(address(key, *contacts)).status_code == 200
        assert Client().get(address(key, *contacts)).status_code == 302
    assert logged_in(marketer).get(address("explode", *contacts)).status_code == 404
    assert Contact.objects.count() == 3


# In the worker


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "IN_ONE_STEP", 1)


def test_many_are_done_in_the_worker(
    marketer_client: Client, contacts: list[Contact], news: ContactList, few_at_once: None, now: datetime
) -> None:
    response = marketer_client.post(address("subscribe", everything="1", country="IT"), {"list": news.pk})
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.kind, job.title, job.state) == (JOB, "Subscribe 2 contacts to a list", "queued")
    assert not Contact.objects.on_list(news.pk).exists()
    bulk_job(job, now=now)
    assert set(Contact.objects.on_list(news.pk)) == set(contacts[:2])
    job.refresh_from_db()
    assert (job.done, job.total, job.message) == (2, 2, "2 contacts were subscribed to “News”.")
    bulk_job(job, now=now)
    assert set(Contact.objects.on_list(news.pk)) == set(contacts[:2])


def test_steps_go_on_while_the_filter_finds_less_and_less(
    marketer_client: Client, contacts: list[Contact], news: ContactList, few_at_once: None, now: datetime
) -> None:
    subscribe(news, Contact.objects.all(), now=now)
    everybody = address("unsubscribe", everything="1", list=str(news.pk))
    marketer_client.post(everybody, {"list": news.pk})
    bulk_job(Job.objects.get(), now=now)
    assert not Contact.objects.on_list(news.pk).exists()
    marketer_client.post(address("delete", everything="1"))
    bulk_job(Job.objects.latest("pk"), now=now)
    assert not Contact.objects.exists()


def test_a_job_whose_list_went_says_so(
    marketer_client: Client, contacts: list[Contact], news: ContactList, few_at_once: None, now: datetime
) -> None:
    marketer_client.post(address("subscribe", everything="1"), {"list": news.pk})
    news.delete()
    with pytest.raises(ValueError, match="What the action needs is gone"):
        bulk_job(Job.objects.get(), now=now)


def test_a_job_for_somebody_who_went_does_nothing(
    marketer_client: Client, contacts: list[Contact], few_at_once: None, now: datetime
) -> None:
    marketer_client.post(address("delete", everything="1"))
    Job.objects.update(user=None)
    with pytest.raises(ValueError, match="gone"):
        bulk_job(Job.objects.get(), now=now)
    assert Contact.objects.count() == 3


def test_a_job_does_nothing_for_somebody_who_may_no_longer_do_it(
    marketer: User, contacts: list[Contact], few_at_once: None, now: datetime
) -> None:
    logged_in(marketer).post(address("delete", everything="1"))
    marketer.groups.clear()
    with pytest.raises(ValueError, match="may no longer do this"):
        bulk_job(Job.objects.get(), now=now)
    assert Contact.objects.count() == 3


def test_a_cancelled_job_stops_between_two_steps(
    marketer_client: Client, contacts: list[Contact], news: ContactList, few_at_once: None, now: datetime
) -> None:
    marketer_client.post(address("subscribe", everything="1"), {"list": news.pk})
    job = Job.objects.get()
    Job.objects.update(state=Job.State.RUNNING)
    jobs.cancel(job, user=None, now=now)
    with pytest.raises(jobs.Cancelled):
        bulk_job(job, now=now)
    assert Contact.objects.on_list(news.pk).count() == 1


def test_a_job_leads_back_to_the_contacts_with_the_filters(
    marketer_client: Client, contacts: list[Contact], news: ContactList, few_at_once: None
) -> None:
    response = marketer_client.post(address("subscribe", everything="1", country="IT"), {"list": news.pk})
    assert 'href="/contacts/?country=IT"' in marketer_client.get(response["Location"]).content.decode()


def test_selections_without_anybody(marketer: User) -> None:
    with pytest.raises(NotSelected):
        _ = Selection(QueryDict(""), marketer).contacts


def test_numbers_are_grouped() -> None:
    assert str(Grouped(1234567)) == "1,234,567"


def test_queries_do_not_grow(
    marketer_client: Client, contacts: list[Contact], news: ContactList, django_assert_num_queries: Any
) -> None:
    for selected in (contacts[:1], contacts):
        # Session, user, permissions; the contacts, some of them as examples, the lists to choose from.
        with django_assert_num_queries(7):
            marketer_client.get(address("subscribe", *selected))

"""Subscribing to lists and unsubscribing, set-wise."""

from datetime import datetime, timedelta

import pytest

from contacts.lists import delete_list, subscribe, unsubscribe
from contacts.models import Change, Contact, ContactList, ListMembership

pytestmark = pytest.mark.django_db
ROW = ("contact_id", "subscribed_at", "unsubscribed_at")


@pytest.fixture
def contacts() -> list[Contact]:
    return Contact.objects.bulk_create(Contact(email=f"{name}@example.com") for name in "abcd")


@pytest.fixture
def news() -> ContactList:
    return ContactList.objects.create(name="News")


def rows() -> set[tuple[object, ...]]:
    return set(ListMembership.objects.values_list(*ROW))


def test_subscribing_twice_keeps_the_first_date(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    a, b, *_ = contacts
    assert subscribe(news, Contact.objects.filter(pk__in=[a.pk, b.pk]), now=now) == 2
    later = now + timedelta(days=1)
    assert subscribe(news, Contact.objects.exclude(pk=a.pk), now=later) == 2
    assert rows() == {
        (a.pk, now, None),
        (b.pk, now, None),
        (contacts[2].pk, later, None),
        (contacts[3].pk, later, None),
    }
    assert set(Contact.objects.on_list(news.pk)) == set(contacts)


def test_who_comes_back_subscribes_anew(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    a, b, *_ = contacts
    both = Contact.objects.filter(pk__in=[a.pk, b.pk])
    subscribe(news, both, now=now)
    later, latest = now + timedelta(days=1), now + timedelta(days=2)
    assert unsubscribe(news, Contact.objects.filter(pk=a.pk), now=later) == 1
    assert unsubscribe(news, both, now=latest) == 1
    assert rows() == {(a.pk, now, later), (b.pk, now, latest)}
    assert subscribe(news, Contact.objects.filter(pk=a.pk), now=latest) == 1
    assert rows() == {(a.pk, latest, None), (b.pk, now, latest)}


def test_contacts_chosen_by_the_list_itself(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    other = ContactList.objects.create(name="Other")
    assert subscribe(news, Contact.objects.all(), now=now) == 4
    assert subscribe(other, Contact.objects.on_list(news.pk), now=now) == 4
    assert unsubscribe(news, Contact.objects.on_list(news.pk), now=now) == 4
    assert subscribe(news, Contact.objects.on_list(other.pk).exclude(email="a@example.com"), now=now) == 3
    assert set(Contact.objects.on_list(news.pk)) == set(contacts[1:])


def test_nobody(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    for nobody in (Contact.objects.none(), Contact.objects.filter(pk__in=[]), Contact.objects.filter(email="x")):
        assert subscribe(news, nobody, now=now) == 0
        assert unsubscribe(news, nobody, now=now) == 0
    assert rows() == set()


def test_subscribing_leaves_changes_in_the_log(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    Change.objects.all().delete()
    subscribe(news, Contact.objects.filter(pk=contacts[0].pk), now=now)
    unsubscribe(news, Contact.objects.filter(pk=contacts[0].pk), now=now)
    assert set(Change.objects.values_list("contact_id", "key")) == {(contacts[0].pk, f"list:{news.pk}")}


def test_deleting_a_list_keeps_the_contacts(contacts: list[Contact], news: ContactList, now: datetime) -> None:
    subscribe(news, Contact.objects.all(), now=now)
    Change.objects.all().delete()
    delete_list(news, now=now)
    assert not ContactList.objects.exists()
    assert not ListMembership.objects.exists()
    assert Contact.objects.count() == 4
    assert Change.objects.count() == 4

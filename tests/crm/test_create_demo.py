"""The demo shop: made once, whole, the same every time, and with everything in order."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import count
from random import Random

import pytest
from django.contrib.auth import authenticate
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db.models import Count, F, Max, Min, Sum
from django.utils import timezone

from campaigns.models import Message
from contacts.event_types import EVENT_TYPES
from contacts.fields import catalogue
from contacts.models import Change, Contact, ContactField, ContactList, Event, ListMembership
from crm.demo.countries import COUNTRIES
from crm.demo.history import happened
from crm.demo.people import people
from crm.demo.shop import SEED, is_unused
from crm.models import User
from segments.models import Segment, Transition
from segments.refresh import audit
from workflows.models import Incident, Run, Step, Workflow

pytestmark = pytest.mark.django_db


def create_demo(*arguments: str) -> str:
    output = StringIO()
    call_command("create_demo", *arguments, stdout=output)
    return output.getvalue()


def test_the_shop(mailoutbox: list[EmailMessage]):
    said = create_demo("--contacts", "120")
    now = timezone.now()

    password = re.search(r"Password: (\w{14})\n", said)[1]
    users = {name: authenticate(username=name, password=password) for name in ("demo", "marketer", "viewer")}
    assert {name: user.groups.get().name for name, user in users.items()} == {
        "demo": "administrator",
        "marketer": "marketer",
        "viewer": "viewer",
    }
    assert [name for name, user in users.items() if user.is_staff] == ["demo"]
    assert not User.objects.filter(is_superuser=True).exists()

    assert Contact.objects.known().count() == 120
    visitors = Contact.objects.exclude(visitor_key=None)
    assert visitors.exists()
    assert all(visitor.is_anonymous for visitor in visitors)
    assert len(set(ContactField.objects.values_list("type", flat=True))) == 8
    assert ContactList.objects.count() == 3
    assert ListMembership.objects.current().exists()
    assert ListMembership.objects.filter(unsubscribed_at__isnull=False).exists()

    assert set(Event.objects.values_list("type", flat=True).distinct()) <= set(EVENT_TYPES.keys())
    assert Event.objects.filter(type="purchase").exists()
    span = Event.objects.aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
    assert now - timedelta(days=366) < span["first"] < now - timedelta(days=300)
    assert now - timedelta(days=7) < span["last"] <= now

    assert Segment.objects.static().count() == 2
    assert Segment.objects.filter(kind=Segment.Kind.DYNAMIC).count() == 8  # two that workflows need
    plus = Segment.objects.filter(kind=Segment.Kind.DYNAMIC_PLUS)
    assert plus.count() == 3
    assert plus.get(name="Loyal customers").size > 0
    assert {segment.state for segment in Segment.objects.all()} == {Segment.State.READY}
    assert {run.differences for run in audit(now=now)} == {0}
    assert Transition.objects.filter(kind="left").exists()
    assert not Change.objects.exists()
    workflows_are_at_work(now)
    assert mailoutbox == []


def workflows_are_at_work(now: datetime) -> None:
    states = dict(Workflow.objects.values_list("name", "state"))
    assert states == {
        "Welcome series": "active",
        "Abandoned cart": "active",
        "Birthday": "active",
        "Double opt-in": "active",
        "Win back": "draft",
    }
    sent = Message.objects.filter(state="sent")
    assert set(sent.values_list("recorded", flat=True)) == {True}
    assert sent.filter(opened_at__gt=F("sent_at"), clicked_at=F("opened_at")).exists()
    assert not Message.objects.filter(state__in=["queued", "sending", "failed"]).exists()
    assert Message.objects.in_doubt().count() == Incident.objects.filter(closed_at=None).count() == 1

    runs = Run.objects.all()
    assert {"Welcome series", "Abandoned cart", "Birthday"} <= set(runs.values_list("workflow__name", flat=True))
    assert {"waiting", "finished"} <= set(runs.values_list("state", flat=True))
    assert not runs.inside().filter(due_at__lte=now - timedelta(minutes=5)).exists()
    span = runs.aggregate(first=Min("started_at"), last=Max("started_at"))
    assert now - timedelta(days=37) < span["first"] < span["last"] <= now
    assert span["last"] - span["first"] > timedelta(days=20)
    assert not Step.objects.filter(left_at__gt=now).exists()


def test_the_fields_hold_what_they_should():
    create_demo("--contacts", "120")
    fields = catalogue()
    with_custom = 0
    for contact in Contact.objects.known():
        for key, stored in contact.custom.items():
            field = fields[f"custom.{key}"]
            value = field.value_of(contact)
            assert field.type.to_json(field.form_field().clean(_typed(value))) == stored
            with_custom += 1
        contact.full_clean()
        assert re.fullmatch(r"(\+\d{8,15})?", contact.phone)
        assert contact.email.endswith(("@example.com", "@example.org", "@example.net"))
    assert with_custom > 200
    recomputed = (
        Event.objects.filter(type="purchase")
        .values("contact")
        .annotate(number=Count("pk"), total=Sum("value"), first=Min("occurred_at"), last=Max("occurred_at"))
    )
    for row in recomputed:
        contact = Contact.objects.get(pk=row["contact"])
        assert contact.purchases_count == row["number"]
        assert contact.purchases_total == row["total"].quantize(Decimal("0.0001"))
        assert (contact.first_purchase_at, contact.last_purchase_at) == (row["first"], row["last"])
    assert Contact.objects.filter(purchases_count__gt=0).count() == len(recomputed)


def _typed(value: object) -> object:
    """A value as somebody would type it into a form."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, list) else str(value)


def test_a_second_time_nothing_is_made_and_nothing_said():
    create_demo("--contacts", "10")
    before = [list(model.objects.order_by("pk").values()) for model in (User, Contact, Event, Segment)]
    assert create_demo() == ""
    assert [list(model.objects.order_by("pk").values()) for model in (User, Contact, Event, Segment)] == before


@pytest.mark.parametrize("thing", ["user", "contact", "segment"])
def test_nothing_is_made_where_somebody_works_already(thing):
    assert is_unused()
    if thing == "user":
        User.objects.create_user("ana")
    elif thing == "contact":
        Contact.objects.create(email="ana@example.org")
    else:
        Segment.objects.create(name="Mine", kind="static")
    assert create_demo() == ""
    assert User.objects.count() + Contact.objects.count() + Segment.objects.count() == 1


def test_it_is_the_same_shop_every_time(now):
    first, second = (people(50, Random(SEED), now=now) for _time in range(2))
    values = [
        [(person.contact.email, person.joined_at, person.contact.custom) for person in one] for one in (first, second)
    ]
    assert values[0] == values[1]
    done = [happened(first, now - timedelta(weeks=4), now, Random(SEED), count(1)) for _time in range(2)]
    assert done[0] == done[1]
    assert len(done[0]) > 20


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_countries_and_languages_are_ones_that_contacts_can_have(country):
    fields = catalogue()
    for key, value in (("country", country.code), ("language", country.language), ("time_zone", country.time_zone)):
        assert fields[key].form_field().clean(value) == value
    if country.phone:
        number = country.phone.replace("#", "1")
        assert fields["phone"].form_field().clean(number) == number

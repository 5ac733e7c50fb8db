"""manage.py remove_old_events: what it says before, the question, the exit status, and what it leaves."""

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from contacts.events import NewEvent, record
from contacts.models import Contact, Event
from segments.models import Transition
from tests.segments.pages import dynamic
from tests.segments.test_retention import activity, names, refreshed, segment

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
OLD = datetime(2024, 5, 31, 23, 59, tzinfo=UTC)
ANSWERS = {"yes\n": 0, " YES \n": 0, "y\n": 1, "no\n": 1, "\n": 1, "": 1}


def run(*args: str) -> tuple[list[str], str, int]:
    """What the command prints, with what it fails, and its exit status."""
    out = io.StringIO()
    try:
        call_command("remove_old_events", *args, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return out.getvalue().splitlines(), str(error), error.returncode
    return out.getvalue().splitlines(), "", 0


@pytest.fixture
def ana() -> Contact:
    ana = Contact.objects.create(external_id="Ana", email="ana@example.com")
    now = timezone.now()
    moments = [("purchase", OLD), ("purchase", OLD - DAY), ("page_visit", OLD), ("page_visit", OLD + DAY)]
    record([NewEvent(kind, at, contact_id=ana.pk) for kind, at in moments], now=now)
    return ana


def test_it_says_what_goes_and_who_notices(ana):
    bought = segment("Bought", activity(), activity(operator="equals", value=7))
    refreshed(bought, now=timezone.now())
    assert run("--before", "2024-06-01", "--yes") == (
        [
            "Events from before 2024-06-01: 3",
            "  page_visit: 1",
            "  purchase: 2",
            "Segments that read them, and are brought up to date:",
            "  Bought: “Purchased” happened at least once; the number of “Purchased” equals 7",
            "Removed 3 events.",
        ],
        "",
        0,
    )
    assert list(Event.objects.values_list("type", "occurred_at")) == [("page_visit", OLD + DAY)]
    assert names(bought) == set()
    assert run("--before", "2024-06-01", "--yes") == (["Events from before 2024-06-01: 0"], "", 0)


@pytest.mark.parametrize(("answer", "status"), ANSWERS.items())
def test_it_asks(ana, monkeypatch, answer, status):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    printed, failure, returned = run("--before", "2024-06-01")
    assert "Nothing reads events that old." in printed
    assert (failure, returned) == (("Nothing was removed.", 1) if status else ("", 0))
    assert Event.objects.count() == (4 if status else 1)


def test_the_ledger_too(ana):
    everybody = dynamic("Everybody", now=timezone.now())
    Transition.objects.filter(segment=everybody).update(at=OLD)
    assert run("--before", "2024-06-01", "--ledger", "--yes")[0] == [
        "Events from before 2024-06-01: 3",
        "  page_visit: 1",
        "  purchase: 2",
        "Entries of the ledger from before 2024-06-01: 1",
        "Nothing reads events that old.",
        "Removed 3 events and 1 entries of the ledger.",
    ]
    assert not Transition.objects.exists()
    assert names(everybody) == {"Ana"}


def test_the_ledger_alone(ana):
    Event.objects.all().delete()
    dynamic("Everybody", now=timezone.now())
    Transition.objects.update(at=OLD)
    assert run("--before", "2024-06-01", "--yes")[0] == ["Events from before 2024-06-01: 0"]
    assert Transition.objects.exists()
    assert run("--before", "2024-06-01", "--ledger", "--yes")[0][-1] == "Removed 0 events and 1 entries of the ledger."


def test_the_days_are_those_of_the_account(ana, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    assert run("--before", "2024-06-01", "--yes")[0][-1] == "Removed 1 events."


def test_young_events_stay(ana):
    day = (timezone.now() - 27 * DAY).date().isoformat()
    assert run("--before", day, "--yes") == ([], "The events of the last four weeks always stay.", 2)
    assert Event.objects.count() == 4


def test_a_day_that_is_none():
    assert run("--before", "last year")[1:] == (
        "Error: argument --before: “last year” is not a day such as 2024-12-31.",
        1,
    )
    assert run("--before", "0001-01-01")[1:] == ("Error: argument --before: the earliest day is 1900-01-01.", 1)


@pytest.mark.once
def test_the_shell_gets_status_2_for_wrong_use():
    done = subprocess.run([sys.executable, "manage.py", "remove_old_events"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--before" in done.stderr

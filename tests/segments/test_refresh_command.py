"""manage.py refresh_segments: figures, order, failures, audit, exit status."""

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Contact, ContactList
from segments.models import Membership, Segment
from tests.segments.pages import dynamic, in_segment, members, people, static

pytestmark = pytest.mark.django_db


def run(*args: str) -> tuple[list[str], list[str], str]:
    """What the command prints, what it complains about, and with what it fails."""
    out, err = StringIO(), StringIO()
    try:
        call_command("refresh_segments", *args, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue().splitlines(), err.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), err.getvalue().splitlines(), ""


def without_times(lines: list[str]) -> list[str]:
    return [line.rpartition(", ")[0] for line in lines]


def broken(now: datetime) -> Segment:
    """A segment with a rule on a list that is gone."""
    news = ContactList.objects.create(name="News")
    segment = dynamic("Broken", {"type": "list", "list": news.pk, "operator": "member"}, now=now)
    news.delete()
    return segment


def test_all_segments_with_their_figures_those_that_are_read_first(now: datetime):
    ana, _luca = people("Ana", "Luca", now=now)
    static("Chosen", ana, now=now)
    late = dynamic("Read", now=now)
    first = in_segment(late, now=now, name="Reads")
    Membership.objects.all().delete()
    Segment.objects.update(size=0)
    printed, complaints, failure = run()
    assert without_times(printed) == [
        f"{late.pk} Read: 2 contacts, 2 entered, 0 left",
        f"{first.pk} Reads: 2 contacts, 0 entered, 0 left",
    ]
    assert (complaints, failure) == ([], "")
    assert (members(late), members(first)) == ({"Ana", "Luca"}, {"Ana", "Luca"})


def test_one_segment(now: datetime):
    people("Ana", now=now)
    one, other = dynamic("One", now=now), dynamic("Other", now=now)
    Membership.objects.all().delete()
    Segment.objects.update(size=0)
    printed, _complaints, failure = run("--segment", str(one.pk))
    assert (without_times(printed), failure) == ([f"{one.pk} One: 1 contacts, 1 entered, 0 left"], "")
    assert members(other) == set()


def test_a_segment_that_is_not_there(now: datetime):
    chosen = static("Chosen", now=now)
    for pk in (chosen.pk, 999):
        assert run("--segment", str(pk)) == ([], [], f"There is no segment {pk} with conditions.")


def test_one_failure_does_not_stop_the_others_and_shows_in_the_status(now: datetime):
    people("Ana", now=now)
    bad, good = broken(now), dynamic("Good", now=now)
    printed, complaints, failure = run()
    assert without_times(printed) == [f"{good.pk} Good: 1 contacts, 0 entered, 0 left"]
    assert [line.startswith(f"{bad.pk} Broken: failed: ") for line in complaints] == [True]
    assert failure == "1 of 2 segments failed."


def test_an_audit_that_finds_nothing(now: datetime):
    [ana] = people("Ana", now=now)
    good, chosen = dynamic("Good", now=now), static("Chosen", ana, now=now)
    printed, complaints, failure = run("--audit")
    assert without_times(printed) == [f"{good.pk} Good: no difference", f"{chosen.pk} Chosen: no difference"]
    assert (complaints, failure) == ([], "")


def test_an_audit_that_finds_something_repairs_it_and_shows_in_the_status(now: datetime):
    people("Ana", "Luca", now=now)
    good = dynamic("Good", now=now)
    Membership.objects.filter(contact=Contact.objects.get(first_name="Ana")).delete()
    printed, _complaints, failure = run("--audit")
    assert without_times(printed) == [f"{good.pk} Good: 2 differences repaired"]
    assert failure == "2 differences found and repaired, 0 segments could not be checked."
    assert members(good) == {"Ana", "Luca"}
    assert run("--audit")[2] == ""


def test_an_audit_names_what_it_could_not_check(now: datetime):
    bad = broken(now)
    _printed, complaints, failure = run("--audit")
    assert [line.startswith(f"{bad.pk} Broken: cannot be checked: ") for line in complaints] == [True]
    assert failure == "0 differences found and repaired, 1 segments could not be checked."


def test_an_audit_is_of_all_segments():
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("refresh_segments", "--audit", "--segment", "1")

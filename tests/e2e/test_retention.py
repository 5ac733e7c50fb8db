"""Removing old events under Settings, in a browser."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.events import NewEvent, record
from contacts.models import Contact, Event
from crm import jobs
from crm.models import Job, User
from segments.editing import create_segment, fill
from segments.models import Segment, Transition
from tests.e2e.steps import heading


def buyers() -> Segment:
    """Of two contacts who bought, one long ago; the segment of all who ever bought."""
    now = timezone.now()
    for name, days in (("ana", 900), ("ana", 800), ("ana", 3), ("bea", 1_000)):
        contact, _new = Contact.objects.get_or_create(email=f"{name}@example.com")
        at = now - timedelta(days=days)
        record([NewEvent(kind, at, contact_id=contact.pk) for kind in ("page_visit", "purchase")], now=now)
    rule = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 1}
    definition = {"version": 1, "match": "all", "rules": [rule | {"window": {"kind": "ever"}}]}
    segment = create_segment(name="Buyers", kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, now=now)
    fill(segment, now=now)
    Transition.objects.update(at=now - timedelta(days=900))
    return segment


@pytest.mark.django_db(transaction=True)
def test_see_what_is_old_and_remove_it(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[[Page, str], None],
    axe: Callable[[Page], None],
    administrator: User,
) -> None:
    segment = buyers()
    sign_in(page, administrator)
    page.goto("/settings/")
    page.get_by_role("main").get_by_role("link", name=re.compile("^Old events")).click()
    axe(page)
    page.get_by_label("Older than how many months").fill("24")
    page.get_by_role("button", name="Show what there is").click()
    expect(page.get_by_role("row", name="Together 6")).to_be_visible()
    expect(page.get_by_role("link", name="Buyers")).to_be_visible()
    expect(page.get_by_text("“Purchased” happened at least once")).to_be_visible()
    page.get_by_label("Also remove who entered and left segments").check()
    axe(page)
    shot(page, "retention")
    page.get_by_role("button", name="Remove 6 events").click()
    expect(page.get_by_text("Tick this to go on.")).to_be_visible()
    expect(page.get_by_label("Also remove who entered and left segments")).to_be_checked()
    page.get_by_label("I know that this cannot be undone").check()
    page.get_by_role("button", name="Remove 6 events").click()
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    axe(page)
    shot(page, "retention-job")
    jobs.run_job(Job.objects.get().pk)
    expect(page.get_by_text("8 records removed", exact=True)).to_be_visible()
    assert Event.objects.count() == 2
    segment.refresh_from_db()
    assert segment.size == 1

    page.get_by_role("link", name="See what it is about").click()
    expect(page.get_by_role("heading", name="Earlier removals")).to_be_visible()
    expect(heading(page)).to_have_text("Old events")
    page.get_by_label("Older than how many months").fill("12")
    page.get_by_role("button", name="Show what there is").click()
    expect(page.get_by_text("All events are younger than that.")).to_be_visible()
    axe(page)
    shot(page, "retention-none")


@pytest.mark.django_db(transaction=True)
def test_on_a_phone(
    phone: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[[Page, str], None],
    axe: Callable[[Page], None],
    administrator: User,
) -> None:
    buyers()
    sign_in(phone, administrator)
    phone.goto("/settings/retention/?months=24")
    expect(phone.get_by_role("button", name="Remove 6 events")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    axe(phone)
    shot(phone, "retention")

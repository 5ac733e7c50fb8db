"""The dashboard and the settings page in a browser."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import Job, User
from segments.models import RefreshRun, Segment, SegmentDay

NAMES = ["First-time buyers", "Win-back Q4", "Italian wholesale buyers", "Inactive 12 months", "Millennials"]
NOTHING = {"version": 1, "match": "all", "rules": []}


@pytest.fixture
def busy_account(marketer: User) -> Job:
    """Contacts, segments that moved in the last weeks, refreshes, and a job in progress."""
    cache.clear()
    now = timezone.now()
    Contact.objects.bulk_create(
        Contact(
            email=f"{number}@example.com",
            newsletter="subscribed" if number % 3 else "never",
            created_at=now - timedelta(days=number),
        )
        for number in range(120)
    )
    for number, name in enumerate(NAMES):
        segment = Segment.objects.create(
            name=name,
            kind="static" if number == 2 else "dynamic",
            definition=None if number == 2 else NOTHING,
            size=90 * number + 7,
            refreshed_at=now,
        )
        SegmentDay.objects.bulk_create(
            SegmentDay(
                segment=segment,
                day=(now - timedelta(days=back)).date(),
                entered=(back * 7 + number * 3) % 11,
                left=(back * 5 + number * 4) % 9,
            )
            for back in range(30)
        )
        RefreshRun.objects.create(
            kind="full", segment=segment, started_at=now - timedelta(minutes=9 - number), milliseconds=40, entered=12
        )
    RefreshRun.objects.create(kind="audit", started_at=now - timedelta(hours=7), milliseconds=900)
    return Job.objects.create(
        kind="test",
        title="Refresh of Win-back Q4",
        state=Job.State.RUNNING,
        done=730,
        total=1200,
        message="Comparing members",
        created_at=now,
        user=marketer,
    )


def test_the_dashboard_of_a_busy_account(
    page: Page,
    phone: Page,
    marketer: User,
    busy_account: Job,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[[Page], None],
):
    for device in (page, phone):
        sign_in(device, marketer)
        device.goto("/")
        expect(device.get_by_role("link", name="Contacts 120")).to_be_visible()
        axe(device)
        shot(device, "dashboard")


def test_a_job_goes_on_before_ones_eyes(
    page: Page, marketer: User, busy_account: Job, sign_in: Callable[[Page, User], None]
):
    sign_in(page, marketer)
    page.goto("/")
    jobs = page.get_by_role("region", name="Jobs in progress")
    expect(jobs.get_by_text("60%", exact=True).first).to_be_visible()
    Job.objects.filter(pk=busy_account.pk).update(done=1080)
    expect(jobs.get_by_text("90%", exact=True).first).to_be_visible()
    Job.objects.filter(pk=busy_account.pk).update(state=Job.State.DONE)
    expect(jobs).to_contain_text("Nothing is running at the moment.")


def test_the_dashboard_of_a_new_account(
    page: Page,
    phone: Page,
    marketer: User,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[[Page], None],
):
    cache.clear()
    for device in (page, phone):
        sign_in(device, marketer)
        device.goto("/")
        axe(device)
        shot(device, "dashboard-new-account")
    page.get_by_role("main").get_by_role("link", name="Create new segment").click()
    expect(page).to_have_url("/segments/new/")


def test_the_settings_page(
    page: Page,
    phone: Page,
    superuser: User,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[[Page], None],
):
    for device in (page, phone):
        sign_in(device, superuser)
        device.goto("/settings/")
        expect(device.get_by_role("heading", level=1)).to_have_text("Settings")
        axe(device)
        shot(device, "settings")
    page.get_by_role("link", name="Contact fields").click()
    expect(page).to_have_url("/contacts/fields/")

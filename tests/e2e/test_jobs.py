"""Jobs in a browser: the bell, the list, a job's page; with the keyboard, on a phone, without JavaScript."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from contacts import bulk
from crm import jobs
from crm.models import Job, User
from tests.e2e.conftest import SCREEN


def make(user: User, title: str, state: Job.State, **fields: object) -> Job:
    now = timezone.now()
    values = {
        "kind": bulk.JOB,
        "params": {"selection": "everything=1&country=IT"},
        "created_at": now,
        "started_at": now,
        "finished_at": None if state in {Job.State.QUEUED, Job.State.RUNNING} else now,
    }
    return Job.objects.create(user=user, title=title, state=state, **(values | fields))


@pytest.fixture
def running(mara: User) -> Job:
    make(mara, "Delete 30,410 contacts", Job.State.DONE, message="30,410 contacts were deleted.")
    make(mara, "Subscribe 21,000 contacts to a list", Job.State.FAILED, error="What the action needs is gone.")
    make(mara, "Add 40,000 contacts to a segment", Job.State.CANCELLED, message="20,000 contacts done")
    job = make(
        mara,
        "Unsubscribe 95,200 contacts from a list",
        Job.State.RUNNING,
        done=30_000,
        total=95_200,
        speed=1840.0,
        message="30,000 contacts done",
    )
    jobs.log(job, "The worker died. The work goes on in another one.")
    return job


def test_the_bell(
    page: Page,
    phone: Page,
    mara: User,
    running: Job,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[[Page], None],
):
    for device in (phone, page):
        Job.objects.update(seen=False)
        sign_in(device, mara)
        device.goto("/contacts/lists/")
        bell = device.locator("summary#bell")
        expect(bell).to_contain_text("3 finished, not seen yet")
        bell.focus()
        device.keyboard.press("Enter")
        expect(device.get_by_role("link", name="Unsubscribe 95,200 contacts")).to_be_visible()
        expect(bell).to_contain_text("in progress")
        axe(device)
        shot(device, "jobs-bell", full_page=False)
    # The list asks for itself again; who stands in it stays where they are.
    page.keyboard.press("ArrowDown")
    first = page.locator(f"#bell-job-{running.pk}")
    expect(first).to_be_focused()
    Job.objects.filter(pk=running.pk).update(done=60_000, message="60,000 contacts done")
    expect(first).to_contain_text("60,000 contacts done")
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("summary#bell")).to_be_focused()
    Job.objects.filter(pk=running.pk).update(state="done", finished_at=timezone.now(), message="All done")
    expect(page.locator("summary#bell")).to_contain_text("1 finished, not seen yet")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unsubscribe 95,200 contacts from a list")


def test_a_job_and_the_list(
    page: Page,
    phone: Page,
    mara: User,
    running: Job,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[[Page], None],
):
    for device in (phone, page):
        sign_in(device, mara)
        device.goto("/jobs/")
        expect(device.get_by_role("link", name="Delete 30,410 contacts")).to_be_visible()
        axe(device)
        shot(device, "jobs")
        device.goto(f"/jobs/{running.pk}/")
        expect(device.get_by_text("1,840 per second")).to_be_visible()
        axe(device)
        shot(device, "job")
    Job.objects.filter(pk=running.pk).update(done=47_600, message="47,600 contacts done")
    expect(page.get_by_role("region", name="Unsubscribe 95,200 contacts")).to_contain_text("50%")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("is being cancelled. What was done until now stays.")).to_be_visible()
    Job.objects.filter(pk=running.pk).update(state="cancelled", finished_at=timezone.now(), cancel_requested_at=None)
    expect(page.get_by_text("This was cancelled. What was done until then stays.")).to_be_visible()
    expect(page.get_by_text("Cancelled by Mara Conti")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Goes on soon")).to_be_visible()
    page.get_by_role("link", name="See what it is about").click()
    expect(page).to_have_url("/contacts/?country=IT")


def test_without_javascript_the_bell_is_a_link(
    browser: Browser, live_server: LiveServer, mara: User, running: Job, sign_in: Callable[[Page, User], None]
):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, **SCREEN)
    page = context.new_page()
    sign_in(page, mara)
    page.goto("/contacts/lists/")
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("link", name="Unsubscribe 95,200 contacts from a list").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Being cancelled", exact=True)).to_be_visible()
    context.close()

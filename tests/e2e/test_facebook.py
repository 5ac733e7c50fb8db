"""Connecting an ad account, sending a segment to an audience at Facebook, and the file, in a browser."""

import csv
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts import changes
from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from segments.facebook import connection
from segments.models import FacebookConnection, Segment
from tests.e2e.conftest import SCREEN
from tests.e2e.steps import choose_in_more, heading
from tests.segments.facebook_server import ACCOUNT, TOKEN, VERSION, Facebook, error, serving
from tests.segments.pages import static


@pytest.fixture
def facebook(settings: Any) -> Iterator[Facebook]:
    with serving() as facebook:
        settings.FACEBOOK_GRAPH_URL = facebook.url
        settings.FACEBOOK_GRAPH_VERSION = VERSION
        facebook.account_name = "Maison Verde"
        facebook.audiences = {"23851": "Newsletter readers", "23852": "Buyers of 2025"}
        yield facebook


@pytest.fixture
def segment(shop: list[Contact]) -> Segment:
    """Everybody of the shop; all but a few get the newsletter."""
    now = timezone.now()
    with changes.recorded(now=now):
        Contact.objects.exclude(country="PT").update(newsletter="subscribed", updated_at=now)
        Contact.objects.filter(country="PT").update(newsletter="unsubscribed", updated_at=now)
    return static("Spring sale", *Contact.objects.filter(email__isnull=False), now=now)


def hashed_emails(segment: Segment) -> set[str]:
    emails = segment.members.filter(newsletter="subscribed").values_list("email", flat=True)
    return {sha256(email.encode()).hexdigest() for email in emails}


def test_from_the_first_connection_to_an_audience_in_step(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    administrator: User,
    mara: User,
    facebook: Facebook,
    segment: Segment,
):
    page = new_page(**SCREEN)
    sign_in(page, administrator)
    page.goto("/settings/")
    page.get_by_role("main").get_by_role("link", name=re.compile("^Facebook")).click()
    expect(heading(page)).to_have_text("Facebook")
    axe(page, ["light"])
    shot(page, "facebook-not-connected")
    page.get_by_role("link", name="Connect ad account").click()
    page.get_by_label("Ad account ID").fill(f"act_{ACCOUNT}")
    page.get_by_label("Access token").fill("mistyped")
    page.get_by_role("button", name="Check and connect").click()
    expect(page.get_by_role("alert")).to_contain_text("Facebook does not accept the access token")
    axe(page)
    shot(page, "facebook-connect")
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Check and connect").click()
    expect(page.get_by_role("status")).to_contain_text("is connected.")
    page.get_by_role("link", name="Check", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Facebook answers")

    page = new_page(**SCREEN)
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/")
    choose_in_more(page, "Export segment to Facebook")
    expect(heading(page)).to_have_text("Export segment to Facebook")
    number = len(hashed_emails(segment))
    expect(page.get_by_text(f"{number} of {segment.size} contacts")).to_be_visible()
    axe(page)
    shot(page, "facebook-export")
    page.get_by_role("button", name=f"Send {number} contacts").click()
    expect(page.get_by_text("Give the new audience a name.")).to_be_visible()
    page.get_by_label("Name of the new audience").fill("Spring sale")
    page.get_by_label("Keep in step").check()
    page.get_by_role("button", name=f"Send {number} contacts").click()
    expect(page.get_by_text("Waiting for the worker")).to_be_visible()
    axe(page, ["light"])
    shot(page, "facebook-under-way")
    facebook.invalid = set(list(hashed_emails(segment))[:1])
    jobs.run_job(Job.objects.in_progress().get().pk)
    expect(page.get_by_role("cell", name=f"{number - 1} taken, 1 invalid")).to_be_visible()
    assert facebook.emails("9001") == hashed_emails(segment)
    expect(page.get_by_text("Kept in step", exact=True)).to_be_visible()
    axe(page)
    shot(page, "facebook-sent")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download file").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert {row["email"] for row in rows} == hashed_emails(segment)

    page.get_by_role("button", name="Stop keeping in step Spring sale").click()
    expect(page.get_by_role("status")).to_contain_text("is not kept in step any more")
    page.get_by_role("link", name="Fill no longer Spring sale").click()
    axe(page, ["light"])
    shot(page, "facebook-forget")
    page.get_by_role("button", name="Fill no longer").click()
    expect(page.get_by_role("status")).to_contain_text("no longer")


def test_on_a_phone(
    phone: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    administrator: User,
    facebook: Facebook,
    segment: Segment,
):
    connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=timezone.now(), user=administrator)
    sign_in(phone, administrator)
    phone.goto(f"/segments/{segment.pk}/facebook/")
    phone.get_by_label("Name of the new audience").fill("Spring sale")
    phone.get_by_label("Keep in step").check()
    phone.get_by_role("button", name=re.compile("^Send [0-9]+ contacts")).click()
    expect(phone.get_by_text("Waiting for the worker")).to_be_visible()
    jobs.run_job(Job.objects.in_progress().get().pk)
    expect(phone.get_by_role("button", name="Send changes now")).to_be_visible()
    assert facebook.emails("9001") == hashed_emails(segment)
    for address, name in ((phone.url, "facebook-sent"), ("/settings/facebook/", "facebook-connected")):
        phone.goto(address)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        axe(phone, ["light"])
        shot(phone, name)


def test_facebook_out_of_order_and_an_audience_in_the_way_of_deleting(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    administrator: User,
    facebook: Facebook,
    segment: Segment,
):
    sign_in(page, administrator)
    page.goto(f"/segments/{segment.pk}/facebook/")
    expect(page.get_by_role("heading", name="No ad account is connected")).to_be_visible()
    axe(page, ["light"])
    page.get_by_role("link", name="Connect ad account").click()
    page.get_by_label("Ad account ID").fill(ACCOUNT)
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Check and connect").click()
    expect(page.get_by_role("status")).to_contain_text("is connected.")
    facebook.faults = [error(190, "Error validating access token: the session has been invalidated.")]
    page.goto(f"/segments/{segment.pk}/facebook/")
    expect(page.get_by_role("alert")).to_contain_text("Facebook does not accept the access token")
    axe(page)
    shot(page, "facebook-refused")
    page.reload()
    page.get_by_label("Audience", exact=True).select_option(label="Newsletter readers")
    page.get_by_label("Keep in step").check()
    page.get_by_role("button", name=re.compile("^Send [0-9]+ contacts")).click()
    expect(page.get_by_role("heading", name="Newsletter readers")).to_be_visible()
    page.goto(f"/segments/{segment.pk}/delete/")
    expect(page.get_by_role("link", name="Newsletter readers")).to_be_visible()
    page.goto("/settings/facebook/")
    expect(page.get_by_role("row", name=re.compile("^Newsletter readers 23851"))).to_be_visible()
    axe(page)
    shot(page, "facebook-connected")
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_text("1 audience is kept in step now.")).to_be_visible()
    axe(page, ["light"])
    shot(page, "facebook-disconnect")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status")).to_contain_text("is not connected any more")
    assert not FacebookConnection.objects.exists()

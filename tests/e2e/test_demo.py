"""The demo shop as a newcomer finds it. Its pictures, the light ones, are those of the documentation."""

from collections.abc import Callable
from io import StringIO
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.status import Status
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import User
from segments.models import Segment
from tests.e2e.steps import add_condition, ask_for_ordered_or_about_to, condition, heading, set_condition, settle


@pytest.fixture
def demo(roles: None) -> User:
    """The demo shop's login, with the name of a person; a worker gives signs of life."""
    cache.clear()
    call_command("create_demo", stdout=StringIO())
    worker = Status(pid=1, cluster_id=uuid4())
    worker.status = str(Conf.IDLE)
    get_broker().set_stat(f"{Conf.Q_STAT}:{worker.cluster_id}", SignedPackage.dumps(worker, True), 600)
    user = User.objects.get(username="demo")
    user.first_name, user.last_name = "Mara", "Conti"
    user.save()
    return user


def test_the_demo_shop(page: Page, demo: User, sign_in: Callable[[Page, User], None], shot: Callable[..., None]):
    def picture(name: str) -> None:
        settle(page)
        page.mouse.move(0, 0)
        shot(page, f"documentation-{name}", full_page=False)

    sign_in(page, demo)
    page.goto("/")
    expect(page.get_by_role("link", name=f"Contacts {Contact.objects.count():,}")).to_be_visible()
    picture("dashboard")

    page.goto("/contacts/?sort=-purchases_total")
    expect(page.get_by_text(f"{Contact.objects.count():,} contacts", exact=True)).to_be_visible()
    picture("contacts")

    guest = Segment.objects.get(name="Trade fair guests").members.order_by("-purchases_total")[0]
    page.goto(f"/contacts/{guest.pk}/activity/")
    expect(page.get_by_role("main").get_by_text("Entered segment “Trade fair guests”")).to_be_visible()
    picture("contact-profile")

    page.goto("/segments/")
    for segment in Segment.objects.all():
        row = page.get_by_role("row").filter(has_text=segment.name)
        expect(row.locator(".size")).to_have_text(f"{segment.size:,}")
    picture("segments")

    page.get_by_role("link", name="Newsletter readers in Spain and Portugal", exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(heading(page)).to_have_text("Newsletter readers in Spain and Portugal")
    condition(page, 2).locator(".picker > summary").click()
    condition(page, 2).get_by_role("checkbox", name="Italy", exact=True).check()
    condition(page, 2).locator(".picker > summary").click()
    add_condition(page)
    set_condition(page, 3, about="Last seen", operator="is in the last").get_by_role("spinbutton").fill("90")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Last seen is in the last 90 days")
    page.get_by_role("heading", level=1).click()
    picture("segment-editor")

    page.goto("/segments/new/dynamic_plus/")
    page.get_by_label("Name", exact=True).fill("Ordered, or about to")
    ask_for_ordered_or_about_to(page, "Loyalty programme")
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("they are on the list Loyalty programme")
    page.get_by_role("heading", level=1).click()
    picture("segment-groups")

    page.goto(f"/segments/{Segment.objects.get(name='Good customers').pk}/analytics/?by=week")
    expect(page.get_by_role("region", name="Overlap with other segments")).to_contain_text("Of this segment")
    expect(page.get_by_role("heading", name="Top countries")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 1230})
    picture("segment-analytics")

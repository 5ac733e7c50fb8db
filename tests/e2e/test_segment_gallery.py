"""From the gallery of templates to a saved segment, on a screen, on a phone and without JavaScript."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.events import NewEvent, record
from contacts.models import Contact
from crm.models import User
from segments.models import Segment
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.steps import bring_up_to_date, condition, heading, members, navigate, save_segment, settle

WITHOUT_JAVASCRIPT = {**SCREEN, "java_script_enabled": False}


@pytest.fixture
def carts(shop: list[Contact]) -> tuple[Contact, Contact]:
    """Two who left their carts, three and ten days ago."""
    lately, before = shop[20], shop[21]
    now = timezone.now()
    left = [("cart_add", now - timedelta(days=days), who.pk) for who, days in ((lately, 3), (before, 10))]
    record([NewEvent(*one) for one in left], now=now)
    return lately, before


@pytest.mark.parametrize(
    "device",
    [
        pytest.param(SCREEN, id="screen"),
        pytest.param(PHONE, id="phone"),
        pytest.param(WITHOUT_JAVASCRIPT, id="without JavaScript"),
    ],
)
def test_from_a_template_to_a_segment(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    carts: tuple[Contact, Contact],
    device: dict[str, Any],
):
    def look(name: str) -> None:
        if device is not WITHOUT_JAVASCRIPT:
            settle(page)
            axe(page)
            shot(page, name)

    page = new_page(**device)
    sign_in(page, mara)
    page.goto("/segments/")
    page.get_by_role("main").get_by_role("link", name="Create new segment").first.click()
    page.get_by_role("link", name="Start from a template").click()
    expect(heading(page)).to_have_text("Segment templates")
    expect(page.get_by_role("heading", level=2)).to_have_text(["Conversion", "Retention", "Engagement", "Reactivation"])
    look("segment-gallery")

    page.get_by_role("link", name="Abandoned carts").click()
    expect(heading(page)).to_have_text("Abandoned carts")
    bring_up_to_date(page)
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("2 of 41 contacts")
    page.get_by_label("Filled the cart").fill("7")
    bring_up_to_date(page)
    expect(preview).to_contain_text("1 of 41 contacts")
    expect(preview).to_contain_text(
        "Contacts for whom “Put into the cart” in the last 7 days, then not “Purchased”, within 1 day."
    )
    look("segment-template")

    waits = page.get_by_label("Bought nothing")
    waits.fill("7")
    page.get_by_role("button", name="Go to segment editor").click()
    fault = "Nobody could be in the segment: choose fewer days than above."
    expect(page.locator("#parameters").get_by_text(fault)).to_be_visible()
    expect(waits).to_have_value("7")
    expect(waits).to_have_attribute("aria-invalid", "true")
    look("segment-template-faulty")
    waits.fill("1")
    page.get_by_role("button", name="Go to segment editor").click()

    expect(heading(page)).to_have_text("New dynamic plus segment")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Abandoned carts")
    expect(condition(page, 1).get_by_label("About")).to_have_value("sequence")
    bring_up_to_date(page)
    expect(preview).to_contain_text("1 of 41 contacts")
    assert not Segment.objects.filter(kind="dynamic_plus").exists()
    look("segment-from-template")
    save_segment(page)
    expect(heading(page)).to_contain_text("Abandoned carts")
    assert members("Abandoned carts") == {carts[0].email}
    navigate(page, "Segments")
    expect(page.get_by_role("row").filter(has_text="Abandoned carts")).to_contain_text("Dynamic Plus")

"""Asking why somebody is in a segment or not, and the preview that counts every condition, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact, ContactList
from crm.models import User
from segments.editing import create_segment, fill
from segments.models import Segment
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.shop import NEWS
from tests.e2e.steps import heading, settle

DEVICES = [pytest.param(SCREEN, id="screen"), pytest.param(PHONE, id="phone")]
EVER = {"kind": "ever"}


@pytest.fixture
def segment(mara: User, shop: list[Contact]) -> Segment:
    """Who bought three times, or opened an email and bought nothing after it; in any case from abroad."""
    bought = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 3}
    spent = {"type": "event", "event": "purchase", "metric": "sum", "property": "value", "operator": "greater_than"}
    opened, then = {"event": "email_opened", "did": True}, {"event": "purchase", "did": False}
    news = {"type": "list", "list": ContactList.objects.get(name=NEWS).pk, "operator": "member"}
    rules = [
        {"type": "field", "field": "country", "operator": "is_none_of", "value": ["ES", "PT"]},
        {
            "match": "any",
            "rules": [
                bought | {"window": {"kind": "last", "count": 5, "unit": "years"}},
                spent | {"value": 100, "window": EVER},
                {"type": "sequence", "steps": [opened, then], "window": EVER},
            ],
        },
        {"match": "none", "rules": [news]},
    ]
    segment = create_segment(
        name="Buyers from abroad",
        kind="dynamic_plus",
        definition={"version": 1, "match": "all", "rules": rules},
        now=timezone.now(),
        user=mara,
    )
    fill(segment, now=timezone.now())
    return segment


@pytest.mark.parametrize("device", DEVICES)
def test_asking_why(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    shop: list[Contact],
    segment: Segment,
    device: dict[str, Any],
):
    page = new_page(**device)
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/")
    page.get_by_label("Find a contact to ask about").fill("mateo")
    found = page.locator("#asked").get_by_role("listitem").filter(has_text="Mateo Álvarez")
    expect(found).to_contain_text("Not in it")
    found.get_by_role("link", name="Why? Mateo Álvarez").click()
    explanation = page.locator("#explanation")
    expect(explanation.get_by_role("heading", name="Mateo Álvarez is not in")).to_be_visible()
    expect(explanation).to_contain_text("Country is none of Spain or Portugal")
    expect(explanation).to_contain_text("Seen: Spain")
    settle(page)
    axe(page)
    shot(page, "segment-why")

    member = segment.members.exclude(first_name="").order_by("pk").first()
    assert member
    page.goto(f"/contacts/{member.pk}/segments/")
    page.get_by_role("link", name="Why? Buyers from abroad").click()
    expect(heading(page)).to_contain_text(str(member))
    expect(page.locator("#explanation")).to_contain_text(f"{member} has been in since")
    expect(page.locator("#explanation")).to_contain_text("The conditions of the segment were changed")
    axe(page)
    shot(page, "contact-why")


@pytest.mark.parametrize("device", DEVICES)
def test_the_preview_counts_every_condition(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    settings: Any,
    mara: User,
    segment: Segment,
    device: dict[str, Any],
):
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 10, 20
    page = new_page(**device)
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/edit/")
    figures = page.locator("#figures")
    expect(figures).to_contain_text("Estimate")
    expect(figures).to_contain_text("“Purchased” is known since")
    settle(page)
    expect(page.locator("#conditions .rule-count").first).to_contain_text("≈")
    axe(page)
    shot(page, "segment-preview-estimate")
    figures.get_by_role("button", name="Count exactly").click()
    expect(figures).not_to_contain_text("Estimate")
    settle(page)
    expect(figures.locator(".figure")).to_have_text(str(segment.members.count()))
    counts = page.locator("#conditions .rule-count")
    expect(counts).to_have_count(8)
    expect(counts.first).to_contain_text(f"{segment.members.count()}")
    expect(page.locator(".funnel li")).to_have_count(7)
    axe(page)
    shot(page, "segment-preview-funnel")

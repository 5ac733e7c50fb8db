"""The history of a segment, taking a version back, two people in one editor, and segments made from others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact, ContactList
from crm.models import User
from segments.editing import create_segment, fill, save_segment
from segments.kinds import OFFERED, OfferedKind
from segments.models import Segment
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.shop import ABROAD, NEWS, all_of, emails
from tests.e2e.steps import choose_in_more, condition, heading, members, settle
from tests.e2e.steps import save_segment as press_save

WITHOUT_JAVASCRIPT = {**SCREEN, "java_script_enabled": False}
DEVICES = [
    pytest.param(SCREEN, id="screen"),
    pytest.param(PHONE, id="phone"),
    pytest.param(WITHOUT_JAVASCRIPT, id="without JavaScript"),
]
SPAIN: dict[str, Any] = {"type": "field", "field": "country", "operator": "is", "value": "ES"}
ITALY = SPAIN | {"value": "IT"}


@pytest.fixture
def luca(administrator: User) -> User:
    administrator.first_name, administrator.last_name = "Luca", "Moretti"
    administrator.save()
    return administrator


@pytest.fixture
def old_list(shop: list[Contact]) -> ContactList:
    return ContactList.objects.create(name="Catalogue 2025")


@pytest.fixture
def segment(mara: User, luca: User, old_list: ContactList) -> Segment:
    """A segment that several people have changed."""
    news = {"type": "list", "list": ContactList.objects.get(name=NEWS).pk, "operator": "member"}
    gone = {"type": "list", "list": old_list.pk, "operator": "member"}
    points = {"type": "field", "field": "points", "operator": "at_least", "value": 100}
    made = {"now": timezone.now(), "name": "Best customers", "description": "For the winter letter."}
    segment = create_segment(kind="dynamic", definition=all_of(gone, points), user=mara, **made)
    for user, definition in (
        (luca, ABROAD),
        (luca, all_of(*ABROAD["rules"], news, points)),
        (mara, all_of(SPAIN, points | {"value": 50}, news)),
    ):
        save_segment(segment, **made, is_test=False, definition=definition, user=user)
    old_list.delete()
    fill(segment, now=timezone.now())
    return segment


def version(page: Page, number: int) -> Locator:
    return page.locator(f"#version-{number}")


@pytest.mark.parametrize("device", DEVICES)
def test_the_history_and_a_version_taken_back(
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
    choose_in_more(page, "History")
    expect(heading(page)).to_have_text("History")
    expect(page.get_by_role("heading", level=2)).to_have_text(["Version 4", "Version 3", "Version 2", "Version 1"])
    newest = version(page, 4)
    expect(newest).to_contain_text("Mara Conti")
    expect(newest.locator("li")).to_contain_text(["Country is Spain", "Points is at least 50"])
    expect(version(page, 1)).to_contain_text("The segment was created with these conditions.")
    expect(newest.get_by_role("link", name="Restore")).to_have_count(0)
    is_scripted = device is not WITHOUT_JAVASCRIPT
    if is_scripted:
        axe(page)
        shot(page, "segment-history")

    version(page, 1).get_by_role("link", name="Restore version 1").click()
    expect(heading(page)).to_have_text("Version 1 cannot be restored")
    expect(page.get_by_role("alert")).to_contain_text("This list no longer exists.")
    expect(page.get_by_role("button", name="Restore these conditions")).to_have_count(0)
    if is_scripted:
        axe(page)
        shot(page, "segment-restore-refused")

    page.get_by_role("link", name="Back to the history").click()
    version(page, 2).get_by_role("link", name="Restore version 2").click()
    expect(heading(page)).to_have_text("Restore version 2?")
    if is_scripted:
        axe(page)
        shot(page, "segment-restore")
    page.get_by_role("button", name="Restore these conditions").click()
    expect(page.get_by_role("status")).to_contain_text("Version 2 was restored.")
    expect(version(page, 5)).to_contain_text("Restored from version 2")
    segment.refresh_from_db()
    assert (segment.version, segment.definition) == (5, ABROAD)
    abroad = emails(contact for contact in shop if contact.country not in ("ES", "PT"))
    assert members("Best customers") - {None} == abroad


@pytest.mark.parametrize("device", DEVICES)
def test_two_people_in_one_editor(
    new_page: Callable[..., Page],
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    expected_errors: list[str],
    mara: User,
    luca: User,
    segment: Segment,
    device: dict[str, Any],
):
    expected_errors.append("status of 409")
    first, second = new_page(**device), new_page(**device)
    sign_in(first, mara)
    sign_in(second, luca)
    for page in (first, second):
        page.goto(f"/segments/{segment.pk}/edit/")
    condition(first, 1).get_by_label("Value").select_option(label="Italy")
    first.get_by_label("Description").fill("For the spring letter.")
    press_save(first)
    expect(first.get_by_role("status")).to_contain_text("was saved")

    condition(second, 2).get_by_label("Value").fill("75")
    second.get_by_label("Name", exact=True).fill("Good customers")
    press_save(second)
    conflict = second.get_by_role("region", name="Somebody else saved first")
    expect(conflict).to_contain_text("Mara Conti saved this segment meanwhile")
    expect(conflict).to_contain_text("Country is Italy")
    expect(conflict).to_contain_text("Points is at least 75")
    expect(conflict).to_contain_text("For the spring letter.")
    expect(second.get_by_label("Name", exact=True)).to_have_value("Good customers")
    expect(condition(second, 2).get_by_label("Value")).to_have_value("75")
    if device is not WITHOUT_JAVASCRIPT:
        axe(second)
        shot(second, "segment-conflict")

    conflict.get_by_role("link", name="Discard mine and show the saved one").click()
    expect(second.get_by_label("Description")).to_have_value("For the spring letter.")
    expect(condition(second, 1).get_by_label("Value")).to_have_value("IT")
    expect(condition(second, 2).get_by_label("Value")).to_have_value("50")

    first.goto(f"/segments/{segment.pk}/edit/")
    condition(first, 1).get_by_label("Value").select_option(label="Greece")
    press_save(first)
    expect(first.get_by_role("status")).to_contain_text("was saved")
    condition(second, 2).get_by_label("Value").fill("75")
    press_save(second)
    expect(conflict).to_contain_text("Country is Greece")
    conflict.get_by_role("button", name="Save mine over it").click()
    expect(second.get_by_role("status")).to_contain_text("was saved")
    settle(second)
    segment.refresh_from_db()
    assert (segment.version, segment.name, segment.description) == (7, "Best customers", "For the spring letter.")
    assert [rule["value"] for rule in segment.conditions["rules"][:2]] == ["IT", 75]


def test_a_copy_and_a_snapshot(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    segment: Segment,
):
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/")
    choose_in_more(page, "Save as copy")
    axe(page)
    shot(page, "segment-copy")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Copy of Best customers")
    page.get_by_role("button", name="Save copy").click()
    expect(heading(page)).to_have_text("Copy of Best customers")
    page.goto(f"/segments/{segment.pk}/")
    choose_in_more(page, "Save as static snapshot")
    axe(page)
    shot(page, "segment-snapshot")
    page.get_by_label("Name", exact=True).fill("Best customers of today")
    page.get_by_role("button", name="Save snapshot").click()
    expect(heading(page)).to_have_text("Best customers of today")
    assert members("Best customers of today") == members("Copy of Best customers") == members("Best customers")
    assert members("Best customers")


def test_made_dynamic_plus(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    mara: User,
    segment: Segment,
):
    plus = OfferedKind(Segment.Kind.DYNAMIC_PLUS, "sparkles", "", "")
    monkeypatch.setitem(OFFERED, Segment.Kind.DYNAMIC_PLUS, plus)
    before = members("Best customers")
    sign_in(page, mara)
    page.goto(f"/segments/{segment.pk}/")
    choose_in_more(page, "Make dynamic plus")
    expect(heading(page)).to_have_text("Make “Best customers” dynamic plus?")
    axe(page)
    shot(page, "segment-make-plus")
    page.get_by_role("button", name="Make dynamic plus").click()
    expect(page.get_by_role("status")).to_contain_text("is dynamic plus now")
    assert members("Best customers") == before
    choose_in_more(page, "History")
    expect(version(page, 5)).to_contain_text("Made dynamic plus")
    axe(page)
    shot(page, "segment-history-plus")

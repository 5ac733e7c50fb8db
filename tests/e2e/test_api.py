"""Keys of programs, and the page of the API's documentation, in a browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from crm.models import ApiKey, User


@pytest.mark.django_db(transaction=True)
def test_make_a_key_try_it_on_the_page_and_revoke_it(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[[Page, str], None],
    axe: Callable[[Page], None],
    administrator: User,
) -> None:
    Contact.objects.create(email="ana@example.com")
    sign_in(page, administrator)
    page.goto("/settings/")
    page.get_by_role("main").get_by_role("link", name=re.compile("^API keys")).click()
    expect(page.get_by_text("No keys yet")).to_be_visible()
    page.get_by_role("link", name="Create key").first.click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Read contacts").check()
    page.get_by_label("Expires").select_option(label="In 90 days")
    axe(page)
    shot(page, "api-key-form")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith(ApiKey.objects.get().prefix)
    axe(page)
    shot(page, "api-key-created")
    page.get_by_role("link", name="Done").click()
    axe(page)
    shot(page, "api-keys")

    page.get_by_role("link", name="API documentation").click()
    expect(page.locator("#operations-Contacts-contacts_list")).to_be_visible()
    axe(page, foreign=".swagger-ui")
    page.get_by_role("button", name="Authorize").click()
    dialog = page.locator(".modal-ux")
    dialog.get_by_role("textbox").fill(secret)
    dialog.get_by_role("button", name="Apply").click()
    dialog.get_by_role("button", name="Close").last.click()
    operation = page.locator("#operations-Contacts-contacts_list")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("ana@example.com")
    shot(page, "api-documentation-tried")

    page.goto("/settings/api-keys/")
    page.get_by_role("link", name="Revoke Shop").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("main")).to_contain_text("Revoked")


@pytest.mark.django_db(transaction=True)
def test_the_documentation_on_a_phone(
    phone: Page, sign_in: Callable[[Page, User], None], shot: Callable[[Page, str], None], administrator: User
) -> None:
    sign_in(phone, administrator)
    phone.goto("/api/")
    expect(phone.locator("#operations-Contacts-contacts_list")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(phone, "api-documentation")

"""The frame of every page in a browser: navigation, theme, menus, signing in and out, errors."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from crm.models import User
from tests.conftest import PASSWORD

SignIn = Callable[[Page, User], None]
Shot = Callable[..., None]
Axe = Callable[[Page], None]


def test_sign_in_with_a_wrong_and_then_the_right_password(
    page: Page, phone: Page, marketer: User, shot: Shot, axe: Axe
):
    page.goto("/settings/")
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/settings/$"))
    page.goto("/")
    axe(page)
    shot(page, "login")
    page.get_by_label("Username").fill("marketer")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Please enter a correct username and password.")
    expect(page.get_by_label("Username")).to_have_value("marketer")
    axe(page)
    shot(page, "login-error")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")

    phone.goto("/")
    axe(phone)
    shot(phone, "login")


def test_sign_out(page: Page, marketer: User, sign_in: SignIn):
    sign_in(page, marketer)
    page.goto("/")
    page.get_by_text("marketer", exact=True).click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/accounts/login/$"))
    page.goto("/")
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_reset_a_forgotten_password(page: Page, marketer: User, shot: Shot, axe: Axe):
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgotten your password?").click()
    axe(page)
    shot(page, "password-reset")
    page.get_by_label("Email").fill(marketer.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    axe(page)
    shot(page, "password-reset-sent")
    page.goto(re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[0].body))[1])
    axe(page)
    shot(page, "password-reset-choose")
    page.get_by_label("New password", exact=True).fill("a much better password")
    page.get_by_label("New password confirmation").fill("a much better password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Log in with the new one.")
    page.get_by_label("Username").fill("marketer")
    page.get_by_label("Password").fill("a much better password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def test_a_reset_link_that_was_used_says_so(page: Page, shot: Shot, axe: Axe):
    page.goto("/accounts/reset/MQ/abc-123/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    axe(page)
    shot(page, "password-reset-expired")


def test_change_the_password(page: Page, phone: Page, marketer: User, sign_in: SignIn, shot: Shot, axe: Axe):
    for device in (page, phone):
        sign_in(device, marketer)
        device.goto("/accounts/password/")
        device.get_by_label("Old password").fill("wrong")
        device.get_by_label("New password", exact=True).fill("short")
        device.get_by_label("New password confirmation").fill("other")
        device.get_by_role("button", name="Change password").click()
        expect(device.get_by_label("Old password")).to_have_attribute("aria-invalid", "true")
        expect(device.get_by_label("Old password")).to_have_accessible_description(
            "Your old password was entered incorrectly. Please enter it again."
        )
        axe(device)
        shot(device, "password-change")
    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("a much better password")
    page.get_by_label("New password confirmation").fill("a much better password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_have_text("Your password was changed.")
    shot(page, "message")


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page, marketer: User, sign_in: SignIn, shot: Shot):
    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    sign_in(page, marketer)
    page.goto("/")
    light = background()
    page.emulate_media(color_scheme="dark")
    dark = background()
    assert light != dark

    page.get_by_text("marketer", exact=True).click()
    shot(page, "user-menu", full_page=False)
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.get_by_role("button", name="Light")).to_have_attribute("aria-pressed", "true")
    assert background() == light
    page.reload()
    assert background() == light

    page.get_by_text("marketer", exact=True).click()
    page.get_by_role("button", name="As the system").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "system")
    assert background() == dark


def test_the_theme_can_be_chosen_without_javascript(new_page: Callable[..., Page], marketer: User, sign_in: SignIn):
    page = new_page(java_script_enabled=False)
    sign_in(page, marketer)
    page.goto("/accounts/password/")
    page.get_by_text("marketer", exact=True).click()
    page.get_by_role("button", name="Dark").click()
    expect(page).to_have_url(re.compile("/accounts/password/$"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_navigation_of_a_phone(
    new_page: Callable[..., Page], javascript: bool, marketer: User, sign_in: SignIn, shot: Shot, axe: Axe
):
    phone = new_page(viewport={"width": 390, "height": 844}, java_script_enabled=javascript)
    sign_in(phone, marketer)
    phone.goto("/")
    navigation = phone.get_by_role("navigation", name="Main")
    burger = phone.get_by_role("button", name="Menu", exact=True)
    expect(navigation).to_be_hidden()
    burger.click()
    expect(navigation).to_be_visible()
    phone.keyboard.press("Tab")
    expect(navigation.get_by_role("link", name="Muster")).to_be_focused()
    if javascript:
        axe(phone)
        shot(phone, "navigation", full_page=False)
    phone.keyboard.press("Escape")
    expect(navigation).to_be_hidden()
    expect(burger).to_be_focused()
    burger.click()
    navigation.get_by_role("button", name="Close menu").click()
    expect(navigation).to_be_hidden()


def test_the_keyboard_skips_the_navigation(page: Page, marketer: User, sign_in: SignIn):
    sign_in(page, marketer)
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_menus_with_keyboard_and_mouse(page: Page, marketer: User, sign_in: SignIn):
    sign_in(page, marketer)
    page.goto("/")
    summary = page.locator(".side-foot summary")
    items = page.locator(".side-foot .menu-items")
    summary.focus()
    page.keyboard.press("Enter")
    expect(items).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Light")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Log out")).to_be_focused()
    page.keyboard.press("Escape")
    expect(items).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    page.get_by_role("heading", level=1).click()
    expect(items).to_be_hidden()


def test_errors(
    page: Page, phone: Page, viewer: User, sign_in: SignIn, shot: Shot, axe: Axe, expected_errors: list[str]
):
    expected_errors += ["status of 403", "status of 404"]
    page.goto("/nowhere/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This page does not exist")
    axe(page)
    shot(page, "404-signed-out")
    for device in (page, phone):
        sign_in(device, viewer)
        device.goto("/nowhere/")
        axe(device)
        shot(device, "404")
        device.goto("/settings/")
        expect(device.get_by_role("heading", level=1)).to_have_text("You have no access to this page")
        axe(device)
        shot(device, "403")


def test_a_request_of_a_fragment_that_fails_says_so(
    page: Page, marketer: User, sign_in: SignIn, expected_errors: list[str]
):
    expected_errors += ["status of 404", "Response Status Error Code 404", "net::ERR_INTERNET_DISCONNECTED", "htmx:"]
    sign_in(page, marketer)
    page.goto("/")
    page.evaluate("htmx.ajax('GET', '/nowhere/', 'main').catch(() => null)")
    expect(page.get_by_role("status")).to_have_text("That did not work. Nothing was changed; try again.")
    page.context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '/', 'main').catch(() => null)")
    expect(page.get_by_role("status")).to_have_text("Muster cannot be reached. Check the connection and try again.")

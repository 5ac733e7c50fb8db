"""The browser of the tests: pages on a screen and on a phone that fail by themselves when something is wrong in them.

A browser test uses ``page`` or ``phone``, and the functions ``sign_in(page, user)``, ``shot(page, name)`` and
``axe(page)``. Errors in the console, violations of the Content-Security-Policy among them, fail the test at its end;
a test that provokes one appends a part of its text to ``expected_errors``.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from contacts.models import Contact
from crm.models import User
from tests.availability import unavailable
from tests.e2e.shop import open_shop
from tests.e2e.shop_site import KEY, shop_site

# Playwright's synchronous interface runs an event loop in the thread of the tests, where Django would refuse the ORM.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREEN = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
THEMES = ("light", "dark")
SCREENSHOTS: Path = settings.VAR_DIR / "screenshots"
PICTURES = os.environ.get("MUSTER_PICTURES") == "1"  # taking them is a good part of the time

# What Chromium writes by itself about a form that came back with errors.
FORM_WITH_ERRORS = "status of 422"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a busy machine may miss a deadline: its test gets a second try, and the run says so."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def live_server(django_db_setup: None, live_server: LiveServer) -> LiveServer:
    """The server, started once the tests have their database: before, SQLite's is in memory, and the server's threads
    would share one connection with the test, which crashes the process.
    """
    return live_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not path:
        unavailable(f"Browser tests need Chromium: none of {', '.join(CHROMIUM)} is on the PATH; or set CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of the console errors that a test provokes on purpose."""
    return []


@pytest.fixture
def new_page(browser: Browser, live_server: LiveServer, expected_errors: list[str]) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser context of its own: ``new_page(**SCREEN, color_scheme="dark")``."""
    errors: list[str] = []

    def watch_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location['url']}:{message.location['lineNumber']})")

    with ExitStack() as contexts:

        def open_page(**options: object) -> Page:
            context: BrowserContext = browser.new_context(base_url=live_server.url, locale="en-GB", **options)
            contexts.callback(context.close)
            context.set_default_timeout(10_000)
            page = context.new_page()
            page.on("console", watch_console)
            page.on("pageerror", lambda error: errors.append(str(error)))
            return page

        yield open_page

    finish_requests()
    expected = [FORM_WITH_ERRORS, *expected_errors]
    unexpected = [error for error in errors if not any(part in error for part in expected)]
    assert not unexpected, "\n".join(["Errors in the browser's console:", *unexpected])


def finish_requests() -> None:
    """Wait for the threads of the server, which end with the connections of the browser.

    SQLite crashes when one closes its connection to the database while the tables are being emptied after a test.
    Connections that the browser keeps open are not waited for: they do nothing meanwhile.
    """
    deadline = time.monotonic() + 1
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=max(0, deadline - time.monotonic()))


@pytest.fixture
def mara(marketer: User) -> User:
    """A marketer with a full name."""
    marketer.first_name, marketer.last_name = "Mara", "Conti"
    marketer.save()
    return marketer


@pytest.fixture
def shop(mara: User) -> list[Contact]:
    """The contacts of a small shop, the ones created last first."""
    return open_shop(now=timezone.now())


@pytest.fixture
def shop_url(live_server: LiveServer, settings: Any) -> Iterator[str]:
    """The address of the shop's site, from which Muster takes what visitors do."""
    caches["local"].clear()
    with shop_site(live_server.url) as url:
        settings.SHOP_ORIGINS = [url]
        settings.TRACKING_KEY = KEY
        settings.PUBLIC_URL = live_server.url
        yield url


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page(**SCREEN)


@pytest.fixture
def phone(new_page: Callable[..., Page]) -> Page:
    return new_page(**PHONE)


@pytest.fixture
def sign_in(live_server: LiveServer) -> Callable[[Page, User], None]:
    """Sign in without the login form."""

    def sign_in(page: Page, user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    return sign_in


def keep_picture(page: Page, name: str) -> None:
    """Keep a picture of the page as it is in ``var/screenshots``, where ``MUSTER_PICTURES=1`` asks for pictures."""
    if PICTURES:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled", caret="initial")


@pytest.fixture
def shot() -> Callable[..., None]:
    """Keep pictures of the page, light and dark, where they are asked for: ``shot(page, "dashboard")``.

    Pictures of a phone get ``-phone`` added to the name, dark ones ``-dark``. With ``full_page=False`` they show the
    window alone, for what stands at a fixed place in it.
    """

    def shot(page: Page, name: str, *, full_page: bool = True) -> None:
        if not PICTURES:
            return
        window = page.viewport_size
        device = "-phone" if window == PHONE["viewport"] else ""
        if full_page:
            # The navigation is as high as the window: a picture of the whole page needs a window of that height.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
        for theme in THEMES:
            with in_theme(page, theme):
                keep_picture(page, f"{name}{device}{'-dark' if theme == 'dark' else ''}")
        page.set_viewport_size(window)

    return shot


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """Check the page for accessibility, light and dark; any violation fails the test with its report.

    With ``themes=["light"]`` what does not depend on colours is checked in one of them. What the selector ``foreign``
    chooses is not ours, and left out; it may have a main part of its own.
    """
    checker = Axe()
    with_foreign = {"rules": {"landmark-no-duplicate-main": {"enabled": False}}}

    def axe(page: Page, themes: Iterable[str] = THEMES, foreign: str | None = None) -> None:
        for theme in themes:
            with in_theme(page, theme):
                if foreign:
                    results = checker.run(page, context={"exclude": [[foreign]]}, options=with_foreign)
                else:
                    results = checker.run(page)
                assert results.violations_count == 0, f"{page.url} ({theme}):\n{results.generate_report()}"

    return axe


# Until what moves has come to rest; an animation that is paused, hidden or endless would never end.
SETTLED = """Promise.race([
    Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
    new Promise((resolve) => setTimeout(resolve, 1000)),
])"""


@contextmanager
def in_theme(page: Page, theme: str) -> Iterator[None]:
    """The page as it looks to somebody whose system is set to this theme."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(SETTLED)
    yield
    page.emulate_media(color_scheme="null", reduced_motion="null")

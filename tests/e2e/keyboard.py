"""What has the focus, going on to something, and choosing, by the keyboard alone."""

from playwright.sync_api import Page

from tests.e2e.steps import settle

TYPED_IS_FORGOTTEN_AFTER = 1_100  # milliseconds without a key


def focused(page: Page) -> str:
    """The label or text of what has the focus."""
    return page.evaluate(
        "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.replace(/\\s+/g, ' ').trim()"
    )


def press(page: Page, key: str, until: str) -> None:
    """Press a key until something has the focus."""
    for _time in range(60):
        page.keyboard.press(key)
        if focused(page) == until:
            return
    raise AssertionError(f"{until!r} never has the focus")


def choose(page: Page, words: str, value: str) -> None:
    """Type into the select that has the focus until it has the value.

    Again when that failed: a busy machine can be so slow between two keys that the browser begins a new word.
    """
    for _time in range(4):
        page.keyboard.type(words)
        settle(page)
        if page.evaluate("document.activeElement.value") == value:
            return
        page.wait_for_timeout(TYPED_IS_FORGOTTEN_AFTER)
    raise AssertionError(f"typing {words!r} does not choose {value!r}")

"""What has the focus, and going on to something by the keyboard alone."""

from playwright.sync_api import Page


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

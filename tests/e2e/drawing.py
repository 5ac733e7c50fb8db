"""What people do on the canvas of a workflow, and how they find its parts."""

from playwright.sync_api import Locator, Page, expect


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Steps").get_by_role("button", name=name)


def port(page: Page, name: str, way: str) -> Locator:
    """A way out of the card with this name."""
    return page.locator(".node", has_text=name).locator(f'.port[data-port="{way}"]')


def palette(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Add a step")


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Settings of the step")


def saved(page: Page) -> None:
    expect(page.locator("#saving")).to_have_attribute("data-state", "saved")


def drag(page: Page, begin: Locator, end: Locator | tuple[float, float]) -> None:
    """Drag with the mouse, to the middle of something or to a point."""
    begin.scroll_into_view_if_needed()
    page.mouse.move(*middle(begin))
    page.mouse.down()
    page.mouse.move(*(middle(end) if isinstance(end, Locator) else end), steps=4)
    page.mouse.up()


def middle(shown: Locator) -> tuple[float, float]:
    """The middle of something, in pixels of the window."""
    box = shown.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

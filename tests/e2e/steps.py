"""What people do on the pages, by the names they read there: the same on a screen, a phone and without JavaScript."""

from playwright.sync_api import Locator, Page, expect

from segments.models import Membership, Segment


def navigate(page: Page, entry: str) -> None:
    """Choose an entry of the side navigation, which is behind a button on a phone."""
    menu = page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name=entry, exact=True).click()


def choose_in_more(page: Page, entry: str) -> None:
    """Choose an entry of the menu *More* of the page."""
    page.get_by_role("main").locator("summary").filter(has_text="More").click()
    page.get_by_role("link", name=entry, exact=True).click()


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def add_contact(page: Page, *, first_name: str, last_name: str, email: str, born: str, newsletter: str) -> None:
    """Add a contact, from the contact list on; ends on its profile."""
    navigate(page, "See all")
    page.get_by_role("link", name="Add contact").click()
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill(last_name)
    page.get_by_label("Date of birth").fill(born)
    page.get_by_label("Newsletter", exact=True).select_option(label=newsletter)
    page.get_by_role("button", name="Add contact").click()
    expect(heading(page)).to_contain_text(f"{first_name} {last_name}")


def open_editor(page: Page, kind: str) -> None:
    """Begin a new segment, from the list of segments on; ends in its editor."""
    navigate(page, "Segments")
    page.get_by_role("main").get_by_role("link", name="Create new segment").first.click()
    kind_choice(page, kind).check()
    page.get_by_role("button", name="Go to segment editor").click()
    expect(heading(page)).to_have_text(f"New {kind.lower()} segment")


def kind_choice(page: Page, kind: str) -> Locator:
    """The choice of a type."""
    return page.get_by_role("radio", name=kind, exact=True)


def condition(page: Page, number: int | str) -> Locator:
    return page.get_by_role("group", name=f"Condition {number}", exact=True)


def set_condition(page: Page, number: int | str, *, about: str, operator: str) -> Locator:
    """Choose what a condition is about and how it compares; returns it, so that the value can be filled in."""
    row = condition(page, number)
    row.get_by_label("About").select_option(label=about)
    bring_up_to_date(page)
    row.get_by_label("Operator").select_option(label=operator)
    bring_up_to_date(page)
    return row


def add_condition(page: Page) -> None:
    number = page.get_by_role("group", name="Condition").count()
    page.get_by_role("button", name="Condition", exact=True).click()
    expect(condition(page, number + 1)).to_be_visible()
    settle(page)


def combine(page: Page, how: str, *, group: str = "") -> None:
    """Choose whether all, any or none of a group must hold; of the outermost without a number."""
    name = f"How group {group} combines" if group else "How everything combines"
    page.get_by_role("group", name=name, exact=True).get_by_role("radio", name=how).check()


def add_to_group(page: Page, what: str, group: str) -> None:
    """Add a condition or a group to a group that is not the outermost."""
    page.get_by_role("button", name=f"{what} in group {group}", exact=True).click()
    settle(page)


def add_group(page: Page) -> None:
    page.get_by_role("button", name="Group", exact=True).click()
    settle(page)


def set_activity(page: Page, number: int | str, *, about: str, when: str, **window: str) -> Locator:
    """Choose an activity and its window, whose inputs are named as the labels that people read."""
    row = condition(page, number)
    row.get_by_label("About").select_option(label=about)
    bring_up_to_date(page)
    row.get_by_label("When").select_option(label=when)
    bring_up_to_date(page)
    for label, value in window.items():
        entry = row.get_by_label(label, exact=True)
        if label == "Unit":
            entry.select_option(label=value)
        else:
            entry.fill(value)
    return row


def ask_for_ordered_or_about_to(page: Page, on_list: str) -> None:
    """Ordered in the last 6 months, or put something into the cart in the last month and on a list: in a new editor."""
    combine(page, "Any")
    set_activity(page, 1, about="Purchased", when="in the last", Number="6", Unit="months")
    add_group(page)
    set_activity(page, "2.1", about="Put into the cart", when="in the last", Number="1", Unit="months")
    add_to_group(page, "Condition", "2")
    row = condition(page, "2.2")
    row.get_by_label("About").select_option(label="Contact list")
    settle(page)
    row.get_by_label("List", exact=True).select_option(label=on_list)


def bring_up_to_date(page: Page) -> None:
    """Get the inputs that belong to what was chosen: with JavaScript they come by themselves."""
    update = page.get_by_role("button", name="Update", exact=True)
    if update.is_visible():
        with page.expect_navigation():
            update.click()
    settle(page)


def settle(page: Page) -> None:
    """Wait until htmx has put in what it asked for."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def save_segment(page: Page) -> None:
    page.get_by_role("button", name="Save segment").locator("visible=true").first.click()


def open_tab(page: Page, label: str) -> None:
    """Open a tab of the profile."""
    page.get_by_role("navigation", name="Profile").get_by_role("link", name=label, exact=True).click()
    tab = page.get_by_role("navigation", name="Profile").get_by_role("link", name=label, exact=True)
    expect(tab).to_have_attribute("aria-current", "page")


def change_birth_date(page: Page, born: str) -> None:
    """Change the birth date on the contact's form, from its profile on; ends on the profile."""
    page.get_by_role("link", name="Edit", exact=True).first.click()
    page.get_by_label("Date of birth").fill(born)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The changes were saved.")


def members(name: str) -> set[str | None]:
    """The emails of exactly who is in the live segment of this name; its size must agree."""
    segment = Segment.objects.live().get(name=name)
    found = Membership.objects.filter(segment=segment).values_list("contact__email", flat=True)
    assert segment.size == len(found)
    return set(found)

"""Workflows are drawn: with the mouse, by the keyboard alone, with fingers, and without overwriting somebody else."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.models import User
from segments.models import Segment
from tests.e2e.drawing import card, drag, palette, panel, port, saved
from tests.e2e.keyboard import focused, press
from tests.e2e.steps import heading, settle
from tests.segments.pages import static
from workflows.drafting import create, save_draft
from workflows.graph import parse
from workflows.models import Workflow

CONFLICT = "status of 409"
MIDDLE = """(path) => {
    const { x, y } = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
    return [x, y];
}"""


@pytest.fixture
def segments(mara: User) -> list[Segment]:
    """Two static segments."""
    now = timezone.now()
    return [static(name, now=now) for name in ("VIP customers", "Interested in office furniture")]


def links() -> set[tuple[str, str, str]]:
    """What leads to what in the one workflow there is, by the kinds of the nodes."""
    draft = Workflow.objects.get().draft
    kinds = {node["id"]: node["type"] for node in draft["nodes"]}
    return {(kinds[edge["from"]], edge["port"], kinds[edge["to"]]) for edge in draft["edges"]}


def test_drawing_with_the_mouse(
    page: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    administrator: User,
    segments: list[Segment],
    expected_errors: list[str],
):
    expected_errors.append(CONFLICT)
    sign_in(page, mara)
    page.goto("/workflows/new/")
    page.get_by_label("Name").fill("Desks")
    page.get_by_role("button", name="Create and draw").click()
    expect(heading(page)).to_have_text("Desks")

    # A press adds behind the selected card, and shows the settings.
    palette(page).get_by_role("button", name="Is in segment").click()
    panel(page).get_by_label("Segment", exact=True).select_option(label="VIP customers")
    panel(page).get_by_label("Next step: Yes").select_option(label="Add to segment")
    panel(page).get_by_label("Note").fill("Agreed with sales")
    panel(page).get_by_role("button", name="Update").click()
    expect(card(page, "Is in segment VIP customers Note: Agreed with sales")).to_be_visible()
    expect(card(page, "Add to segment")).to_be_visible()
    panel(page).get_by_role("button", name="Close").click()
    expect(panel(page)).to_be_hidden()

    # Dragged from the palette to a free place, and connected by its port.
    drag(page, palette(page).get_by_role("button", name="Wait"), (700, 640))
    expect(panel(page).get_by_role("heading", name="Wait")).to_be_visible()
    page.keyboard.press("Escape")
    drag(page, port(page, "Is in segment", "no"), card(page, "Wait"))
    saved(page)
    expected = {("start", "next", "is_in_segment"), ("is_in_segment", "yes", "add_to_segment")}
    assert links() == expected | {("is_in_segment", "no", "wait")}

    # An edge is selected, and removed by its button; that is undone and done again.
    page.mouse.click(*page.locator('[data-edge][data-kind="no"] .edge-reach').evaluate(MIDDLE))
    page.get_by_role("button", name="Remove the connection from Is in segment to Wait").click()
    saved(page)
    assert links() == expected
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert links() == expected | {("is_in_segment", "no", "wait")}

    # Two cards, selected with Shift, are copied with what joins them; pasting can be undone.
    card(page, "Is in segment").click(modifiers=["Shift"])
    card(page, "Wait").click(modifiers=["Shift"])
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(card(page, "Is in segment")).to_have_count(2)
    saved(page)
    page.keyboard.press("Control+z")
    expect(card(page, "Is in segment")).to_have_count(1)

    page.get_by_role("button", name="Arrange").click()
    saved(page)
    places = {node["type"]: (node["x"], node["y"]) for node in Workflow.objects.get().draft["nodes"]}
    assert [kind for kind, _place in sorted(places.items(), key=lambda one: one[1])] == [
        "start",
        "is_in_segment",
        "add_to_segment",
        "wait",
    ]

    # What is wrong leads to its card.
    page.get_by_role("button", name="2 to put right").click()
    page.get_by_role("list", name="To put right").get_by_role("button", name="Add to segment").click()
    expect(panel(page).get_by_role("heading", name="Add to segment")).to_be_focused()
    settle(page)
    axe(page)
    shot(page, "workflow-canvas", full_page=False)

    # Somebody else saves; mine is kept as another workflow.
    workflow = Workflow.objects.get()
    theirs = parse(workflow.draft | {"edges": []})
    save_draft(workflow, theirs, number=workflow.draft_number, now=timezone.now(), user=administrator)
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_role("alert")).to_contain_text("administrator saved this workflow meanwhile")
    axe(page, themes=["light"])
    page.get_by_role("button", name="Keep mine as a new workflow").click()
    expect(heading(page)).to_have_text("Desks (my version)")
    expect(page.locator("[data-edge]")).to_have_count(3)
    assert Workflow.objects.get(name="Desks").draft == theirs.as_json()


def test_drawing_by_the_keyboard_alone(
    page: Page, sign_in: Callable[[Page, User], None], mara: User, segments: list[Segment]
):
    sign_in(page, mara)
    workflow = create(name="VIP", now=timezone.now(), user=mara)
    page.goto(f"/workflows/{workflow.pk}/")
    page.keyboard.press("/")
    page.keyboard.type("is in")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name="Is in segment")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.type("add to seg")
    page.keyboard.press("Enter")
    expect(card(page, "Add to segment")).to_be_visible()
    saved(page)
    assert links() == {("start", "next", "is_in_segment"), ("is_in_segment", "yes", "add_to_segment")}

    press(page, "Tab", "Add to segmentChoose a segment.")
    for name in ("Add to segment", "Is in segment"):
        assert focused(page).startswith(name)
        page.keyboard.press("Enter")
        expect(panel(page).get_by_role("heading", name=name)).to_be_focused()
        press(page, "Tab", "Segment")
        page.keyboard.type("VIP")
        press(page, "Tab", "Update")
        page.keyboard.press("Enter")
        expect(card(page, f"{name} VIP customers")).to_be_visible()
        page.keyboard.press("Escape")
        expect(panel(page)).to_be_hidden()
        expect(card(page, name)).to_be_focused()
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="to put right")).to_be_hidden()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "Shift+Tab", "Save and activate")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Activate “VIP”?")
    press(page, "Tab", "Activate")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("“VIP” is active: version 1.")


def test_drawing_with_fingers(
    phone: Page,
    sign_in: Callable[[Page, User], None],
    shot: Callable[..., None],
    axe: Callable[..., None],
    mara: User,
    segments: list[Segment],
):
    sign_in(phone, mara)
    workflow = create(name="On the way", now=timezone.now(), user=mara)
    phone.goto(f"/workflows/{workflow.pk}/")
    for name in ("Is in segment", "Wait"):
        phone.get_by_role("button", name="Step", exact=True).tap()
        palette(phone).get_by_role("button", name=name).tap()
        expect(card(phone, name)).to_be_visible()
    saved(phone)
    assert links() == {("start", "next", "is_in_segment"), ("is_in_segment", "yes", "wait")}

    session = phone.context.new_cdp_session(phone)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]},
        )

    def zoom() -> float:
        return float(phone.locator("#world").evaluate("(world) => new DOMMatrix(world.style.transform).a"))

    phone.get_by_role("button", name="Show everything").tap()
    before = zoom()
    touch("touchStart", (150, 600), (240, 600))
    for spread in (20, 40, 60):
        touch("touchMove", (150 - spread, 600), (240 + spread, 600))
    touch("touchEnd")
    assert zoom() > before * 1.3
    phone.get_by_role("button", name="Show everything").tap()

    box = card(phone, "Wait").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    place = next(node for node in Workflow.objects.get().draft["nodes"] if node["type"] == "wait")
    touch("touchStart", (x, y))
    for far in (20, 50, 80):
        touch("touchMove", (x, y + far))
    touch("touchEnd")
    saved(phone)
    moved = next(node for node in Workflow.objects.get().draft["nodes"] if node["type"] == "wait")
    assert (moved["x"], moved["y"] > place["y"]) == (pytest.approx(place["x"], abs=8), True)

    card(phone, "Is in segment").tap()
    panel(phone).get_by_label("Segment", exact=True).select_option(label="VIP customers")
    panel(phone).get_by_role("button", name="Update").tap()
    expect(card(phone, "Is in segment VIP customers")).to_be_visible()
    settle(phone)
    axe(phone)
    shot(phone, "workflow-canvas", full_page=False)

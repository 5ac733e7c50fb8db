"""A visitor of the shop's site: what it does arrives, what workflows send appears, and who it is becomes known."""

from collections.abc import Callable

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact, Event
from crm.models import User
from tests.e2e.conftest import PHONE, SCREEN
from tests.e2e.conftest import keep_picture as picture
from tests.e2e.shop_site import KEY, eventually
from tests.workflows.flows import active, graph
from workflows.models import WebContent
from workflows.site.contents import Recipient, design_of, queue
from workflows.site.identity import sign


def done(*kinds: str) -> list[tuple[str, int]]:
    """The events of these types, with whose they are, in their order."""
    return list(Event.objects.filter(type__in=kinds).order_by("pk").values_list("type", "contact_id"))


def popup_for_desks() -> None:
    """Whoever looks at desks is shown a popup."""
    settings = {
        "name": "Desks",
        "kind": "popup",
        "slot": "",
        "title": "10 % off all desks",
        "html": "<p>This week only, with the code <b>OAK</b>.</p>",
        "button_text": "Show me",
        "button_url": "/sale",
        "days": 30,
    }
    nodes = {
        "visit": ("page_visit", {"starts_with": "/desks"}),
        "show": ("send_web_content", settings),
    }
    active("Desks", graph(nodes, "start > visit", "visit > show", start={"reentry": "always"}), now=timezone.now())


def test_a_visitor_of_the_shop(
    page: Page,
    new_page: Callable[..., Page],
    shop_url: str,
    axe: Callable[..., None],
    shot: Callable[..., None],
    sign_in: Callable[[Page, User], None],
    administrator: User,
):
    popup_for_desks()
    page.goto(f"{shop_url}/")
    eventually(lambda: len(done("page_visit")), 1)
    visitor = Contact.objects.get()
    assert visitor.is_anonymous
    properties = Event.objects.get().properties
    assert properties == {
        "url": f"{shop_url}/",
        "path": "/",
        "title": "Shop: /",
        "device": "desktop",
        "category": "Office",
    }

    # A page visit is answered on the same page.
    page.goto(f"{shop_url}/desks")
    dialog = page.get_by_role("dialog", name="10 % off all desks")
    expect(dialog).to_be_focused()
    expect(dialog).to_contain_text("This week only")
    axe(page)
    picture(page, "site-popup")
    for name in ("Show me", "Close", "Show me"):
        page.keyboard.press("Tab")
        expect(dialog.get_by_role("link" if name == "Show me" else "button", name=name)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    shown = [("content_shown", visitor.pk), ("content_closed", visitor.pk)]
    eventually(lambda: done("content_shown", "content_closed"), shown)

    # A page within a page; and what the site tells itself.
    page.evaluate("history.pushState({}, '', '/lamps')")
    page.evaluate("muster.track('cart_add', {product: 'Lamp', price: 19.9}, 19.9)")
    eventually(lambda: done("cart_add"), [("cart_add", visitor.pk)])
    eventually(lambda: Event.objects.filter(properties__path="/lamps", type="page_visit").count(), 1)

    # The visitor signs in, and is somebody known, for whom other contents wait.
    ana = Contact.objects.create(email="ana@example.org", first_name="Ana")
    now = timezone.now()
    for kind, title in (("banner", "Welcome back, have a look at our lamps"), ("inline", "Made for you")):
        design = design_of(
            {"kind": kind, "slot": "hero", "title": title, "html": "<p>Today.</p>"}, name=kind, source="", now=now
        )
        queue(design, [Recipient(kind, ana.pk)], now=now)
    token = sign({"email": "ana@example.org", "exp": int(now.timestamp()) + 60}, key=KEY)
    page.evaluate("token => muster.identify(token)", token)
    banner = page.get_by_role("region", name="Welcome back")
    expect(banner).to_be_visible()
    expect(page.locator("[data-muster-slot=hero]").get_by_role("region", name="Made for you")).to_be_visible()
    axe(page)
    picture(page, "site-banner")
    assert list(Contact.objects.values_list("pk", flat=True)) == [ana.pk]
    assert {contact for _type, contact in done("page_visit", "cart_add", "content_closed")} == {ana.pk}
    banner.get_by_role("button", name="Close").focus()
    page.keyboard.press("Escape")
    expect(banner).to_have_count(0)
    eventually(lambda: WebContent.objects.filter(key="banner", closed_at__isnull=False).count(), 1)
    page.goto(f"{shop_url}/other")
    expect(page.get_by_role("region", name="Made for you")).to_be_visible()
    expect(banner).to_have_count(0)

    # On a phone, where nothing is sent before the visitor consents.
    phone = new_page(**PHONE)
    phone.goto(f"{shop_url}/desks?consent")
    assert phone.evaluate("localStorage.length") == 0
    before = Event.objects.count()
    phone.evaluate("muster.consent()")
    expect(phone.get_by_role("dialog")).to_be_visible()
    picture(phone, "site-popup-phone")
    assert Event.objects.count() > before
    assert Contact.objects.count() == 2
    phone.get_by_role("dialog").get_by_role("link", name="Show me").click()
    phone.wait_for_url("**/sale")
    eventually(lambda: len(done("content_clicked")), 1)
    assert Event.objects.get(type="content_clicked").properties["url"] == f"{shop_url}/sale"

    # The page that says all this to administrators.
    settings_page = new_page(**SCREEN)
    sign_in(settings_page, administrator)
    settings_page.goto(reverse("settings"))
    settings_page.get_by_role("link", name="The shop’s site").click()
    expect(settings_page.get_by_text(shop_url)).to_be_visible()
    axe(settings_page)
    shot(settings_page, "site-settings")
    settings_page.set_viewport_size(PHONE["viewport"])
    assert settings_page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    shot(settings_page, "site-settings")

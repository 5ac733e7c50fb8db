"""What an email looks like: filled, escaped, with its links by way of us, and as plain text."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns import links
from campaigns.markup import plain_text
from campaigns.models import Content, Message
from campaigns.rendering import Rendered, Renderer
from contacts.fields import catalogue
from contacts.models import Contact, ContactField, Event

pytestmark = pytest.mark.django_db
Contents = Callable[..., Content]
SAFE = "https://shop.example/cart"
EVIL = """<script>alert(1)</script> **bold** [x](javascript:alert(1)) "quoted" & more"""


@pytest.fixture
def rendered(now: datetime, content: Contents, settings: Any) -> Callable[..., Rendered]:
    """Render a body, for a contact and an event with these values."""
    settings.PUBLIC_URL = "https://crm.example.org"

    def render(
        body: str,
        contact: dict[str, Any] | None = None,
        event: dict[str, Any] | None = None,
        values: dict[str, Any] | None = None,
        **more: Any,
    ) -> Rendered:
        person = Contact(pk=5, email="ada@example.com", created_at=now, **(contact or {}))
        happened = Event(contact=person, **({"type": "purchase", "occurred_at": now} | event)) if event else None
        letter = content(body=body, **more)
        message = Message(pk=9, key="k", content=letter, contact=person, values=values or {})
        return Renderer(letter, catalogue()).render(message, person, happened, now=now)

    return render


def test_it_is_filled_with_the_contact_the_event_and_the_values(
    now: datetime, rendered: Callable[..., Rendered]
) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    ContactField.objects.create(key="sizes", label="Sizes", type="choices", options=[])
    body = """
Dear {{ contact.first_name | default: "friend" }} ({{ contact.full_name }}, {{ contact.custom.tier }}):
{{ contact.custom.sizes }}, {{ contact.date_of_birth }}, {{ contact.date_of_birth | date: "%d.%m." }},
{{ contact.purchases_total }}, {{ contact.phone }}, {{ contact.custom.gone }}

{% if event.value > 10 %}Large: {{ event.value }}{% else %}Small{% endif %} {{ event.type }}
{% for item in event.properties.items %}{{ forloop.index }}={{ item.name }} {% endfor %}

{{ values.code | upcase }} {{ workflow.name }} {{ "now" | date: "%Y" }}
{% capture both %}{{ values.code }}-{{ contact.points }}{% endcapture %}{{ both | upcase }}
"""
    one = rendered(
        body,
        {
            "first_name": "Ada",
            "last_name": "Ríos",
            "date_of_birth": date(1990, 12, 5),
            "purchases_total": Decimal("12.5000"),
            "custom": {"tier": "gold", "sizes": ["M", "L"]},
            "points": 3,
        },
        {"value": Decimal("20.5000"), "properties": {"items": [{"name": "Desk"}, {"name": "Chair"}]}},
        {"code": "abc"},
    )
    assert [part.strip() for part in one.text.split("\n\n")[:3]] == [
        "Dear Ada (Ada Ríos, gold): M, L, 5 Dec 1990, 05.12., 12.50, ,",
        "Large: 20.5 purchase 1=Desk 2=Chair",
        "ABC Welcome 2026 ABC-3",
    ]


def test_nothing_is_there_without_values(rendered: Callable[..., Rendered]) -> None:
    body = "[{{ contact.first_name }}{{ event.properties.x.y }}{{ event.value }}{{ values.a }}"
    body += "{{ contact.newsletter_at | date: '%d' }}]"
    assert rendered(body).text.startswith("[]\n")


def test_a_value_becomes_neither_markup_nor_markdown_nor_a_header(rendered: Callable[..., Rendered]) -> None:
    body = """# {{ contact.first_name }}

{{ values.evil }} {{ values.evil | upcase }} {% capture c %}{{ values.evil }}{% endcapture %}{{ c }}
{% assign d = values.evil | append: "<b>*x*</b>" %}{{ d }}

<img src="{{ values.evil }}" alt="{{ values.evil }}" title='{{ values.evil }}'>
<p style="color:red; background:url({{ values.evil }})">x</p>
"""
    one = rendered(
        body, {"first_name": EVIL}, None, {"evil": EVIL}, subject="Hi {{ values.evil }}\n{{ contact.first_name }}"
    )
    content = one.html.partition("<h1>")[2].partition("</td>")[0]
    for sign in ("<script", "<SCRIPT", "<strong", "<em", "<b>", 'href="javascript', "url(", "alert(1)</"):
        assert sign not in content
    assert content.count("&lt;script&gt;") >= 5
    assert 'alt="&lt;script&gt;alert(1)&lt;/script&gt; **bold** [x](javascript:alert(1)) &quot;quoted&quot;' in content
    assert '<img src="#"' in content
    assert "\n" not in one.subject
    assert one.subject == f"Hi {EVIL} {EVIL}"
    assert EVIL in one.text


def test_a_link_can_look_like_a_button(rendered: Callable[..., Rendered]) -> None:
    one = rendered('[Look]({{ values.url }} "button"), [read](https://a.example "More")', None, None, {"url": SAFE})
    button, link = re.findall(r"<a .*?</a>", one.html.partition('role="main"')[2])[:2]
    assert "background-color:#4338ca" in button
    assert "title" not in button
    assert 'title="More"' in link
    assert "style" not in link
    assert one.text.startswith(f"Look ({SAFE}), read (https://a.example)")


@pytest.mark.parametrize(
    ("body", "kept", "gone"),
    [
        ("<script>alert(1)</script>Hello", "Hello", "alert"),
        ('<p onclick="x()">Hello</p>', "<p>Hello</p>", "onclick"),
        ('<a href="javascript:x()">Hello</a>', "Hello</a>", "javascript"),
        ("[Hello](javascript:x)", "Hello", 'href="javascript'),
        ('<iframe src="https://x.example"></iframe>Hello', "Hello", "iframe"),
        ('<p style="color:red;position:fixed">Hello</p>', '<p style="color:red">Hello</p>', "position"),
        ("<form><input>Hello</form>", "Hello", "<input"),
    ],
)
def test_html_is_sanitised(rendered: Callable[..., Rendered], body: str, kept: str, gone: str) -> None:
    html = rendered(body).html
    assert kept in html
    assert gone not in html


def test_links_lead_by_way_of_us_and_nowhere_that_a_value_chooses(rendered: Callable[..., Rendered]) -> None:
    body = """
[Sale](https://shop.example/sale?a=1&b=2) [Mail](mailto:a@b.example) [Here](#top) [None](shop)
[Product]({{ event.properties.url }}) [Other](https://shop.example/?q={{ contact.first_name | url_encode }})
[Leave]({{ unsubscribe_url }})
"""
    token = links.token_of(9)
    one = rendered(body, {"first_name": "Ann & Bob"}, {"properties": {"url": "https://shop.example/p?x=<1>"}})
    sale, product = "https://shop.example/sale?a=1&b=2", "https://shop.example/p?x=<1>"
    for url in (sale, product, "https://shop.example/?q=Ann+%26+Bob"):
        assert f'href="{links.click_url(token, url)}"' in one.html
        assert f"({url})" in one.text
    assert 'href="mailto:a@b.example"' in one.html
    assert 'href="#top"' in one.html
    assert 'href="#">None' in one.html
    assert f'<a href="{links.unsubscribe_url(token)}">Leave</a>' in one.html
    assert f'<img src="{links.open_url(token)}"' in one.html

    for wrong in ("javascript:alert(1)", "data:text/html,x", "//evil.example", " java\nscript:x", "http://[", ""):
        assert '<a href="#">Product</a>' in rendered(body, {}, {"properties": {"url": wrong}}).html


def test_a_newsletter_offers_to_unsubscribe_and_a_transactional_email_does_not(
    rendered: Callable[..., Rendered],
) -> None:
    newsletter, order = rendered("Hello"), rendered("Hello", kind="transactional")
    address = links.unsubscribe_url(links.token_of(9))
    assert address in newsletter.html
    assert address in newsletter.text
    assert address not in order.html + order.text
    assert links.view_url(links.token_of(9)) in order.html


def test_the_preheader_is_there_and_hidden(rendered: Callable[..., Rendered]) -> None:
    one = rendered(
        "Hello", {"first_name": "A<b"}, preheader="For {{ contact.first_name }}", sender_name="{{ workflow.name }}"
    )
    assert 'display:none;max-height:0;overflow:hidden;">For A&lt;b</div>' in one.html
    assert "display:none" not in rendered("Hello").html
    assert one.sender_name == "Welcome"


def test_plain_text_is_made_of_paragraphs_lists_tables_and_links() -> None:
    html = """<h1>Hello <b>you</b></h1><p>One
      line<br>another</p><ul><li>a</li><li>b<ol start="3"><li>c</li><li>d</li></ol></li></ul>
      <table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table><hr>
      <p><a href="https://x.example">Link</a> <a href="https://y.example">https://y.example</a>
      <a href="https://z.example"><img src="z" alt="Picture"></a></p><pre>a
  b</pre>"""
    assert plain_text(html) == "\n".join(
        [
            *("Hello you", "", "One line", "another", "", "- a", "- b", "  3. c", "  4. d", "", "1  2", "3  4", ""),
            *("-----", "", "Link (https://x.example) https://y.example Picture (https://z.example)", "", "a", "  b"),
        ]
    )

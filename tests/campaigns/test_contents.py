"""Writing an email: what may be named in it, and how what is wrong is told."""

from datetime import datetime

import pytest

from campaigns.contents import faults
from campaigns.forms import EmailForm
from contacts.models import ContactField

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "Welcome",
    "kind": "newsletter",
    "subject": "Hello {{ contact.first_name | default: 'you' }}",
    "preheader": "",
    "body": "{% if contact.custom.tier == 'gold' %}**Gold**{% endif %} {{ event.properties.anything.inside }}"
    " {% for item in event.properties.items %}{{ item.name }}{{ forloop.index }}{% endfor %}"
    " {% assign code = values.code %}{{ code | upcase }} {{ workflow.name }} {{ unsubscribe_url }} {{ view_url }}"
    " {% for item in cart %}{{ item.product }}{{ item.properties.url }}{% endfor %}{{ cart.size }} {{ cart_total }}"
    " {{ cart.first.product }} [yes]({{ confirm_url }} 'button')"
    " {{ event.occurred_at | date: '%d' }} {{ contact.full_name }} {{ contact.purchases_total }}"
    " [a](https://a.example) [b]({{ values.url }}) [c](mailto:a@b.example) [d](#top)",
    "sender_name": "",
    "reply_to": "",
}


@pytest.fixture(autouse=True)
def tier(db: None, now: datetime) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text", created_at=now)


def test_an_email_that_is_right_has_no_faults() -> None:
    assert faults(GOOD) == []
    form = EmailForm(GOOD)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == GOOD


@pytest.mark.parametrize(
    ("field", "source", "fault"),
    [
        ("subject", "", "An email needs a subject."),
        ("body", "  ", "An email needs a text."),
        ("subject", "{{ contact.firstname }}", "There is no “contact.firstname”."),
        ("preheader", "{{ customer.name }}", "There is no “customer.name”."),
        ("body", "{{ contact.custom.size }}", "There is no “contact.custom.size”."),
        ("body", "{{ event.amount }}", "There is no “event.amount”."),
        ("body", "{{ cart.total }}", "There is no “cart.total”."),
        ("body", "{% for item in basket %}{{ item.name }}{% endfor %}", "There is no “basket”."),
        ("body", "{% if contact.nick %}x{% endif %}", "There is no “contact.nick”."),
        ("sender_name", "{{ workflow.title }}", "There is no “workflow.title”."),
        ("body", "one\n{{ contact.first_name", "Line 2 cannot be read:"),
        ("body", "{% if contact.points %}", "cannot be read:"),
        ("body", "{{ contact.first_name | shout }}", "There is no filter “shout”."),
        ("body", "{% include 'secrets' %}", "cannot be read:"),
        ("body", "[Sale](shop.example)", "The link “shop.example” leads nowhere"),
        ("body", "{{ contact.first_name | safe }}", "There is no filter “safe”."),
    ],
)
def test_what_is_wrong_is_told_at_its_field(field: str, source: str, fault: str) -> None:
    found = faults(GOOD | {field: source})
    assert [(key, fault in text) for key, text in found] == [(field, True)], found


def test_the_form_keeps_what_was_typed_beside_the_fault() -> None:
    form = EmailForm(GOOD | {"body": "Dear {{ contact.nick }}"})

    assert not form.is_valid()
    assert form.errors == {"body": ["There is no “contact.nick”."]}
    assert "Dear {{ contact.nick }}" in str(form["body"])
    assert EmailForm(GOOD | {"subject": "", "body": ""}).errors == {
        "subject": ["This field is required."],
        "body": ["This field is required."],
    }

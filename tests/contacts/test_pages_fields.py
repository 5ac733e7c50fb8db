"""Settings > Contact fields, and the rules of declaring them."""

import re
from typing import Any

import pytest
from django.test import Client

from contacts.declaring import contacts_with_options, key_from, options_as_text, parse_options
from contacts.models import Contact, ContactField
from crm.models import User
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db
URL = "/contacts/fields/"
SIZES = [{"value": "s", "label": "Small"}, {"value": "m", "label": "Medium"}, {"value": "xl", "label": "xl"}]


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Shoe size", "shoe_size"),
        ("  Größe (EU) – neu ", "groe_eu_neu"),
        ("3rd visit", "field_3rd_visit"),
        ("日本", ""),
        ("x" * 80, "x" * 63),
        ("a" * 62 + " b", "a" * 62),
        ("--", ""),
    ],
)
def test_keys_are_made_from_labels(label: str, key: str) -> None:
    assert key_from(label) == key


def test_options_are_lines() -> None:
    assert parse_options("s|Small\n\n m | Medium \nxl\n") == SIZES
    assert options_as_text(SIZES) == "s|Small\nm|Medium\nxl"
    assert parse_options(options_as_text(SIZES)) == SIZES
    for wrong in ("|Small", "s\ns|Small"):
        with pytest.raises(ValueError, match=re.escape(wrong.splitlines()[-1])):
            parse_options(wrong)


@pytest.mark.parametrize(
    ("kind", "values", "counts"),
    [
        ("choice", ["s", "s", "m", None, ["xl"]], {"s": 2, "m": 1}),
        ("choices", [["s", "m"], ["s"], "s", None, []], {"s": 2, "m": 1}),
    ],
)
def test_contacts_are_counted_by_option(kind: str, values: list[Any], counts: dict[str, int]) -> None:
    field = ContactField.objects.create(key="size", label="Size", type=kind, options=SIZES)
    Contact.objects.bulk_create(Contact(custom={} if value is None else {"size": value}) for value in values)
    assert contacts_with_options(field, ["s", "m", "xl"]) == counts
    assert contacts_with_options(field, []) == {}


def test_the_list_of_fields(administrator_client: Client) -> None:
    assert b"No custom fields yet" in administrator_client.get(URL).content
    ContactField.objects.create(key="size", label="Size", type="choice", options=SIZES, help_text="<b>EU</b>")
    ContactField.objects.create(key="old", label="Old", type="text", archived=True)
    html = administrator_client.get(URL).content.decode()
    assert re.findall(r"<code>(custom\..*?)</code>", html) == ["custom.size", "custom.old"]
    assert "3 options" in html
    assert "&lt;b&gt;EU&lt;/b&gt;" in html
    assert "<code>purchases_total</code>" in html


def test_create_a_field(administrator_client: Client) -> None:
    response = administrator_client.post(f"{URL}new/", {"label": "Shoe size", "type": "decimal", "key": ""})
    assert (response.status_code, response["Location"]) == (303, URL)
    field = ContactField.objects.get()
    assert (field.key, field.label, field.type, field.options) == ("shoe_size", "Shoe size", "decimal", [])
    values = {
        "label": "Size",
        "type": "choices",
        "key": "sz",
        "options_text": "s|Small\nm|Medium\nxl",
        "help_text": "h",
    }
    administrator_client.post(f"{URL}new/", values)
    field = ContactField.objects.get(key="sz")
    assert (field.options, field.help_text) == (SIZES, "h")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"label": "", "type": "text"}, "This field is required."),
        ({"label": "Size", "type": ""}, "This field is required."),
        ({"label": "Size", "type": "text", "key": "tier"}, "There is a field with this key."),
        ({"label": "Tier", "type": "text"}, "There is a field with this key."),
        ({"label": "Size", "type": "text", "key": "Größe"}, "Use a-z, 0-9 and _, starting with a letter."),
        ({"label": "日本", "type": "text"}, "Enter a key: this label has no letters from a to z to make one of."),
        ({"label": "Size", "type": "choice"}, "Enter at least one option."),
        ({"label": "Size", "type": "choice", "options_text": "s\ns|Small"}, "look at “s|Small”."),
    ],
)
def test_errors_keep_what_was_typed(administrator_client: Client, values: dict[str, str], text: str) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    response = administrator_client.post(f"{URL}new/", {**values, "help_text": "typed"})
    assert response.status_code == 422
    assert text in response.content.decode()
    assert "typed" in response.content.decode()
    assert ContactField.objects.count() == 1


def test_key_and_type_are_chosen_once(administrator_client: Client) -> None:
    field = ContactField.objects.create(key="tier", label="Tier", type="text")
    url = f"{URL}{field.pk}/"
    html = administrator_client.get(url).content.decode()
    assert re.search(r'<select name="type"[^>]* disabled', html)
    assert re.search(r'<input type="text" name="key"[^>]* disabled', html)
    assert "options_text" not in html
    values = {"label": "Level", "type": "integer", "key": "level", "options_text": "a", "help_text": "New"}
    assert administrator_client.post(url, values).status_code == 303
    field.refresh_from_db()
    assert (field.label, field.key, field.type, field.options, field.help_text) == ("Level", "tier", "text", [], "New")


def test_an_option_that_contacts_have_does_not_vanish_silently(administrator_client: Client) -> None:
    field = ContactField.objects.create(key="size", label="Size", type="choice", options=SIZES)
    Contact.objects.bulk_create(Contact(custom={"size": value}) for value in ("m", "m"))
    url = f"{URL}{field.pk}/"
    values = {"label": "Size", "options_text": "s|Small"}
    response = administrator_client.post(url, values)
    html = response.content.decode()
    assert response.status_code == 422
    assert "2 contacts have the option “Medium” that you removed." in html
    assert "“xl”" not in html
    assert 'name="remove_used"' in html
    field.refresh_from_db()
    assert field.options == SIZES
    assert administrator_client.post(url, {"label": "Size", "options_text": "s|Small\nm|Middle"}).status_code == 303
    assert administrator_client.post(url, {**values, "remove_used": "on"}).status_code == 303
    field.refresh_from_db()
    assert field.options == SIZES[:1]
    assert Contact.objects.filter(custom={"size": "m"}).count() == 2


def test_archive_and_restore(administrator_client: Client) -> None:
    field = ContactField.objects.create(key="tier", label="Tier", type="text")
    url = f"{URL}{field.pk}/archive/"
    response = administrator_client.post(url)
    assert (response.status_code, response["Location"]) == (303, URL)
    assert "The field “Tier” was archived." in administrator_client.get(URL).content.decode()
    assert ContactField.objects.get().archived
    assert b"Tier" not in administrator_client.get("/contacts/new/").content
    administrator_client.post(url, {"restore": "1"})
    assert not ContactField.objects.get().archived
    assert administrator_client.get(url).status_code == 405


def test_only_administrators(viewer: User, marketer: User) -> None:
    field = ContactField.objects.create(key="tier", label="Tier", type="text")
    for page in (URL, f"{URL}new/", f"{URL}{field.pk}/"):
        assert Client().get(page).status_code == 302
        for user in (viewer, marketer):
            assert logged_in(user).get(page).status_code == 403
    assert logged_in(marketer).post(f"{URL}{field.pk}/archive/").status_code == 403
    assert logged_in(marketer).post(f"{URL}new/", {"label": "x", "type": "text"}).status_code == 403
    assert list(ContactField.objects.values_list("key", "archived")) == [("tier", False)]


def test_queries_do_not_grow(administrator_client: Client, django_assert_num_queries: Any) -> None:
    for more in range(2):
        ContactField.objects.create(key=f"field_{more}", label="Field", type="text")
        # Session, user, permissions, and the fields.
        with django_assert_num_queries(5):
            administrator_client.get(URL)

"""The administrators' pages of contacts, their fields, lists and events, and of the change log."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.forms import BoundField, MultipleChoiceField
from django.test import Client
from django.urls import reverse

from contacts import admin as contacts_admin
from contacts import events, lists
from contacts.editing import create_contact
from contacts.events import NewEvent
from contacts.fields import catalogue
from contacts.models import Change, Contact, ContactField, ContactList, Event, ListMembership
from crm.models import User
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db

CONTACTS = "admin:contacts_contact_changelist"


@pytest.fixture
def custom_fields() -> None:
    options = [{"value": "g", "label": "Gold"}, {"value": "s", "label": "Silver"}]
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=options)
    ContactField.objects.create(key="likes", label="Likes", type="choices", options=options)
    ContactField.objects.create(key="size", label="Size", type="decimal")
    ContactField.objects.create(key="vip", label="VIP", type="boolean")
    ContactField.objects.create(key="met_at", label="Met at", type="datetime")
    ContactField.objects.create(key="met_on", label="Met on", type="date")
    ContactField.objects.create(key="notes", label="Notes", type="long_text")
    ContactField.objects.create(key="old", label="Old", type="text", archived=True)


@pytest.fixture
def viewing(viewer: User) -> Client:
    """Somebody whom the administrators' site lets in to look only."""
    viewer.is_staff = True
    viewer.save()
    return logged_in(viewer)


def listed(client: Client, name: str, **query: Any) -> list[Any]:
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def emails(client: Client, **query: Any) -> set[str]:
    return {contact.email for contact in listed(client, CONTACTS, **query)}


def values_on(page: Any) -> dict[str, Any]:
    """What a browser would post from the page as it came."""
    form = page.context["adminform"].form
    values = {field.html_name: _typed(field) for field in form}
    for formset in page.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        values |= {field.html_name: field.value() for field in management}
        values |= {f.html_name: f.value() for row in formset.formset.initial_forms for f in row if f.is_hidden}
    return values


def _typed(field: BoundField) -> str | list[str]:
    value = field.value()
    if isinstance(field.field, MultipleChoiceField):
        return value or []
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


# Tables


def make_contact(number: int, now: datetime) -> Contact:
    return Contact.objects.create(first_name=f"Ada {number}", email=f"ada-{number}@example.com")


def make_membership(number: int, now: datetime) -> None:
    contact_list = ContactList.objects.create(name=f"List {number}")
    ListMembership.objects.create(contact=make_contact(number, now), list=contact_list, subscribed_at=now)


def make_event(number: int, now: datetime) -> None:
    contact = make_contact(number, now)
    Event.objects.create(contact=contact, type="purchase", occurred_at=now, received_at=now, value=number)


# Two queries are the session and its user, and two the count and the rows.
LISTS: dict[str, tuple[Callable[[int, datetime], Any], int]] = {
    "contact": (make_contact, 5),  # the lists to filter by
    "contactfield": (lambda number, now: ContactField.objects.create(key=f"f{number}", label="F", type="text"), 4),
    "contactlist": (lambda number, now: ContactList.objects.create(name=f"List {number}"), 4),
    "listmembership": (make_membership, 4),
    "event": (make_event, 4),
    "change": (lambda number, now: Change.objects.create(contact_id=number, key="field:country"), 4),
}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_any_number_of_rows(superuser_client, django_assert_num_queries, now, name, rows):
    make, queries = LISTS[name]
    for number in range(rows):
        make(number, now)
    with django_assert_num_queries(queries):
        response = superuser_client.get(reverse(f"admin:contacts_{name}_changelist"))
    assert response.context["cl"].result_count >= rows


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_of_a_contact_costs_the_same_for_any_number_of_lists(
    superuser_client, django_assert_num_queries, custom_fields, now, rows
):
    contact = make_contact(0, now)
    for number in range(rows):
        contact_list = ContactList.objects.create(name=f"List {number}")
        ListMembership.objects.create(contact=contact, list=contact_list, subscribed_at=now)
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    superuser_client.get(url)  # Django remembers the content type of a model
    with django_assert_num_queries(5):
        assert f"List {rows - 1}" in superuser_client.get(url).content.decode()


def test_search_reads_the_folded_column(superuser_client):
    for name in ("Ångström", "Angus"):
        Contact.objects.create(first_name="Ada", last_name=name, email=f"{name[2:]}@example.com".lower())
    assert emails(superuser_client, q="ÅNGSTR ada") == {"gström@example.com"}
    assert emails(superuser_client, q="EXAMPLE.com") == {"gström@example.com", "gus@example.com"}
    assert emails(superuser_client, q="nobody") == set()


def test_filter_contacts(superuser_client, now):
    news = ContactList.objects.create(name="News")
    for name, values in {
        "spain": {"country": "ES", "newsletter": "subscribed", "created_at": now},
        "france": {"country": "FR", "email_status": "bounced", "created_at": now - timedelta(days=9)},
    }.items():
        Contact.objects.create(email=f"{name}@example.com", **values)
    lists.subscribe(news, Contact.objects.filter(country="FR"), now=now)
    assert emails(superuser_client, country="ES") == {"spain@example.com"}
    assert emails(superuser_client, newsletter__exact="subscribed") == {"spain@example.com"}
    assert emails(superuser_client, email_status__exact="bounced") == {"france@example.com"}
    assert emails(superuser_client, created_at_to="2026-03-09") == {"france@example.com"}
    assert emails(superuser_client, list=news.pk) == {"france@example.com"}
    assert superuser_client.get(reverse(CONTACTS), {"list": "nonsense"})["Location"].endswith("?e=1")


@pytest.mark.parametrize("many", [0, 10_000])
def test_filter_contacts_by_long_and_short_lists(superuser_client, now, monkeypatch, many):
    monkeypatch.setattr(contacts_admin, "MANY", many)
    news, other = (ContactList.objects.create(name=name) for name in ("News", "Other"))
    for name in ("in", "out", "elsewhere"):
        Contact.objects.create(email=f"{name}@example.com")
    lists.subscribe(news, Contact.objects.filter(email__in=["in@example.com", "out@example.com"]), now=now)
    lists.unsubscribe(news, Contact.objects.filter(email="out@example.com"), now=now)
    lists.subscribe(other, Contact.objects.filter(email="elsewhere@example.com"), now=now)
    assert emails(superuser_client, list=news.pk) == {"in@example.com"}


def test_the_select_of_contacts_searches_as_the_list_does(superuser_client):
    found = Contact.objects.create(first_name="Zoë", last_name="Ångström")
    Contact.objects.create(first_name="Zoë", last_name="Other")
    query = {"app_label": "contacts", "model_name": "listmembership", "field_name": "contact", "term": "ZOË ångst"}
    results = superuser_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert results == [{"id": str(found.pk), "text": "Zoë Ångström"}]


# One contact


def test_the_form_has_every_field_that_can_be_edited(superuser_client, custom_fields):
    form = superuser_client.get(reverse("admin:contacts_contact_add")).context["adminform"]
    shown = {name for _title, options in form.fieldsets for name in options["fields"]}
    assert shown == {field.form_name for field in catalogue().editable()}
    assert "custom_old" not in shown


def test_add_a_contact(superuser_client, custom_fields):
    url = reverse("admin:contacts_contact_add")
    values = values_on(superuser_client.get(url)) | {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "phone": "+34 612 345 678",
        "country": "GB",
        "newsletter": "subscribed",
        "points": "",
        "custom_tier": "g",
        "custom_likes": ["s", "g"],
        "custom_size": "42.50",
        "custom_vip": "false",
        "custom_met_at": "2026-01-01T12:00:30",
        "custom_met_on": "2026-01-02",
    }
    response = superuser_client.post(url, values)
    assert response.status_code == 302, errors_of(response)
    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.phone) == ("ada@example.com", "Ada", "+34612345678")
    assert (contact.country, contact.newsletter, contact.points) == ("GB", "subscribed", 0)
    assert contact.newsletter_at is not None
    assert contact.external_id is None
    assert contact.custom == {
        "tier": "g",
        "likes": ["s", "g"],
        "size": 42.5,
        "vip": False,
        "met_at": "2026-01-01T12:00:30.000000Z",
        "met_on": "2026-01-02",
    }


def test_any_number_of_contacts_has_no_email(superuser_client):
    url = reverse("admin:contacts_contact_add")
    for name in ("Ada", "Bob"):
        response = superuser_client.post(url, values_on(superuser_client.get(url)) | {"first_name": name})
        assert response.status_code == 302, errors_of(response)
    assert set(Contact.objects.values_list("email", "external_id")) == {(None, None)}
    assert Contact.objects.count() == 2


def test_saving_a_contact_as_it_is_changes_nothing(superuser_client, custom_fields, now):
    values = {
        "email": "ada@example.com",
        "newsletter": "subscribed",
        "newsletter_at": datetime(2026, 1, 1, 12, 30, 45, 678, tzinfo=UTC),
        "date_of_birth": date(1990, 2, 3),
        "custom.met_at": datetime(2026, 2, 2, 8, 5, 59, tzinfo=UTC),
        "custom.vip": True,
        "custom.tier": "g",
        "custom.likes": ["g"],
    }
    contact = create_contact(values, now=now)
    before = Contact.objects.values().get()
    Change.objects.all().delete()
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    response = superuser_client.post(url, values_on(superuser_client.get(url)))
    assert response.status_code == 302, errors_of(response)
    assert Contact.objects.values().get() == before
    assert not Change.objects.exists()


def test_change_a_contact(superuser_client, custom_fields, now):
    contact = create_contact({"email": "ada@example.com", "custom.tier": "g", "custom.size": 3}, now=now)
    Contact.objects.filter(pk=contact.pk).update(custom={"tier": "g", "size": 3, "old": "kept"})
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    superuser_client.post(url, values_on(superuser_client.get(url)) | {"city": "Bath", "custom_tier": ""})
    contact.refresh_from_db()
    assert (contact.city, contact.email) == ("Bath", "ada@example.com")
    assert contact.custom == {"size": 3, "old": "kept"}
    assert contact.updated_at > now


def test_an_error_stands_at_its_field_and_what_was_typed_stays(superuser_client, custom_fields, now):
    create_contact({"email": "taken@example.com", "external_id": "7"}, now=now)
    contact = create_contact({"email": "ada@example.com"}, now=now)
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    wrong = {"email": "TAKEN@example.com", "external_id": "7", "phone": "12", "custom_size": "many"}
    response = superuser_client.post(url, values_on(superuser_client.get(url)) | wrong)
    assert errors_of(response) == {
        "email": ["Contact with this Email already exists."],
        "external_id": ["Contact with this External id already exists."],
        "phone": ["Enter a valid phone number with its country code, such as +34 612 345 678."],
        "custom_size": ["Enter a number."],
    }
    form = response.context["adminform"].form
    assert {name: form[name].value() for name in wrong} == wrong
    contact.refresh_from_db()
    assert contact.email == "ada@example.com"


def test_a_choice_that_is_no_longer_offered_stays(superuser_client, custom_fields, now):
    contact = create_contact({"custom.tier": "s", "custom.likes": ["g", "s"]}, now=now)
    ContactField.objects.update(options=[{"value": "g", "label": "Gold"}])
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    response = superuser_client.post(url, values_on(superuser_client.get(url)) | {"city": "Bath"})
    assert response.status_code == 302, errors_of(response)
    contact.refresh_from_db()
    assert contact.custom == {"tier": "s", "likes": ["g", "s"]}


def test_who_only_looks_reads_the_custom_fields_as_they_are_stored(viewing, custom_fields, now):
    contact = create_contact({"email": "ada@example.com", "custom.tier": "g"}, now=now)
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    page = viewing.get(url)
    assert page.status_code == 200
    assert "tier" in page.content.decode()
    assert viewing.post(url, {"email": "mine@example.com"}).status_code == 403


def test_the_way_to_the_profile_and_to_the_events(superuser_client, now):
    contact = make_contact(1, now)
    page = superuser_client.get(reverse("admin:contacts_contact_change", args=[contact.pk])).content.decode()
    assert reverse("contacts:profile", args=[contact.pk]) in page
    response = superuser_client.get(reverse("admin:contacts_contact_show_events", args=[contact.pk]))
    assert response["Location"] == f"/admin/contacts/event/?contact__id__exact={contact.pk}"


def test_subscribe_on_the_page_of_a_contact(superuser_client, now):
    contact, news = make_contact(1, now), ContactList.objects.create(name="News")
    Change.objects.all().delete()
    url = reverse("admin:contacts_contact_change", args=[contact.pk])
    row = {"list": str(news.pk), "subscribed_at_0": "2026-02-01", "subscribed_at_1": "10:00:00", "id": ""}
    values = values_on(superuser_client.get(url)) | {"list_memberships-TOTAL_FORMS": "1"}
    values |= {f"list_memberships-0-{name}": value for name, value in row.items()}
    values |= {"list_memberships-0-contact": str(contact.pk)}
    response = superuser_client.post(url, values)
    assert response.status_code == 302, errors_of(response)
    subscription = ListMembership.objects.get()
    assert (subscription.contact, subscription.list) == (contact, news)
    assert subscription.subscribed_at == datetime(2026, 2, 1, 10, 0, tzinfo=UTC)
    assert [change.key for change in Change.objects.all()] == [f"list:{news.pk}"]


# Deleting


def with_history(now: datetime) -> Contact:
    contact = Contact.objects.create(email="gone@example.com")
    lists.subscribe(ContactList.objects.create(name="News"), Contact.objects.filter(pk=contact.pk), now=now)
    events.record(
        [NewEvent("purchase", now, contact_id=contact.pk), NewEvent("visit", now, contact_id=contact.pk)], now=now
    )
    return contact


def test_deleting_a_contact_says_how_much_goes_with_it(superuser_client, now):
    contact = with_history(now)
    stays = create_contact({"email": "stays@example.com"}, now=now)
    url = reverse("admin:contacts_contact_delete", args=[contact.pk])
    page = superuser_client.get(url)
    assert dict(page.context["model_count"]) == {"contacts": 1, "events": 2, "list memberships": 1}
    superuser_client.post(url, {"post": "yes"})
    assert list(Contact.objects.all()) == [stays]
    assert not Event.objects.exists()
    assert not ListMembership.objects.exists()


def test_delete_selected_contacts(superuser_client, now):
    gone = [with_history(now).pk, create_contact({"email": "too@example.com"}, now=now).pk]
    stays = create_contact({"email": "stays@example.com"}, now=now)
    selected = {"action": "delete_selected", "_selected_action": gone}
    page = superuser_client.post(reverse(CONTACTS), selected)
    assert dict(page.context["model_count"]) == {"contacts": 2, "events": 2, "list memberships": 1}
    superuser_client.post(reverse(CONTACTS), selected | {"post": "yes"})
    assert list(Contact.objects.all()) == [stays]
    assert not Event.objects.exists()


def test_who_may_not_delete_is_not_offered_it(viewing, now):
    contact = make_contact(1, now)
    selected = {"action": "delete_selected", "_selected_action": [contact.pk], "post": "yes"}
    viewing.post(reverse(CONTACTS), selected)
    assert viewing.post(reverse("admin:contacts_contact_delete", args=[contact.pk]), {"post": "yes"}).status_code == 403
    assert (
        viewing.post(
            reverse("admin:contacts_contact_anonymise", args=[contact.pk]), {"_form_submitted": "on"}
        ).status_code
        == 403
    )
    assert Contact.objects.filter(email=contact.email).exists()


def test_make_a_contact_anonymous(superuser_client, now):
    contact = with_history(now)
    url = reverse("admin:contacts_contact_anonymise", args=[contact.pk])
    dialog = superuser_client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "will be removed for good" in dialog
    contact.refresh_from_db()
    assert not contact.is_anonymous
    response = superuser_client.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == reverse("admin:contacts_contact_change", args=[contact.pk])
    contact.refresh_from_db()
    assert contact.is_anonymous


def test_a_contact_that_is_gone_cannot_be_made_anonymous(superuser_client):
    url = reverse("admin:contacts_contact_anonymise", args=[99])
    response = superuser_client.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == reverse(CONTACTS)


# Fields


def test_declare_a_field(superuser_client):
    url = reverse("admin:contacts_contactfield_add")
    values = {"label": "Shoe size", "type": "choice", "key": "", "options_text": "s|Small\nm|Medium", "help_text": ""}
    response = superuser_client.post(url, values)
    assert response.status_code == 302, errors_of(response)
    field = ContactField.objects.get()
    assert (field.key, field.type) == ("shoe_size", "choice")
    assert field.choices == [("s", "Small"), ("m", "Medium")]
    response = superuser_client.post(url, values | {"options_text": ""})
    assert set(errors_of(response)) == {"key", "options_text"}


def test_key_and_type_of_a_field_stay_and_used_options_too(superuser_client, custom_fields, now):
    create_contact({"custom.tier": "s"}, now=now)
    tier = ContactField.objects.get(key="tier")
    url = reverse("admin:contacts_contactfield_change", args=[tier.pk])
    values = {"label": "Level", "key": "level", "type": "text", "options_text": "g|Gold", "help_text": ""}
    assert set(errors_of(superuser_client.post(url, values))) == {"options_text"}
    response = superuser_client.post(url, values | {"remove_used": "on"})
    assert response.status_code == 302, errors_of(response)
    tier.refresh_from_db()
    assert (tier.label, tier.key, tier.type, tier.choices) == ("Level", "tier", "choice", [("g", "Gold")])


def test_a_field_without_options_is_edited_without_them(superuser_client, custom_fields):
    size = ContactField.objects.get(key="size")
    url = reverse("admin:contacts_contactfield_change", args=[size.pk])
    assert superuser_client.get(url).status_code == 200
    superuser_client.post(url, {"label": "Width", "help_text": "In cm", "archived": "on"})
    size.refresh_from_db()
    assert (size.label, size.help_text, size.archived) == ("Width", "In cm", True)


def test_archive_fields_and_bring_them_back(superuser_client, custom_fields):
    selected = list(ContactField.objects.filter(key__in=["tier", "old"]).values_list("pk", flat=True))
    url = reverse("admin:contacts_contactfield_changelist")
    response = superuser_client.post(url, {"action": "archive", "_selected_action": selected}, follow=True)
    assert [str(message) for message in response.context["messages"]] == ["1 field was changed."]
    assert set(ContactField.objects.filter(archived=True).values_list("key", flat=True)) == {"tier", "old"}
    superuser_client.post(url, {"action": "unarchive", "_selected_action": selected})
    assert not ContactField.objects.filter(archived=True).exists()
    assert superuser_client.get(reverse("admin:contacts_contactfield_delete", args=selected[:1])).status_code == 403


# Lists


def test_edit_and_delete_a_list(superuser_client, now):
    with_history(now)
    news = ContactList.objects.get()
    url = reverse("admin:contacts_contactlist_change", args=[news.pk])
    page = superuser_client.get(url)
    assert f"{reverse('contacts:list')}?list={news.pk}" in page.content.decode()
    superuser_client.post(url, {"name": "Letters", "description": "Weekly"})
    assert ContactList.objects.get().name == "Letters"
    Change.objects.all().delete()
    superuser_client.post(reverse("admin:contacts_contactlist_delete", args=[news.pk]), {"post": "yes"})
    assert not ContactList.objects.exists()
    assert [change.key for change in Change.objects.all()] == [f"list:{news.pk}"]
    assert Contact.objects.count() == 1


def test_delete_selected_lists(superuser_client, now):
    for number in range(3):
        make_membership(number, now)
    gone = list(ContactList.objects.order_by("name").values_list("pk", flat=True)[:2])
    selected = {"action": "delete_selected", "_selected_action": gone, "post": "yes"}
    superuser_client.post(reverse("admin:contacts_contactlist_changelist"), selected)
    assert [contact_list.name for contact_list in ContactList.objects.all()] == ["List 2"]
    assert ListMembership.objects.count() == 1


def test_write_a_subscription(superuser_client, now):
    contact, news = make_contact(1, now), ContactList.objects.create(name="News")
    Change.objects.all().delete()
    url = reverse("admin:contacts_listmembership_add")
    assert superuser_client.get(url).context["adminform"].form["subscribed_at"].value() is not None
    values = {"contact": contact.pk, "list": news.pk, "subscribed_at_0": "2026-02-01", "subscribed_at_1": "10:00:00"}
    response = superuser_client.post(url, values)
    assert response.status_code == 302, errors_of(response)
    subscription = ListMembership.objects.get()
    assert subscription.unsubscribed_at is None
    again = superuser_client.post(url, values)
    assert errors_of(again) == {"__all__": ["List membership with this List and Contact already exists."]}
    ended = {"unsubscribed_at_0": "2026-02-02", "unsubscribed_at_1": "10:00:00"}
    superuser_client.post(reverse("admin:contacts_listmembership_change", args=[subscription.pk]), values | ended)
    subscription.refresh_from_db()
    assert subscription.unsubscribed_at == datetime(2026, 2, 2, 10, 0, tzinfo=UTC)
    superuser_client.post(reverse("admin:contacts_listmembership_delete", args=[subscription.pk]), {"post": "yes"})
    assert not ListMembership.objects.exists()
    assert {change.key for change in Change.objects.all()} == {f"list:{news.pk}"}


def test_delete_selected_subscriptions(superuser_client, now):
    for number in range(3):
        make_membership(number, now)
    gone = list(ListMembership.objects.order_by("pk").values_list("pk", flat=True)[:2])
    selected = {"action": "delete_selected", "_selected_action": gone, "post": "yes"}
    superuser_client.post(reverse("admin:contacts_listmembership_changelist"), selected)
    assert ListMembership.objects.count() == 1


def test_filter_and_search_subscriptions(superuser_client, now):
    news, other = (ContactList.objects.create(name=name) for name in ("News", "Other"))
    ada, bob = make_contact(1, now), Contact.objects.create(email="bob@example.com")
    lists.subscribe(news, Contact.objects.all(), now=now)
    lists.subscribe(other, Contact.objects.filter(pk=ada.pk), now=now)
    lists.unsubscribe(news, Contact.objects.filter(pk=bob.pk), now=now)

    def found(**query: Any) -> set[tuple[int, int]]:
        rows = listed(superuser_client, "admin:contacts_listmembership_changelist", **query)
        return {(row.list_id, row.contact_id) for row in rows}

    assert found(list__id__exact=news.pk) == {(news.pk, ada.pk), (news.pk, bob.pk)}
    assert found(contact__id__exact=ada.pk) == {(news.pk, ada.pk), (other.pk, ada.pk)}
    assert found(state="unsubscribed") == {(news.pk, bob.pk)}
    assert found(state="subscribed", q="ADA") == {(news.pk, ada.pk), (other.pk, ada.pk)}


# What is only read


@pytest.mark.parametrize("name", ["event", "change"])
def test_records_are_only_read(superuser_client, now, name):
    make_event(1, now)
    record = (Event if name == "event" else Change).objects.order_by("pk")[0]
    assert superuser_client.get(reverse(f"admin:contacts_{name}_add")).status_code == 403
    change = reverse(f"admin:contacts_{name}_change", args=[record.pk])
    assert superuser_client.get(change).status_code == 200
    assert superuser_client.post(change, {"key": "mine"}).status_code == 403
    assert superuser_client.post(reverse(f"admin:contacts_{name}_delete", args=[record.pk])).status_code == 403


def test_find_events(superuser_client, now):
    ada, bob = make_contact(1, now), make_contact(2, now)

    def event(contact: Contact, type: str, hours: int, key: str) -> None:
        at = now - timedelta(hours=hours)
        Event.objects.create(contact=contact, type=type, occurred_at=at, received_at=now, key=key)

    event(ada, "purchase", 30, "a")
    event(ada, "visit", 1, "b")
    event(bob, "purchase", 20, "c")
    event(bob, "purchase", 40, "d")

    def found(**query: Any) -> list[str]:
        return [row.key for row in listed(superuser_client, "admin:contacts_event_changelist", **query)]

    assert found() == ["d", "c", "b", "a"]
    assert found(type="purchase") == ["c", "a", "d"]
    assert found(contact__id__exact=ada.pk) == ["b", "a"]
    assert found(q="c") == ["c"]
    assert found(occurred_at_from="2026-03-10") == ["b"]


def test_find_changes(superuser_client):
    for contact_id, key in ((1, "field:country"), (2, "event:purchase")):
        Change.objects.create(contact_id=contact_id, key=key)
    found = listed(superuser_client, "admin:contacts_change_changelist", q="event:")
    assert [change.contact_id for change in found] == [2]

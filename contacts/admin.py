"""The administrators' pages of contacts, their fields, lists and events, and of the change log."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.db.models import Field as Column
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_htmx.http import HttpResponseClientRedirect
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from contacts import (
    admin_exports,  # noqa: F401  # registers itself
    admin_imports,  # noqa: F401  # registers itself
    admin_records,  # noqa: F401  # registers itself
    changes,
    deletion,
    editing,
    lists,
    places,
)
from contacts.admin_form import ContactForm, ThemedFieldForm, contact_form
from contacts.admin_resources import ContactFieldResource, ContactResource
from contacts.admin_tables import TablesAdmin
from contacts.declaring import WITH_OPTIONS
from contacts.fields import SYSTEM_FIELDS, Catalogue, catalogue
from contacts.list_filters import MANY
from contacts.models import Contact, ContactField, ContactList, ListMembership
from contacts.uses import uses_of_list
from crm.model_admin import DaysFilter, TableAdmin

NEWSLETTER_LABELS = {
    Contact.Newsletter.SUBSCRIBED: "success",
    Contact.Newsletter.PENDING: "warning",
    Contact.Newsletter.UNSUBSCRIBED: "danger",
}
EMAIL_LABELS = {
    Contact.EmailStatus.OK: "success",
    Contact.EmailStatus.SOFT_BOUNCE: "warning",
    Contact.EmailStatus.BOUNCED: "danger",
    Contact.EmailStatus.COMPLAINED: "danger",
}
ADDRESS = ("country", "region", "city", "postal_code", "time_zone")
NEWSLETTER = ("newsletter", "newsletter_at", "email_status", "points")


# Contacts


class CountryFilter(DropdownFilter):
    title = gettext_lazy("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return places.countries()

    def queryset(self, request: HttpRequest, contacts: QuerySet[Contact]) -> QuerySet[Contact]:
        return contacts.filter(country=self.value()) if self.value() else contacts


class OnListFilter(DropdownFilter):
    """The contacts that are subscribed to a list."""

    title = gettext_lazy("list")
    parameter_name = "list"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in ContactList.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, contacts: Any) -> Any:
        chosen = self.value()
        if not chosen:
            return contacts
        if not chosen.isdecimal():
            raise IncorrectLookupParameters
        subscribed = ListMembership.objects.current().filter(list_id=int(chosen))
        # SQLite does as it is told: look each contact up in a long list, but those of a short one among the contacts.
        if subscribed.values("pk")[MANY : MANY + 1].exists():
            return contacts.filter(Exists(subscribed.filter(contact_id=OuterRef("pk"))))
        return contacts.filter(pk__in=subscribed.values("contact_id"))


class SubscribesNow:
    """A new subscription begins now, unless somebody says otherwise."""

    def formfield_for_dbfield(self, db_field: Column, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "subscribed_at":
            kwargs["initial"] = timezone.now
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class SubscriptionInline(SubscribesNow, TabularInline):
    """The lists that a contact is on. A subscription is changed on its own page."""

    model = ListMembership
    extra = 0
    show_change_link = True
    autocomplete_fields = ("list",)
    fields = ("list", "subscribed_at", "unsubscribed_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListMembership]:
        return super().get_queryset(request).select_related("list", "contact")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(TablesAdmin, TableAdmin):
    resource_classes = (ContactResource,)
    list_display = ("name", "email", "phone", "country", "newsletter_label", "email_label", "points", "created_at")
    list_filter = (
        ("newsletter", ChoicesCheckboxFilter),
        ("email_status", ChoicesCheckboxFilter),
        CountryFilter,
        OnListFilter,
        ("created_at", DaysFilter),
    )
    search_fields = ("search",)
    search_help_text = gettext_lazy("Search by name, email, phone or external id")
    sortable_by = ("email", "created_at")  # what an index puts in order
    readonly_fields = ("visitor_key", *(field.key for field in SYSTEM_FIELDS if not field.editable))
    inlines = (SubscriptionInline,)
    actions_detail = ("show_events", "anonymise")

    def get_search_results(self, request: HttpRequest, contacts: Any, search_term: str) -> tuple[Any, bool]:
        return contacts.search(search_term), False

    def view_on_site(self, contact: Contact) -> str:
        return reverse("contacts:profile", args=[contact.pk])

    @display(description=gettext_lazy("name"))
    def name(self, contact: Contact) -> str:
        return str(contact)

    @display(description=gettext_lazy("newsletter"), label=NEWSLETTER_LABELS)
    def newsletter_label(self, contact: Contact) -> tuple[str, str]:
        return contact.newsletter, contact.get_newsletter_display()

    @display(description=gettext_lazy("email status"), label=EMAIL_LABELS)
    def email_label(self, contact: Contact) -> tuple[str, str]:
        return contact.email_status, contact.get_email_status_display()

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=contact_form(_catalogue(request).editable()), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        editable = _catalogue(request).editable()
        profile = [field.key for field in editable if not field.is_custom]
        custom = [field.form_name for field in editable if field.is_custom]
        if obj and not self.has_change_permission(request, obj):
            custom = ["custom"]  # as it is stored, to be read
        sections = [
            (None, [key for key in profile if key not in (*ADDRESS, *NEWSLETTER)]),
            (_("Address"), ADDRESS),
            (_("Newsletter and points"), NEWSLETTER),
            (_("Custom fields"), custom),
            (_("What Muster keeps by itself"), self.readonly_fields if obj else ()),
        ]
        return [(title, {"fields": fields}) for title, fields in sections if fields]

    def save_model(self, request: HttpRequest, obj: Contact, form: ContactForm, change: bool) -> None:
        if change:
            editing.update_contact(obj, form.changed_values(), now=timezone.now())
        else:
            obj.pk = editing.create_contact(form.changed_values(), now=timezone.now()).pk

    def save_formset(self, request: HttpRequest, form: ContactForm, formset: BaseModelFormSet, change: bool) -> None:
        with changes.recorded(now=timezone.now()):
            super().save_formset(request, form, formset, change)

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        deletion.delete_contacts(Contact.objects.filter(pk=obj.pk), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        chosen = Contact.objects.filter(pk__in=queryset.order_by().values("pk"))
        deletion.delete_contacts(chosen, now=timezone.now())

    @action(description=gettext_lazy("Events"), url_path="events", icon="history")
    def show_events(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(f"{reverse('admin:contacts_event_changelist')}?contact__id__exact={object_id}")

    @action(
        description=gettext_lazy("Make anonymous"),
        url_path="anonymise",
        icon="person_off",
        variant=ActionVariant.DANGER,
        permissions=["delete"],
        dialog={
            "title": gettext_lazy("Make the contact anonymous"),
            "description": gettext_lazy(
                "Everything that could tell who this is will be removed for good. What statistics need stays."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": gettext_lazy("Make anonymous"),
        },
    )
    def anonymise(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        contact = self.get_object(request, object_id)
        if contact is None:
            return HttpResponseClientRedirect(reverse("admin:contacts_contact_changelist"))
        deletion.anonymise(contact, now=timezone.now())
        self.log_change(request, contact, _("Made anonymous."))
        self.message_user(request, _("The contact is anonymous now."), messages.SUCCESS)
        return HttpResponseClientRedirect(reverse("admin:contacts_contact_change", args=[contact.pk]))


def _catalogue(request: Any) -> Catalogue:
    """The catalogue, read once for a request."""
    if not hasattr(request, "contact_catalogue"):
        request.contact_catalogue = catalogue()
    found: Catalogue = request.contact_catalogue
    return found


@admin.register(ContactField)
class ContactFieldAdmin(TablesAdmin, TableAdmin):
    """Custom fields. One that is no longer wanted is archived: its values stay, and so does what relies on them."""

    resource_classes = (ContactFieldResource,)
    form = ThemedFieldForm
    list_display = ("label", "key", "type", "archived_label", "created_at")
    list_filter = (("type", ChoicesCheckboxFilter), ("archived", BooleanRadioFilter))
    search_fields = ("label", "key")
    actions = ("archive", "unarchive")

    def get_fields(self, request: HttpRequest, obj: ContactField | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("label", "type", "key", "options_text", "help_text")
        options = ("options_text", "remove_used") if obj.type in WITH_OPTIONS else ()
        return ("label", "type", "key", *options, "help_text", "archived")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=gettext_lazy("archived"), label={"archived": "warning"})
    def archived_label(self, field: ContactField) -> tuple[str, str] | None:
        return ("archived", _("Archived")) if field.archived else None

    @admin.action(description=gettext_lazy("Archive selected fields"), permissions=["change"])
    def archive(self, request: HttpRequest, fields: QuerySet[ContactField]) -> None:
        self._set_archived(request, fields, True)

    @admin.action(description=gettext_lazy("Bring selected fields back into use"), permissions=["change"])
    def unarchive(self, request: HttpRequest, fields: QuerySet[ContactField]) -> None:
        self._set_archived(request, fields, False)

    def _set_archived(self, request: HttpRequest, fields: QuerySet[ContactField], archived: bool) -> None:
        number = fields.exclude(archived=archived).update(archived=archived)
        text = ngettext("%(number)d field was changed.", "%(number)d fields were changed.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)


# Lists


@admin.register(ContactList)
class ContactListAdmin(TableAdmin):
    list_display = ("name", "description", "created_at")
    search_fields = ("name", "description")
    fields = ("name", "description")

    def view_on_site(self, contact_list: ContactList) -> str:
        return f"{reverse('contacts:list')}?list={contact_list.pk}"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Also says where the lists are used: a segment with a rule on a list that is gone cannot be refreshed."""
        going, counts, refused, protected = super().get_deleted_objects(objs, request)
        uses = [
            format_html('{}: <a href="{}">{}</a>', _("Used in"), use.url, use.name)
            for contact_list in objs
            for _source, found in uses_of_list(contact_list.pk)
            for use in found
        ]
        return [*going, uses] if uses else going, counts, refused, protected

    def delete_model(self, request: HttpRequest, obj: ContactList) -> None:
        lists.delete_list(obj, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ContactList]) -> None:
        with changes.recorded(now=timezone.now()):
            for contact_list in queryset:
                lists.delete_list(contact_list, now=timezone.now())


class StateFilter(DropdownFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("subscribed", gettext_lazy("Subscribed")), ("unsubscribed", gettext_lazy("Unsubscribed"))]

    def queryset(self, request: HttpRequest, memberships: Any) -> Any:
        if self.value() is None:
            return memberships
        return memberships.filter(unsubscribed_at__isnull=self.value() == "subscribed")


@admin.register(ListMembership)
class ListMembershipAdmin(SubscribesNow, TableAdmin):
    list_display = ("contact", "list", "subscribed_at", "unsubscribed_at")
    list_select_related = ("contact", "list")
    list_filter = (
        ("list", AutocompleteSelectFilter),
        ("contact", AutocompleteSelectFilter),
        StateFilter,
    )
    search_fields = ("contact__search",)
    search_help_text = ContactAdmin.search_help_text
    sortable_by = ()
    autocomplete_fields = ("contact", "list")
    fields = ("contact", "list", "subscribed_at", "unsubscribed_at")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Those of one list as its index goes."""
        return ("-subscribed_at", "-contact_id") if request.GET.get("list__id__exact") else ("-id",)

    def get_search_results(self, request: HttpRequest, memberships: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return memberships, False
        return memberships.filter(contact__in=Contact.objects.search(search_term).values("pk")), False

    def save_model(self, request: HttpRequest, obj: ListMembership, form: Any, change: bool) -> None:
        with changes.recorded(now=timezone.now()):
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: ListMembership) -> None:
        with changes.recorded(now=timezone.now()):
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ListMembership]) -> None:
        with changes.recorded(now=timezone.now()):
            queryset.delete()

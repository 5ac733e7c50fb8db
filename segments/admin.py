"""The administrators' pages of segments.

Memberships have a primary key of two columns, which Django's admin cannot show: the members of a segment are found
among the contacts, and who came and went in the transitions.
"""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
)
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from crm.model_admin import DaysFilter, TableAdmin
from crm.requests import Request
from segments import (
    admin_records,  # noqa: F401  # registers itself
    editing,
)
from segments.compiler import describe, validate
from segments.facebook import admin as facebook_admin  # noqa: F401  # registers itself
from segments.faults import DefinitionError
from segments.forms import SegmentForm
from segments.models import Segment
from segments.uses import forbidding_uses, uses_of
from segments.versions import token_of
from segments.views.filling import filled

KIND_LABELS = {Segment.Kind.DYNAMIC: "success", Segment.Kind.DYNAMIC_PLUS: "primary"}
STATE_LABELS = {
    Segment.State.READY: "success",
    Segment.State.WAITING: "info",
    Segment.State.REFRESHING: "warning",
    Segment.State.ERROR: "danger",
}


class DeletedFilter(DropdownFilter):
    """Segments are here until they are deleted, and among the deleted ones for 90 days more."""

    title = gettext_lazy("use")
    parameter_name = "deleted"
    all_option = ["", gettext_lazy("In use")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", gettext_lazy("Deleted"))]

    def queryset(self, request: HttpRequest, segments: Any) -> Any:
        return segments.deleted() if _shows_deleted(request) else segments.live()


def _shows_deleted(request: HttpRequest) -> bool:
    return request.GET.get(DeletedFilter.parameter_name) == "yes"


class StateFilter(DropdownFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    STATES = {
        Segment.State.READY: Q(error="", refresh_token=None, stale=False),
        Segment.State.WAITING: Q(error="", refresh_token=None, stale=True),
        Segment.State.REFRESHING: Q(error="", refresh_token__isnull=False),
        Segment.State.ERROR: ~Q(error=""),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Segment.State.choices

    def queryset(self, request: HttpRequest, segments: QuerySet[Segment]) -> QuerySet[Segment]:
        state = self.STATES.get(self.value())
        return segments.filter(state) if state else segments


class SegmentAdminForm(forms.ModelForm):
    """Name and description, with the checks of the page's form. ``saved`` is the token of what is being edited."""

    saved = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["saved"].initial = token_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("saved") not in ("", token_of(self.instance)):
            text = _("Somebody else saved this segment meanwhile. Open the page anew to see what, then change it.")
            self.add_error(None, text)
        for name, errors in SegmentForm(cleaned, segment=self.instance).errors.items():
            if name not in self.errors:
                self.add_error(name, errors)
        if not self.instance.is_static:
            try:
                validate(self.instance.definition, kind=self.instance.kind)
            except DefinitionError as error:
                text = _("The conditions cannot be used any more. Open the editor and mend them first: %(faults)s")
                self.add_error(None, text % {"faults": error})
        return cleaned


@admin.register(Segment)
class SegmentAdmin(TableAdmin):
    form = SegmentAdminForm
    list_display = ("name", "kind_label", "members_link", "state_label", "test_label", "refreshed_at", "updated_at")
    list_filter = (
        DeletedFilter,
        ("kind", ChoicesCheckboxFilter),
        StateFilter,
        ("is_test", BooleanRadioFilter),
        ("updated_at", DaysFilter),
    )
    search_fields = ("name", "description")
    list_select_related = ()
    actions = ("refresh_selected", "restore_selected")
    actions_list = ("create",)
    actions_row = ("open_editor", "view_contacts", "view_uses", "refresh", "delete_segment", "restore")
    actions_detail = ("open_editor", "view_contacts", "view_uses", "refresh", "restore")
    delete_confirmation_template = "admin/delete_segments.html"
    delete_selected_confirmation_template = "admin/delete_segments.html"
    fieldsets = (
        (None, {"fields": ("name", "description", "is_test")}),
        (gettext_lazy("Contacts"), {"fields": ("kind", "in_words", "members_link", "state_in_words", "error")}),
        (
            gettext_lazy("As it is stored"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("version", "stale", "refreshed_at", "swept_at"),
                    ("created_at", "created_by"),
                    ("updated_at", "updated_by"),
                    ("deleted_at", "deleted_by"),
                    "definition",
                ),
            },
        ),
    )
    readonly_fields = (
        *("kind", "in_words", "members_link", "state_in_words", "error"),
        *("version", "stale", "refreshed_at", "swept_at", "definition"),
        *("created_at", "created_by", "updated_at", "updated_by", "deleted_at", "deleted_by"),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            return fieldsets
        (title, options), *others = fieldsets
        return [(title, {**options, "fields": (*options["fields"], "saved")}), *others]

    # Who may do what, and with which segments

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the pages ask for the type first, and have the editor

    def has_create_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("segments.add_segment")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_deleted(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_deleted(obj)

    def has_restore_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("segments.change_segment")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        kept = {"restore_selected"} if _shows_deleted(request) else {"refresh_selected", "delete_selected"}
        return {name: found for name, found in super().get_actions(request).items() if name in kept}

    def get_actions_row(self, request: HttpRequest) -> list[UnfoldAction]:
        return [found for found in super().get_actions_row(request) if _suits(found, deleted=_shows_deleted(request))]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        segment = self.get_object(request, object_id)
        if segment is None:
            return []
        actions = super().get_actions_detail(request, object_id)
        return [
            found
            for found in actions
            if _suits(found, deleted=_is_deleted(segment)) and not (segment.is_static and found.path == "refresh")
        ]

    def view_on_site(self, segment: Segment) -> str | None:
        return None if _is_deleted(segment) else reverse("segments:detail", args=[segment.pk])

    # Columns

    @display(description=gettext_lazy("type"), ordering="kind", label=KIND_LABELS)
    def kind_label(self, segment: Segment) -> tuple[str, str]:
        return segment.kind, segment.get_kind_display()

    @display(description=gettext_lazy("contacts"), ordering="size")
    def members_link(self, segment: Segment) -> SafeString | str:
        size = number_format(segment.size, force_grouping=True)
        if _is_deleted(segment):
            return size
        return format_html('<a class="text-link" href="{}">{}</a>', _contacts_url(segment.pk), size)

    @display(description=gettext_lazy("state"), label=STATE_LABELS)
    def state_label(self, segment: Segment) -> Any:
        in_words = self.state_in_words(segment)
        return in_words if _is_deleted(segment) else (segment.state, in_words)

    @display(description=gettext_lazy("state"))
    def state_in_words(self, segment: Segment) -> Any:
        return _("Deleted") if _is_deleted(segment) else segment.state.label

    @display(description=gettext_lazy("test segment"), label={"test": "info"})
    def test_label(self, segment: Segment) -> tuple[str, str] | None:
        return ("test", _("Test")) if segment.is_test else None

    @display(description=gettext_lazy("who belongs to it"))
    def in_words(self, segment: Segment) -> str:
        return _("Contacts chosen by hand.") if segment.is_static else describe(segment.conditions)

    # Writing

    def save_model(self, request: Request, obj: Segment, form: SegmentAdminForm, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in ("name", "description", "is_test")}
        now = timezone.now()
        if editing.save_segment(obj, **values, definition=obj.definition, now=now, user=request.user):
            transaction.on_commit(partial(_fill, request, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What is used elsewhere is kept from being deleted until somebody has ticked the box that says so; and what
        cannot go at all, in any case.
        """
        going, counts, refused, _protected = super().get_deleted_objects(objs, request)
        counts = {str(self.opts.verbose_name_plural): len(going)}
        places = uses_of(objs)
        confirmed = "confirmed" in request.POST
        uses = [
            format_html('{}: <a class="text-link" href="{}">{}</a>', segment.name, use.url, use.name)
            for segment in objs
            for found in ([forbidding_uses(segment)] if confirmed else [found for _source, found in places[segment.pk]])
            for use in found
        ]
        return going, counts, refused, uses

    def delete_model(self, request: Request, obj: Segment) -> None:
        editing.delete_segment(obj, now=timezone.now(), user=request.user)

    def delete_queryset(self, request: Request, queryset: QuerySet[Segment]) -> None:
        for segment in queryset:
            editing.delete_segment(segment, now=timezone.now(), user=request.user)

    # The actions of the pages

    @action(description=gettext_lazy("Create new segment"), url_path="create", icon="add", permissions=["create"])
    def create(self, request: HttpRequest) -> HttpResponse:
        return redirect("segments:create")

    @action(description=gettext_lazy("Segment editor"), url_path="editor", icon="edit", permissions=["change"])
    def open_editor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("segments:edit", object_id)

    @action(description=gettext_lazy("View contacts"), url_path="contacts", icon="group", permissions=["view"])
    def view_contacts(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(_contacts_url(object_id))

    @action(description=gettext_lazy("View uses"), url_path="uses", icon="account_tree", permissions=["view"])
    def view_uses(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("segments:uses", object_id)

    @action(description=gettext_lazy("Delete"), url_path="remove", icon="delete", permissions=["delete"])
    def delete_segment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:segments_segment_delete", object_id)

    @action(
        description=gettext_lazy("Refresh"),
        url_path="refresh",
        icon="sync",
        permissions=["change"],
        dialog={
            "title": gettext_lazy("Refresh the segment"),
            "description": gettext_lazy("Who belongs to it will be worked out anew, among all contacts."),
            "form_class": BaseDialogForm,
            "form_submit_text": gettext_lazy("Refresh"),
        },
    )
    def refresh(self, request: Request, form: BaseDialogForm, object_id: str) -> HttpResponse:
        self._refresh(request, Segment.objects.live().filter(pk=object_id))
        return self._back(request)

    @action(
        description=gettext_lazy("Restore"),
        url_path="restore",
        icon="restore_from_trash",
        permissions=["restore"],
        dialog={
            "title": gettext_lazy("Restore the segment"),
            "description": gettext_lazy("It comes back with its contacts, and is brought up to date."),
            "form_class": BaseDialogForm,
            "form_submit_text": gettext_lazy("Restore"),
        },
    )
    def restore(self, request: Request, form: BaseDialogForm, object_id: str) -> HttpResponse:
        self._restore(request, Segment.objects.deleted().filter(pk=object_id))
        return self._back(request)

    @admin.action(description=gettext_lazy("Refresh selected segments"), permissions=["change"])
    def refresh_selected(self, request: Request, segments: QuerySet[Segment]) -> None:
        self._refresh(request, segments)

    @admin.action(description=gettext_lazy("Restore selected segments"), permissions=["restore"])
    def restore_selected(self, request: Request, segments: QuerySet[Segment]) -> None:
        self._restore(request, segments)

    def _back(self, request: Request) -> HttpResponse:
        """To the page on which the dialog was opened."""
        return HttpResponseClientRedirect(
            request.htmx.current_url_abs_path or reverse("admin:segments_segment_changelist")
        )

    def _refresh(self, request: Request, segments: QuerySet[Segment]) -> None:
        chosen = list(segments)
        for segment in chosen:
            if segment.is_static:
                text = _("Nothing to refresh in “%(segment)s”: its contacts are chosen by hand.")
                self.message_user(request, text % {"segment": segment}, messages.INFO)
            else:
                _fill(request, segment)
                self.log_change(request, segment, _("Refreshed."))

    def _restore(self, request: Request, segments: QuerySet[Segment]) -> None:
        for segment in list(segments):
            name = {"segment": segment.name}
            try:
                filled(request, partial(editing.restore_segment, segment, now=timezone.now(), user=request.user))
            except editing.NameTaken:
                text = _("“%(segment)s” stays deleted: another segment has its name. Rename that one first.")
                self.message_user(request, text % name, messages.ERROR)
            else:
                self.log_change(request, segment, _("Restored."))
                self.message_user(request, _("“%(segment)s” is in use again.") % name, messages.SUCCESS)


def _is_deleted(segment: Any) -> bool:
    return isinstance(segment, Segment) and segment.deleted_at is not None


def _suits(found: UnfoldAction, *, deleted: bool) -> bool:
    """Restoring is for deleted segments, and all the rest for the others."""
    return (found.path == "restore") == deleted


def _contacts_url(segment_id: Any) -> str:
    return f"{reverse('contacts:list')}?segment={segment_id}"


def _fill(request: Request, segment: Segment) -> None:
    """Bring the segment up to date, at once or by a job, and say which."""
    job = filled(request, partial(editing.fill, segment, now=timezone.now(), user=request.user))
    segment.refresh_from_db()
    if job:
        text = _("“%(segment)s” is being refreshed in the background.")
        messages.info(request, text % {"segment": segment})
    elif not segment.error:
        text = ngettext(
            "“%(segment)s” has %(size)s contact now.", "“%(segment)s” has %(size)s contacts now.", segment.size
        )
        size = number_format(segment.size, force_grouping=True)
        messages.success(request, text % {"segment": segment, "size": size})

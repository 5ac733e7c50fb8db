"""What the setting UNFOLD asks for when a page of the administrators' site is made: navigation, theme and icon."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.context import THEME_COOKIE

NAVIGATION = (
    (
        gettext_lazy("Contacts"),
        {
            "contacts.Contact": "person",
            "contacts.ContactField": "list_alt",
            "contacts.ContactList": "format_list_bulleted",
            "contacts.ListMembership": "how_to_reg",
            "contacts.Event": "history",
            "contacts.Import": "upload",
            "contacts.RefusedRow": "block",
            "contacts.SavedMapping": "conversion_path",
            "contacts.Export": "download",
            "contacts.ExportDownload": "file_download_done",
            "contacts.PropertySet": "view_column",
        },
    ),
    (
        gettext_lazy("Segments"),
        {
            "segments.Segment": "donut_small",
            "segments.SegmentVersion": "history",
            "segments.Transition": "swap_horiz",
            "segments.SegmentDay": "calendar_month",
            "segments.RefreshRun": "sync",
            "segments.FacebookConnection": "power",
            "segments.FacebookAudience": "groups",
            "segments.FacebookMember": "person_check",
            "segments.FacebookExport": "campaign",
            "contacts.Change": "edit_note",
        },
    ),
    (
        gettext_lazy("Workflows"),
        {
            "workflows.Workflow": "account_tree",
            "workflows.Version": "history",
            "workflows.Run": "directions_walk",
            "workflows.Step": "footprint",
            "workflows.Delivery": "outbox",
            "workflows.Incident": "report",
            "workflows.WebDesign": "ad",
            "workflows.WebContent": "visibility",
        },
    ),
    (gettext_lazy("Campaigns"), {"campaigns.Content": "article", "campaigns.Message": "mail"}),
    (
        gettext_lazy("Background work"),
        {
            "crm.Job": "hourglass_top",
            "crm.JobLine": "notes",
            "django_q.Schedule": "schedule",
            "django_q.OrmQ": "queue",
            "django_q.Success": "task_alt",
            "django_q.Failure": "error",
        },
    ),
    (gettext_lazy("Access"), {"crm.User": "group", "auth.Group": "shield_person", "crm.ApiKey": "key"}),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side navigation: the models that this user may see, with the way back to Muster's own pages on top."""
    home = {"title": _("Back to Muster"), "icon": "arrow_back", "link": reverse("dashboard"), "active": False}
    overview = {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [home, overview]}]
    for title, models in NAVIGATION:
        items = [item for label, icon in models.items() if (item := _item(request, label, icon))]
        groups.append({"title": title, "separator": True, "items": items})
    return groups


def _item(request: HttpRequest, label: str, icon: str) -> dict[str, Any] | None:
    model = apps.get_model(label)
    if not admin.site.is_registered(model):
        return None
    if not admin.site.get_model_admin(model).has_view_or_change_permission(request):
        return None
    opts = model._meta
    link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return {"title": capfirst(opts.verbose_name_plural), "icon": icon, "link": link}


def theme(request: HttpRequest) -> str | None:
    """The theme chosen on our own pages; None leaves it to the system and the switch of this site."""
    chosen = request.COOKIES.get(THEME_COOKIE)
    return chosen if chosen in {"light", "dark"} else None


def icon(request: HttpRequest) -> str:
    return static("img/favicon.svg")

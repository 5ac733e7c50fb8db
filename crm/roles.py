"""Who may do what: three roles, each a group with permissions, and the guard of the pages."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

from crm.requests import Request

VIEWER = "viewer"
MARKETER = "marketer"
ADMINISTRATOR = "administrator"

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], HttpResponseBase]


def _may(actions: str, *models: str) -> set[str]:
    named = [model.split(".") for model in models]
    return {f"{app}.{action}_{name}" for app, name in named for action in actions.split()}


_VIEWER = _may(
    "view",
    "campaigns.content",
    "campaigns.message",
    "contacts.contact",
    "contacts.contactfield",
    "contacts.contactlist",
    "contacts.event",
    "contacts.listmembership",
    "crm.job",
    "segments.membership",
    "segments.refreshrun",
    "segments.segment",
    "segments.segmentday",
    "segments.segmentversion",
    "segments.transition",
    "workflows.run",
    "workflows.webcontent",
    "workflows.webdesign",
    "workflows.workflow",
)
_MARKETER = _VIEWER | _may(
    "add change delete",
    "contacts.contact",
    "contacts.contactlist",
    "contacts.listmembership",
    "segments.membership",
    "segments.segment",
    "workflows.workflow",
)
_MARKETER |= _may("change", "campaigns.message")  # to decide about one that is in doubt
_MARKETER |= _may("view change", "workflows.incident")
_MARKETER |= _may("view add", "contacts.export", "contacts.import")
_MARKETER |= _may("add", "contacts.contactfield")  # while an import's columns are associated
_MARKETER |= _may("view", "contacts.propertyset")
_MARKETER |= _may("view", "contacts.contactimport", "contacts.refusedrow", "contacts.savedmapping")
_MARKETER |= _may("view add", "segments.facebookexport")
_ADMINISTRATOR = (
    _MARKETER
    | _may("view change", "segments.facebookconnection")
    | _may("view", "segments.facebookaudience", "segments.facebookmember")
    | _may("change delete", "contacts.contactfield")
    | _may("delete", "contacts.event")
    | _may("view", "contacts.eventremoval", "contacts.exportdownload")
    | _may("view add change delete", "crm.user", "django_q.schedule")
    | _may("view add change", "crm.apikey")
    | _may("change delete", "crm.job")
    | _may("view delete", "django_q.failure", "django_q.ormq", "django_q.success")
    | _may(
        "view",
        "auth.group",
        "contacts.arrival",
        "contacts.change",
        "contacts.visitor",
        "contacts.watched",
        "crm.jobline",
        "workflows.appointment",
        "workflows.count",
        "workflows.cursor",
        "workflows.delivery",
        "workflows.step",
        "workflows.version",
    )
)

ROLES = {
    VIEWER: frozenset(_VIEWER),
    MARKETER: frozenset(_MARKETER),
    ADMINISTRATOR: frozenset(_ADMINISTRATOR),
}
"""The permissions of every role. Only administrators with ``is_staff`` reach the admin besides."""


def requires(*permissions: str) -> Callable[[View[P]], View[P]]:
    """Guard a view: whoever is not signed in goes to the login page and comes back, whoever lacks one of the
    ``permissions`` (``app.codename``) gets the page that says so. Without any, being signed in is enough.
    """

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(cast(Request, request))
            if not request.user.has_perms(permissions):
                raise PermissionDenied
            return view(cast(Request, request), *args, **kwargs)

        return guarded

    return guard


def _to_login(request: Request) -> HttpResponseBase:
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    # A fragment's place is no place for the login page: the whole page goes there, and comes back as a whole.
    whole_page = request.htmx.current_url_abs_path or "/"
    return HttpResponseClientRedirect(redirect_to_login(whole_page).url)


def grant(apps: Apps, *app_labels: str, using: str) -> None:
    """Give every role what it may do with the models of these apps; running it again changes nothing.

    For migrations, with their historical ``apps``: at that time Django has not made the permissions of new models yet.
    """
    for label in app_labels:
        app_config = apps.get_app_config(label)
        module = getattr(app_config, "models_module", None)
        # Historical apps lack it, and would be passed over.
        app_config.models_module = module or True  # type: ignore[assignment]
        create_permissions(app_config, apps=apps, using=using, verbosity=0)
        app_config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    found = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in permissions.filter(content_type__app_label__in=app_labels).select_related("content_type")
    }
    for role, codenames in ROLES.items():
        group, _created = groups.get_or_create(name=role)
        group.permissions.add(*(found[codename] for codename in codenames & found.keys()))

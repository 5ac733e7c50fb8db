"""Making the list and the segment that the options of an import only name, when it begins."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contacts.imports.destinations import DESTINATIONS
from contacts.imports.models import Import
from contacts.models import ContactList
from crm.models import User

LIST = "list"


class Taken(ValueError):
    """Somebody has made one of this name meanwhile; the text says so."""


def make_new_places(import_run: Import, *, user: User | None, now: datetime) -> None:
    """Make what is named under "new" in the options, and keep it there as what is chosen. Raises `Taken`."""
    new = import_run.options.get("new") or {}
    if not new:
        return
    options = import_run.options | {"new": {}, "destinations": dict(import_run.options.get("destinations", {}))}
    with transaction.atomic():
        for key, name in new.items():
            if key == LIST:
                options["lists"] = [*options.get("lists", []), _new_list(name, now=now)]
            else:
                options["destinations"][key] = _new_destination(key, name, user=user, now=now)
        Import.objects.filter(pk=import_run.pk).update(options=options)
    import_run.options = options


def _new_list(name: str, *, now: datetime) -> int:
    if ContactList.objects.filter(name__iexact=name).exists():
        raise _taken(name)
    try:
        with transaction.atomic():
            return ContactList.objects.create(name=name, created_at=now).pk
    except IntegrityError:
        raise _taken(name) from None


def _new_destination(key: str, name: str, *, user: User | None, now: datetime) -> int:
    if DESTINATIONS[key].is_taken(name):
        raise _taken(name)
    return DESTINATIONS[key].create(name, user=user, now=now)


def _taken(name: str) -> Taken:
    return Taken(_("Somebody has made “%(name)s” meanwhile. Choose it, or enter another name.") % {"name": name})

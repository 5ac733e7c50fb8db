"""What somebody chose for an import, in words and with links to where the contacts went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.event_types import event_type
from contacts.import_forms.options import KEYS
from contacts.imports.destinations import DESTINATIONS
from contacts.imports.options import Consent, Options
from contacts.imports.sources import FORMATS
from contacts.models import ContactList, Import


@dataclass(frozen=True)
class Part:
    text: str
    url: str = ""


@dataclass(frozen=True)
class Chosen:
    """``is_place`` marks where the contacts were put."""

    label: str
    parts: list[Part]
    is_place: bool = False


def chosen(import_run: Import) -> list[Chosen]:
    options = Options.from_json(import_run.options)
    columns = sum(bool(entry["target"]) for entry in import_run.mapping)
    of_all = _("%(number)d of %(all)d") % {"number": columns, "all": len(import_run.columns)}
    file = [
        _one(_("Format of the file"), str(FORMATS[import_run.source["format"]].label)),
        _one(_("Columns that are imported"), of_all),
    ]
    if import_run.kind == Import.Kind.EVENTS:
        kind = event_type(options.event_type).label if options.event_type else _("As the column says")
        return [*file, _one(_("Type of the events"), str(kind))]
    return [*file, *_rules(options), *_places(options), *_newsletter(options)]


def _one(label: str, text: str) -> Chosen:
    return Chosen(label, [Part(text)])


def _rules(options: Options) -> list[Chosen]:
    erases = options.overwrite and options.erases
    return [
        _one(_("Contacts are matched by"), str(KEYS[options.match])),
        _one(_("New contacts"), _("Created") if options.create else _("Refused")),
        _one(_("Existing contacts"), _("Overwritten") if options.overwrite else _("Left as they are")),
        *([_one(_("Empty cells"), _("Erase what the contact has"))] if erases else []),
    ]


def _places(options: Options) -> list[Chosen]:
    places = []
    for key, pk in options.destinations.items():
        name = dict(DESTINATIONS[key].options()).get(pk)
        part = Part(name, DESTINATIONS[key].url(pk)) if name else Part(_("Deleted meanwhile"))
        places.append(Chosen(str(DESTINATIONS[key].label), [part], is_place=True))
    lists = ContactList.objects.filter(pk__in=options.lists).values_list("pk", "name") if options.lists else []
    parts = [Part(name, f"{reverse('contacts:list')}?list={pk}") for pk, name in lists]
    return [*places, *([Chosen(_("Subscribed to"), parts)] if parts else [])]


def _newsletter(options: Options) -> list[Chosen]:
    found = [_one(_("Newsletter"), _in_words(options.consent))] if options.consent else []
    if options.resubscribe:
        found.append(_one(_("Who had unsubscribed was subscribed again, because"), options.resubscribe))
    return found


def _in_words(consent: Consent) -> str:
    on: date = consent.on
    return _("Agreed to: %(source)s, %(day)s") % {"source": consent.source, "day": date_format(on)}

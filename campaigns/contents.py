"""What an email says: checked while somebody writes it, and frozen when it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.liquid import Wrong, parse, wants
from campaigns.models import Content
from campaigns.names import is_known
from contacts.fields import Catalogue, catalogue

LIQUID_FIELDS = ("subject", "preheader", "body", "sender_name")
FROZEN = ("kind", "subject", "preheader", "body", "sender_name", "reply_to")


def content_of(
    settings: Mapping[str, Any], *, name: str, source: str, workflow: str = "", now: datetime | None = None
) -> Content:
    """The content with these settings, which are those of `campaigns.forms.EmailForm`; made if there is none.

    ``name`` is the campaign that events will name, ``source`` where it is sent from, and ``workflow`` what
    ``workflow.name`` stands for (without it: ``name``).
    """
    frozen: dict[str, str] = {key: str(settings.get(key) or "") for key in FROZEN}
    frozen |= {
        "kind": frozen["kind"] or Content.Kind.NEWSLETTER.value,
        "name": name[:200],
        "source": source[:100],
        "workflow": (workflow or name)[:200],
    }
    digest = hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()
    content, _made = Content.objects.get_or_create(
        digest=digest, defaults={**frozen, "created_at": now or timezone.now()}
    )
    return content


def faults(settings: Mapping[str, Any], *, fields: Catalogue | None = None) -> list[tuple[str, str]]:
    """What is wrong with the settings of an email: pairs of the setting and the reason."""
    fields = fields or catalogue()
    found = []
    if not str(settings.get("subject") or "").strip():
        found.append(("subject", _("An email needs a subject.")))
    if not str(settings.get("body") or "").strip():
        found.append(("body", _("An email needs a text.")))
    for key in LIQUID_FIELDS:
        found += [(key, text) for text in liquid_faults(str(settings.get(key) or ""), fields=fields)]
    return found


def liquid_faults(source: str, *, fields: Catalogue) -> list[str]:
    """What is wrong with a text that contains Liquid: its syntax, or names that nobody knows."""
    if "{" not in source:
        return []
    try:
        template = parse(source)
    except Wrong as wrong:
        if wrong.line is None:
            return [_("This cannot be read: %(error)s.") % {"error": wrong}]
        return [_("Line %(line)s cannot be read: %(error)s.") % {"line": wrong.line, "error": wrong}]
    wanted = wants(template)
    unknown = dict.fromkeys(".".join(path) for path in wanted.paths if not is_known(path, fields))
    return [
        *(_("There is no “%(name)s”.") % {"name": name} for name in unknown),
        *(_("There is no filter “%(name)s”.") % {"name": name} for name in wanted.unknown_filters),
    ]

"""What an email says: checked while somebody writes it, and frozen when it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.liquid import NONCE, Wrong, fill, parse, wants
from campaigns.markup import page_of, safe_url
from campaigns.models import Content
from campaigns.names import is_known
from contacts.fields import Catalogue, catalogue

ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
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
    return found + [("body", text) for text in link_faults(str(settings.get("body") or ""))]


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


def link_faults(source: str) -> list[str]:
    """Which links of a text lead nowhere, as far as that does not depend on values."""
    try:
        text = fill(parse(source), {"now": ANY_MOMENT}).text
    except Wrong:  # which is told otherwise, or depends on values
        return []
    wrong = [url for url in page_of(text).links if NONCE not in url and url != "#" and safe_url(url) == "#"]
    words = _("The link “%(url)s” leads nowhere: it must begin with https://, mailto: or tel:.")
    return [words % {"url": url} for url in dict.fromkeys(wrong)]

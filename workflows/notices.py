"""Notes to staff: an email to people who use Muster, about a contact that came by a node."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import User
from workflows.models import Delivery
from workflows.outside import Refused, TryLater

SECONDS = 15


def can_be_told() -> QuerySet[User]:
    """Who can get notes: people who may sign in, and whose email is known."""
    return User.objects.filter(is_active=True).exclude(email="").order_by("username")


def send(delivery: Delivery, node: Mapping[str, Any], *, now: datetime) -> None:
    """Send the note to those of the chosen people who can be told now. Raises `TryLater` and `Refused`."""
    addresses = list(can_be_told().filter(pk__in=node.get("users") or []).values_list("email", flat=True))
    if not addresses:
        raise Refused(_("None of the people that were chosen can be told any more."))
    run = delivery.run
    link = settings.PUBLIC_URL + reverse("contacts:profile", args=[run.contact_id])
    about = [_("Contact: %(contact)s") % {"contact": run.contact}, link]
    about.append(_("Workflow: %(workflow)s") % {"workflow": run.workflow})
    if run.is_test:
        about.append(_("This was a test."))
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    message = EmailMessage(
        " ".join(str(node.get("subject") or "").split()),
        "\n\n".join([str(node.get("text") or ""), "\n".join(about)]).strip() + "\n",
        to=addresses,
        headers={"Message-ID": f"<{delivery.key.replace(':', '.')}@{host}>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=SECONDS),
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _text in error.recipients.values()}
        refused = _("The mail server takes none of the addresses: %(error)s") % {"error": error}
        raise (Refused(refused) if all(code >= 500 for code in codes) else TryLater(refused)) from error
    except smtplib.SMTPResponseException as error:
        said = _("The mail server answered with %(code)s.") % {"code": error.smtp_code}
        raise (Refused(said) if error.smtp_code >= 500 else TryLater(said, for_all=True)) from error
    except OSError as error:
        raise TryLater(_("The mail server could not be reached: %(error)s") % {"error": error}, for_all=True) from error

"""Send web content: a popup, a banner or a part of a page that the contact sees on the shop's site."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.nodes.actions import Action, done
from workflows.nodes.actions_email import source_of
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, NodeContext, Outcome, Settings
from workflows.site.contents import Recipient, design_of, queue
from workflows.site.forms import WebContentForm


class SendWebContentForm(WebContentForm, LimitedForm):
    """What the content says and where it is shown, and the limits."""


@NODES.register
class SendWebContent(Action):
    key = "send_web_content"
    label = gettext_lazy("Send web content")
    help = gettext_lazy("Shows something on the shop's site: at once if the contact is there, else at the next visit.")
    icon = "app-window"
    form = SendWebContentForm
    reaches_people = True

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return str(settings.get("name") or settings.get("title") or "")

    def act(self, batch: Batch) -> Iterable[Outcome]:
        settings = batch.settings
        design = design_of(settings, name=settings["name"], source=source_of(batch), now=batch.now)
        recipients = [Recipient(visit.key, visit.contact_id) for visit in batch.visits]
        queue(design, recipients, now=batch.now, days=settings["days"])
        yield done(batch, _("Web content “%(name)s”") % {"name": settings["name"]})

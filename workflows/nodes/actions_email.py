"""Send email: the content is part of the node, and each run gets one message for each visit."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.contents import content_of
from campaigns.forms import EmailForm
from campaigns.models import Message
from campaigns.outbox import Recipient, queue
from contacts.fields import Catalogue
from workflows.nodes.actions import Action, done, passed_over
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, NodeContext, Outcome, Settings

NOT_SENT = gettext_lazy("Not sent: %(reason)s")


class SendEmailForm(EmailForm, LimitedForm):
    """What the email says, and the limits."""

    def catalogue(self) -> Catalogue:
        return self.context.conditions.catalogue


def source_of(batch: Batch) -> str:
    """Where contents of this node are sent from, whatever version of the workflow it is in."""
    return f"workflow:{batch.version.workflow_id}:{batch.node.id}"


@NODES.register
class SendEmail(Action):
    key = "send_email"
    label = gettext_lazy("Send email")
    help = gettext_lazy("Sends an email. Contacts that may not get it go on without it.")
    icon = "mail"
    form = SendEmailForm
    reaches_people = True

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return str(settings.get("name") or settings.get("subject") or "")

    def act(self, batch: Batch) -> Iterable[Outcome]:
        name = batch.settings["name"]
        content = content_of(
            batch.settings, name=name, source=source_of(batch), workflow=str(batch.version.workflow), now=batch.now
        )
        recipients = [Recipient(one.key, one.contact_id, one.event_id, one.values) for one in batch.visits]
        reasons = queue(content, recipients, now=batch.now, is_test=batch.is_test)
        skipped = {
            visit.run_id: str(NOT_SENT) % {"reason": Message.Reason(reasons[visit.key]).label}
            for visit in batch.visits
            if reasons[visit.key]
        }
        yield passed_over(list(skipped), skipped)
        yield done(batch.only(set(batch.run_ids) - skipped.keys()), _("Email “%(name)s”") % {"name": name})

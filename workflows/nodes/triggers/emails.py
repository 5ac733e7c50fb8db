"""What contacts do with emails: they open them, click in them, and unsubscribe."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.values import storable
from workflows.emails import HERE, source_of
from workflows.nodes.base import NODES, Happening, NodeContext, NodeForm, Settings
from workflows.nodes.conditions_email import EmailField
from workflows.nodes.triggers.addresses import RulesField, page_of, rules_of
from workflows.nodes.triggers.filters import LONGEST_TEXT, joined, lines_of, one_of
from workflows.nodes.triggers.website import OnEvent


class EmailForm(NodeForm):
    email = EmailField(label=gettext_lazy("Which email"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        email = self.fields["email"]
        assert isinstance(email, EmailField)
        email.offer(self.context)
        email.keep(self["email"].value())


class OnEmail(OnEvent):
    """A trigger by events with emails, which name the email in their property of this name."""

    form = EmailForm

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        email = settings.get("email")
        if email and email.startswith(HERE):
            email = source_of(workflow_id, email.removeprefix(HERE))
        return not email or happening.properties.get("email") == email

    def describe(self, settings: Settings, context: NodeContext) -> str:
        email = settings.get("email")
        return context.emails.get(email, _("an email that is no longer sent")) if email else _("Any email")


@NODES.register
class EmailOpened(OnEmail):
    key = "email_opened"
    label = gettext_lazy("On opening email")
    help = gettext_lazy("The contact opens an email. Some mail programs hide that, and some open emails by themselves.")
    icon = "mail-open"
    event = "email_opened"


class ClickedForm(EmailForm):
    links = RulesField(
        label=gettext_lazy("Links whose address starts with"),
        max_length=LONGEST_TEXT,
        validators=[storable],
        required=False,
        help_text=gettext_lazy(
            "One on each line: a path, such as /desks, or a whole address, such as https://shop.example/desks."
            " Without any, every link counts."
        ),
    )


@NODES.register
class EmailClicked(OnEmail):
    key = "email_clicked"
    label = gettext_lazy("On clicking")
    help = gettext_lazy("The contact clicks a link in an email.")
    icon = "mouse-pointer-click"
    event = "email_clicked"
    form = ClickedForm

    def matches(self, settings: Settings, happening: Happening, *, workflow_id: int) -> bool:
        links = rules_of(settings.get("links"))
        clicked = page_of(happening.properties)
        return super().matches(settings, happening, workflow_id=workflow_id) and (
            not links or (clicked is not None and clicked.starts_with(links))
        )

    def describe(self, settings: Settings, context: NodeContext) -> str:
        links = [_("%(address)s…") % {"address": one} for one in lines_of(settings.get("links"))]
        return joined(super().describe(settings, context), one_of(links), empty="")


@NODES.register
class Unsubscribed(OnEmail):
    key = "unsubscribed"
    label = gettext_lazy("On unsubscribing")
    help = gettext_lazy("The contact unsubscribes from the newsletter by the link in an email.")
    icon = "bell-off"
    event = "unsubscribed"

"""Conditions on emails: whether the contact received, opened or clicked one, how often and when."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from segments.compiler import Definition
from segments.faults import EntryError
from segments.row_forms import begun, lead_people
from segments.rule_form import RuleForm
from segments.windows import EVER, WINDOWS, WindowForm, unpack_window
from workflows.emails import HERE, source_of
from workflows.nodes.base import NODES, NodeContext, NodeForm, Settings
from workflows.nodes.choosing import Choosing
from workflows.nodes.shaped import CHANGE
from workflows.nodes.yes_no import YesNo, one_rule

MOST_TIMES = 10_000
NODE_OF_ANOTHER = re.compile(r"workflow:\d{1,18}:[\w-]{1,40}", re.ASCII)


class EmailField(Choosing):
    """An email that a workflow sends, or any."""

    empty = gettext_lazy("Any email")

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=str, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        return list(context.emails.items())

    def keep(self, value: Any) -> None:
        """Go on offering an email of another workflow that is no longer sent: it can have been received."""
        chosen = isinstance(value, str) and NODE_OF_ANOTHER.fullmatch(value)
        if chosen and not self.valid_value(value):
            self.choices = [*self.choices, (value, _("An email that is no longer sent"))]  # type: ignore[misc]


class HasEmailForm(NodeForm):
    email = EmailField(label=gettext_lazy("Which email"), required=False)
    times = forms.IntegerField(
        label=gettext_lazy("At least so many times"), min_value=1, max_value=MOST_TIMES, initial=1
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        posted = data.copy() if isinstance(data, QueryDict) else None
        self.is_changing = posted is not None and CHANGE in posted
        super().__init__(data, **options)
        email = self.fields["email"]
        assert isinstance(email, EmailField)
        email.offer(self.context)
        email.keep(self["email"].value())
        self.window = self._window_form(posted if posted is not None else self._stored_window())
        if data is None or self.is_changing:
            self.window.leave_unchecked()
        if self.is_changing:
            self._errors = ErrorDict()

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        return {"times": 1} | dict(settings)

    def _window_form(self, data: MutableMapping[str, Any]) -> RuleForm:
        form = begun(lambda: WindowForm(data, context=self.context.conditions, prefix="window"), data)
        lead_people(form)
        return form

    def _stored_window(self) -> dict[str, Any]:
        try:
            return unpack_window(self.settings.get("window", EVER))
        except EntryError:
            return {"window-kind": "?"}

    @property
    def is_being_edited(self) -> bool:
        return self.is_changing

    def is_valid(self) -> bool:
        return not self.is_changing and super().is_valid()

    def clean(self) -> dict[str, Any]:
        for _path, message in self.window.faults():
            self.add_error(None, _("When: %(message)s") % {"message": message})
        return self.cleaned_data

    def stored(self) -> dict[str, Any]:
        return super().stored() | {"window": self.window.rule()}


class HasEmail(YesNo):
    """A condition on events with emails, of the type ``event``; ``words`` say how often, for one and for several."""

    form = HasEmailForm
    template = "workflows/nodes/email.html"
    event: str

    def definition(self, settings: Settings, *, workflow_id: int) -> Definition:
        rule = {
            "type": "event",
            "event": self.event,
            "metric": "count",
            "operator": "at_least",
            "value": settings.get("times") or 1,
            "window": settings.get("window") or EVER,
        }
        email = settings.get("email")
        if email:
            source = source_of(workflow_id, email.removeprefix(HERE)) if email.startswith(HERE) else email
            rule["where"] = [{"property": "email", "operator": "is", "value": source}]
        return one_rule(rule)

    def describe(self, settings: Settings, context: NodeContext) -> str:
        if self.faults(settings, context):
            return ""
        email, times = settings.get("email"), settings.get("times") or 1
        window = settings.get("window") or EVER
        parts = [context.emails.get(email, _("an email that is no longer sent")) if email else _("any email")]
        if times > 1:
            parts.append(ngettext("at least %(count)s time", "at least %(count)s times", times) % {"count": times})
        if window["kind"] != "ever":
            parts.append(WINDOWS[window["kind"]].describe(window))
        return ", ".join(str(part) for part in parts)


@NODES.register
class HasReceivedEmail(HasEmail):
    key = "has_received_email"
    label = gettext_lazy("Has received email")
    help = gettext_lazy("Asks whether an email was delivered to the contact: which one, how often and when.")
    icon = "mail-check"
    event = "email_delivered"


@NODES.register
class HasOpenedEmail(HasEmail):
    key = "has_opened_email"
    label = gettext_lazy("Has opened email")
    help = gettext_lazy("Asks whether the contact opened an email: which one, how often and when.")
    icon = "mail-open"
    event = "email_opened"


@NODES.register
class HasClickedEmail(HasEmail):
    key = "has_clicked_email"
    label = gettext_lazy("Has clicked email")
    help = gettext_lazy("Asks whether the contact clicked a link in an email: which one, how often and when.")
    icon = "mouse-pointer-click"
    event = "email_clicked"

"""Doing something with the contacts that somebody selected: at once if they are few, else in the worker.

A selection is some ids, or everybody whom the filters in the address find. It travels as a query string and is read
again whenever it is needed, so that nothing has to be kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import F, Max, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.bulk_actions import BULK_ACTIONS, BulkAction, Grouped, Parameters
from contacts.list_filters import Filters
from contacts.matches import Matches, matches_of
from contacts.models import Contact
from crm import jobs
from crm.models import Job, User
from crm.paging import Order, page

AT_ONCE = 20_000
IN_ONE_STEP = 10_000
JOB = "contacts.bulk"
EXAMPLES = 5
NEWEST = Order("created_at", ("created_at",), descending=True)
ID = re.compile("[0-9]{1,18}")


class NotSelected(ValueError):
    """A query string selects nobody, or its filters cannot be read: then nobody is meant, and never everybody."""


@dataclass(frozen=True)
class Selection:
    """The contacts that a query string selects for somebody with the permissions of ``user``."""

    query: QueryDict
    user: User

    @cached_property
    def _matches(self) -> Matches:
        """Raises `NotSelected`."""
        if "everything" in self.query:
            filters = Filters(self.query, self.user)
            if not filters.is_valid:
                raise NotSelected(_("One of the filters is not valid."))
            return filters.matches
        ids = [int(text) for text in self.query.getlist("contact") if ID.fullmatch(text)]
        if not ids:
            raise NotSelected(_("Select some contacts first."))
        return matches_of(Contact.objects.filter(pk__in=ids))

    @property
    def contacts(self) -> QuerySet[Contact]:
        return self._matches.contacts

    @cached_property
    def count(self) -> int:
        return self.contacts.order_by().count() if self._matches.more else self._matches.count

    @property
    def examples(self) -> list[Contact]:
        """The newest few of the contacts."""
        return page(self.contacts, NEWEST, size=EXAMPLES, query={}, few=self._matches.few).rows


def run(
    action: BulkAction, selection: Selection, form: Parameters, *, user: User, now: datetime
) -> tuple[str, Job | None]:
    """Apply the action with the parameters of a valid form.

    Returns what happened as a sentence and, for many contacts, the job in which it is going to happen.
    """
    if selection.count <= AT_ONCE:
        number = action.apply(selection.contacts, form.cleaned_data, user=user, now=now)
        return action.outcome(number, form.cleaned_data), None
    job = jobs.start(
        JOB,
        title=action.heading(selection.count),
        params={
            "action": action.key,
            "selection": selection.query.urlencode(),
            "parameters": QueryDict.urlencode(form.data),  # type: ignore[arg-type]
            "count": selection.count,
        },
        user=user,
        now=now,
    )
    return "", job


def url_of(job: Job) -> str:
    """The contacts that a bulk job is about, as far as they are still there."""
    return f"{reverse('contacts:list')}?{filters_of(QueryDict(job.params['selection']))}"


def filters_of(query: QueryDict) -> str:
    """The filters of a selection, for the address of the contact list."""
    filters = query.copy()
    for name in ("contact", "everything"):
        filters.pop(name, None)
    return filters.urlencode()


def bulk_job(job: Job, *, now: datetime) -> None:
    """Apply an action to a large selection, in steps of ascending ids.

    Each step is a transaction of its own, so that other writers are not kept waiting. A step that is done again after
    a crash finds its work done.
    """
    action = BULK_ACTIONS[job.params["action"]]
    form = action.parameters(QueryDict(job.params["parameters"]), count=job.params["count"])
    if job.user is None or not form.is_valid():
        raise ValueError(_("What the action needs is gone: %(errors)s") % {"errors": form.errors.as_text()})
    if not job.user.has_perm(action.permission):
        raise ValueError(_("%(user)s may no longer do this.") % {"user": job.user})
    contacts = Selection(QueryDict(job.params["selection"]), job.user).contacts
    total, changed, last = job.params["count"], 0, 0
    for step, end in enumerate(_ends_of_steps(contacts), start=1):
        part = contacts.filter(pk__gt=last, pk__lte=end)
        changed += action.apply(part, form.cleaned_data, user=job.user, now=now)
        last, done = end, min(step * IN_ONE_STEP, total)
        jobs.progress(job, done, total, _("%(count)s contacts done") % {"count": Grouped(done)})
    jobs.progress(job, total, total, action.outcome(changed, form.cleaned_data))


def _ends_of_steps(contacts: QuerySet[Contact]) -> list[int]:
    """The last id of each step. Contacts that are created later lie beyond the last one."""
    newest = contacts.aggregate(newest=Max("pk"))["newest"]
    if newest is None:
        return []
    placed = contacts.order_by().annotate(place=Window(RowNumber(), order_by="pk"))
    full = placed.annotate(rest=F("place") % IN_ONE_STEP).filter(rest=0).order_by("pk")
    return [*full.values_list("pk", flat=True), newest]

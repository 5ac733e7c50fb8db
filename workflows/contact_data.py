"""The data that workflows keep about contacts: their ways through them, and what becomes of these with the contact."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from contacts.frozen import FrozenContacts
from contacts.models import Contact
from contacts.personal_data import Holder
from workflows.engine.claiming import hold_runs
from workflows.engine.moving import end
from workflows.models import Delivery, Incident, Run, Step


class Runs(Holder):
    key = "workflows"

    def hold(self, contacts: QuerySet[Contact]) -> None:
        """Who works runs locks these, and then the contacts."""
        try:
            ids, parameters = contacts.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return
        hold_runs(f"contact_id IN ({ids})", parameters, lock="UPDATE")

    def data_of(self, contact: Contact) -> Any:
        steps: dict[int, list[dict[str, Any]]] = defaultdict(list)
        columns = ("node", "port", "arrived_at", "left_at", "detail")
        for step in Step.objects.filter(run__contact=contact).order_by("pk"):
            steps[step.run_id].append({name: getattr(step, name) for name in columns})
        told = ("pk", "state", "node", "started_at", "ended_at", "reason", "values")
        runs = Run.objects.filter(contact=contact).order_by("pk").values(*told, name=F("workflow__name"))
        return [run | {"steps": steps[run.pop("pk")]} for run in runs]

    def delete(self, contacts: FrozenContacts, *, now: datetime) -> None:
        """What is still to be delivered for them is not."""
        runs = Run.objects.filter(contact_id__in=contacts.ids)
        for model in (Step, Delivery, Incident):
            model._default_manager.filter(run_id__in=runs.values("pk"))._raw_delete("default")
        runs._raw_delete("default")

    def anonymise(self, contact: Contact, *, now: datetime) -> None:
        """The ways stay for the figures; what they were filled with goes, and is not delivered any more."""
        Run.objects.filter(contact=contact).update(values={})
        deliveries = Delivery.objects.filter(run__contact=contact)
        deliveries.filter(state=Delivery.State.QUEUED).delete()
        deliveries.update(payload={}, error="")

    def move(self, gone: Contact, kept: Contact, *, now: datetime) -> None:
        """Whoever stands in a workflow twice goes on in it once, on the way of the contact that stays."""
        theirs = Run.objects.inside().real().filter(contact=kept)
        twice = Run.objects.inside().real().filter(contact=gone, workflow_id__in=theirs.values("workflow_id"))
        reason = _("Another contact turned out to be the same")
        end(list(twice.values_list("pk", flat=True)), Run.State.EXITED, reason, now=now)
        twin = Run.objects.filter(contact=kept, workflow_id=OuterRef("workflow_id"), key=OuterRef("key"))
        moving = Run.objects.filter(contact=gone)
        moving.filter(Exists(twin)).update(key=Concat("key", Value(f":{gone.pk}")))
        moving.update(contact=kept)

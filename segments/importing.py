"""Static segments as destinations of imports."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.folding import Fold, fold
from contacts.imports.destinations import Destination
from contacts.models import Contact, Import
from crm.models import User
from segments.editing import create_segment
from segments.membership import add_in_passing
from segments.models import Cause, Membership, Segment


class StaticSegments(Destination):
    key = "segment"
    label = gettext_lazy("Add to static segment")

    def options(self) -> list[tuple[int, str]]:
        return list(Segment.objects.live().static().values_list("pk", "name"))

    def url(self, id: int) -> str:
        return reverse("segments:detail", args=[id])

    def is_taken(self, name: str) -> bool:
        return Segment.objects.live().annotate(folded=Fold("name")).filter(folded=fold(name)).exists()

    def create(self, name: str, *, user: User | None, now: datetime) -> int:
        return create_segment(name=name, kind=Segment.Kind.STATIC, user=user, now=now).pk

    def add(self, id: int, contacts: QuerySet[Contact], *, import_run: Import, now: datetime) -> int:
        segment = Segment.objects.live().static().filter(pk=id).first()
        if segment is None:
            raise LookupError(_("The segment that the contacts were to be added to has been deleted."))
        return add_in_passing(segment, contacts, now=now, cause=Cause.IMPORT, detail=import_run.name)

    def put_elsewhere(self, contacts: QuerySet[Contact], *, import_run: Import) -> QuerySet[Contact]:
        theirs = Membership.objects.filter(contact_id=OuterRef("pk"), segment__kind=Segment.Kind.STATIC)
        theirs = theirs.filter(segment__deleted_at__isnull=True)
        chosen = import_run.options.get("destinations", {}).get(self.key)
        by_us = Q(segment_id=chosen, cause=Cause.IMPORT) if chosen else Q(pk__in=[])
        return contacts.filter(Exists(theirs.exclude(by_us)))

"""Creating, changing, deleting and restoring segments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.folding import Fold, fold
from contacts.models import Contact
from contacts.uses import Use
from crm import jobs
from crm.models import Job, User
from segments.compiler import Definition, depends_on, validate
from segments.faults import DefinitionError, Fault, Path
from segments.ledger import memberships_lock
from segments.models import Cause, Membership, Segment, SegmentVersion, Transition
from segments.refresh import REFRESH_JOB, refresh_segment
from segments.uses import forbidding_uses
from segments.versions import being_saved, keep_version, refuse_stale

SMALL = 20_000  # contacts up to which a page waits for the segment to be filled
KEPT_DELETED = timedelta(days=90)
ANNOUNCED = "announced"  # detail of the transitions of an edited definition that others shall act on


def create_segment(
    *,
    name: str,
    kind: str,
    now: datetime,
    description: str = "",
    is_test: bool = False,
    definition: Any = None,
    user: User | None = None,
) -> Segment:
    """Create a segment; one with a definition is to be filled by `fill`.

    Raises `DefinitionError` for a definition that cannot be used.
    """
    checked = None if kind == Segment.Kind.STATIC else validate(definition, kind=kind)
    with transaction.atomic():
        segment = Segment.objects.create(
            name=name,
            kind=kind,
            description=description,
            is_test=is_test,
            definition=checked,
            stale=checked is not None,
            refresh_cause="" if checked is None else Cause.DEFINITION,
            refreshed_at=now if checked is None else None,
            created_at=now,
            created_by=user,
            updated_at=now,
            updated_by=user,
        )
        if checked is not None:
            keep_version(segment, now=now, user=user)
    return segment


def save_segment(
    segment: Segment,
    *,
    name: str,
    description: str,
    is_test: bool,
    now: datetime,
    definition: Any = None,
    user: User | None = None,
    expected: str | None = None,
    announce: bool = False,
) -> bool:
    """Save what was edited. Returns whether the definition changed, and with it who belongs to the segment.

    A new definition gets the next version, so that a refresh under way for the old one drops its work; `fill` brings
    it about. With ``announce``, those who enter or leave by it do what entering and leaving does elsewhere, such as
    starting workflows. ``expected`` is the token of what was being edited (`segments.versions.token_of`). Raises
    `DefinitionError` for a definition that cannot be used, a rule on the segment itself included, and
    `ChangedMeanwhile` where something else would be lost that somebody saved since.
    """
    with being_saved(segment) as current:
        values: dict[str, Any] = {"name": name, "description": description, "is_test": is_test}
        checked = None if current.is_static else usable(definition, current)
        if checked != current.definition or any(getattr(current, key) != value for key, value in values.items()):
            refuse_stale(current, expected)
        Segment.objects.filter(pk=current.pk).update(**values, updated_at=now, updated_by=user)
        changed = checked is not None and _redefine(current, checked, now=now, user=user, announce=announce)
    segment.refresh_from_db()
    return changed


def restore_version(
    segment: Segment,
    version: SegmentVersion,
    *,
    now: datetime,
    user: User | None = None,
    expected: str | None = None,
) -> bool:
    """Give the segment the definition of an earlier version again, as a new version. Returns whether it is another one.

    Raises `DefinitionError` when that definition can no longer be used, and `ChangedMeanwhile` as `save_segment` does.
    """
    with being_saved(segment) as current:
        refuse_stale(current, expected)
        checked = usable(version.definition, current)
        changed = _redefine(current, checked, now=now, user=user, restored_from=version.version)
        if changed:
            Segment.objects.filter(pk=current.pk).update(updated_at=now, updated_by=user)
    segment.refresh_from_db()
    return changed


def make_dynamic_plus(
    segment: Segment, *, now: datetime, user: User | None = None, expected: str | None = None
) -> None:
    """Make a dynamic segment a dynamic plus one: the same conditions and members, and more to build with.

    Raises ValueError for a segment of another type, and `ChangedMeanwhile` as `save_segment` does.
    """
    with being_saved(segment) as current:
        refuse_stale(current, expected)
        if current.kind != Segment.Kind.DYNAMIC:
            raise ValueError("only a dynamic segment can be made dynamic plus")
        current.kind, current.version = Segment.Kind.DYNAMIC_PLUS, current.version + 1
        current.updated_at, current.updated_by = now, user
        current.save(update_fields=["kind", "version", "updated_at", "updated_by"])
        keep_version(current, now=now, user=user)
    segment.refresh_from_db()


def usable(definition: Any, segment: Segment) -> Definition:
    """The definition as it is stored for this segment. Raises `DefinitionError` for one that it cannot have."""
    checked = validate(definition, kind=segment.kind)
    refuse_cycle(segment, checked)
    return checked


def _redefine(
    current: Segment,
    definition: Definition,
    *,
    now: datetime,
    user: User | None,
    restored_from: int | None = None,
    announce: bool = False,
) -> bool:
    if definition == current.definition:
        return False
    current.definition, current.version = definition, current.version + 1
    current.stale, current.failed_at, current.error = True, None, ""
    current.refresh_cause, current.refresh_detail = Cause.DEFINITION, ANNOUNCED if announce else ""
    current.save(
        update_fields=["definition", "version", "stale", "failed_at", "error", "refresh_cause", "refresh_detail"]
    )
    keep_version(current, now=now, user=user, restored_from=restored_from)
    return True


def refuse_cycle(segment: Segment, definition: Definition) -> None:
    """Raise `DefinitionError` when the segment would depend on itself, with the way from segment to segment."""
    names = {segment.pk: segment.name}
    reads = {segment.pk: _segments_read(definition)}
    for other in Segment.objects.live().defined().exclude(pk=segment.pk).only("pk", "name", "definition"):
        names[other.pk] = other.name
        reads[other.pk] = _segments_read(other.conditions)
    ways = [[segment.pk]]
    seen: set[int] = set()
    while ways:
        way = ways.pop()
        for read in reads.get(way[-1], set()):
            if read == segment.pk:
                circle = [*way, read]
                path = " → ".join(names[pk] for pk in circle)
                message = _("The segment would depend on itself: %(path)s.") % {"path": path}
                raise DefinitionError([Fault(_rule_on(circle[1], definition), message)])
            if read not in seen:
                seen.add(read)
                ways.append([*way, read])


def _rule_on(segment_pk: int, group: Definition, path: Path = ()) -> Path:
    """The path to the first rule that reads a segment; empty when there is none."""
    for place, rule in enumerate(group["rules"]):
        here = (*path, "rules", place)
        if rule.get("segment") == segment_pk:
            return here
        if "match" in rule and (found := _rule_on(segment_pk, rule, here)):
            return found
    return ()


def _segments_read(definition: Definition) -> set[int]:
    return {int(key.removeprefix("segment:")) for key in depends_on(definition) if key.startswith("segment:")}


def fill(segment: Segment, *, now: datetime, user: User | None = None) -> Job | None:
    """Bring a segment up to date with its definition: at once among few contacts, else by a job of the worker."""
    few = not Contact.objects.order_by().values("pk")[SMALL : SMALL + 1].exists()
    if few:
        refresh_segment(segment, now=now)
        return None
    return jobs.start(
        REFRESH_JOB,
        title=_("Refresh of %(segment)s") % {"segment": segment.name},
        subject=f"segment:{segment.pk}",
        params={"segment": segment.pk},
        user=user,
        now=now,
    )


def refresh_job(job: Job, *, now: datetime) -> None:
    """What a refresh job does."""
    segment = Segment.objects.live().filter(pk=job.params["segment"]).first()
    if segment is not None:
        refresh_segment(
            segment,
            now=now,
            report=lambda done, total, message: jobs.progress(job, done, total, message),
        )


class InUse(ValueError):
    """The segment cannot be deleted because of its ``uses``."""

    def __init__(self, uses: list[Use]) -> None:
        self.uses = uses
        names = ", ".join(use.name for use in uses)
        super().__init__(_("The segment cannot be deleted while it is used by: %(uses)s.") % {"uses": names})


def delete_segment(segment: Segment, *, now: datetime, user: User | None = None) -> None:
    """Delete a segment: its contacts stay, and for 90 days it can be restored.

    Segments with a rule on it show an error from their next refresh on. Raises `InUse`.
    """
    with memberships_lock():
        if uses := forbidding_uses(segment):
            raise InUse(uses)
        Segment.objects.filter(pk=segment.pk, deleted_at__isnull=True).update(
            deleted_at=now, deleted_by=user, refresh_token=None
        )


class NameTaken(ValueError):
    """Another segment has the name of the one to be restored."""


def restore_segment(segment: Segment, *, now: datetime, user: User | None = None) -> Job | None:
    """Restore a deleted segment, with its members; one with a definition is brought up to date.

    Returns the job that does it if there are many contacts. Raises `NameTaken`.
    """
    with transaction.atomic():
        same_name = Segment.objects.live().annotate(folded=Fold("name")).filter(folded=fold(segment.name))
        if same_name.exists():
            raise NameTaken(segment.name)
        Segment.objects.filter(pk=segment.pk).update(
            deleted_at=None, deleted_by=None, stale=not segment.is_static, failed_at=None, error=""
        )
        # Who came to belong to it meanwhile does so because it is back.
        Segment.objects.defined().filter(pk=segment.pk, refresh_cause="").update(refresh_cause=Cause.DEFINITION)
        # Segments that failed for want of this one are tried again at once.
        Segment.objects.live().defined().filter(stale=True).update(failed_at=None)
    segment.refresh_from_db()
    return None if segment.is_static else fill(segment, now=now, user=user)


def purge_deleted(*, now: datetime) -> int:
    """Remove for good the segments that were deleted more than 90 days ago; returns how many."""
    expired = list(Segment.objects.deleted().filter(deleted_at__lt=now - KEPT_DELETED).values_list("pk", flat=True))
    for pk in expired:
        with memberships_lock():
            Membership.objects.filter(segment_id=pk)._raw_delete("default")
            Transition.objects.filter(segment_id=pk)._raw_delete("default")
            Segment.objects.filter(pk=pk).delete()
    return len(expired)

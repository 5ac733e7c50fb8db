"""What segments add to exports: the names of a contact's segments, segments with their definitions, and transitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.exports.columns import Chunk, Column, Property, Values
from contacts.exports.contact_rows import Names
from contacts.exports.event_rows import DaysMixin
from contacts.exports.snapshot import Snapshot
from contacts.exports.source import RowsForm
from contacts.exports.types import ExportType
from crm.models import User
from segments.causes import reasons_of
from segments.compiler import describe
from segments.context import Context
from segments.faults import DefinitionError
from segments.models import Membership, Segment, Transition

SEGMENT = gettext_lazy("Segment")
CONTACT = gettext_lazy("Contact")
TRANSITION = gettext_lazy("Transition")


class SegmentNames(Names):
    key = "segments"
    label = gettext_lazy("Segments")

    def pairs(self, contact_ids: Sequence[int]) -> QuerySet[Any, Any]:
        live = Membership.objects.filter(contact_id__in=contact_ids, segment__deleted_at__isnull=True)
        return live.order_by("segment__name", "segment_id").values_list("contact_id", "segment__name")


class SegmentsForm(RowsForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Segments"),
        choices=[("", gettext_lazy("All segments")), *Segment.Kind.choices],
        required=False,
        widget=forms.RadioSelect,
    )

    @property
    def segments(self) -> QuerySet[Segment]:
        kind = self.cleaned_data["kind"]
        return Segment.objects.live().filter(**{"kind": kind} if kind else {})

    def in_words(self) -> str:
        kind = self.cleaned_data["kind"]
        return str(Segment.Kind(kind).label) if kind else ""


class Segments(ExportType[SegmentsForm]):
    key = "segments"
    label = gettext_lazy("Segments and their definitions")
    explanation = gettext_lazy("Name, type, size and conditions of each segment, as a sentence and as JSON.")
    icon = "shapes"
    permissions = ("segments.view_segment",)
    rows_form = SegmentsForm
    rows_heading = gettext_lazy("Which segments")
    usual = ("name", "description", "kind", "sentence", "definition", "size", "updated_at")

    def properties(self) -> list[Property]:
        return [
            Property("id", gettext_lazy("Segment id"), SEGMENT, "number"),
            Property("name", gettext_lazy("Name"), SEGMENT),
            Property("description", gettext_lazy("Description"), SEGMENT),
            Property("kind", gettext_lazy("Type"), SEGMENT),
            Property("sentence", gettext_lazy("Conditions in words"), SEGMENT),
            Property("definition", gettext_lazy("Definition (JSON)"), SEGMENT, "json"),
            Property("version", gettext_lazy("Version"), SEGMENT, "number"),
            Property("size", gettext_lazy("Contacts"), SEGMENT, "number"),
            Property("is_test", gettext_lazy("Test segment"), SEGMENT, "boolean"),
            Property("refreshed_at", gettext_lazy("Last refreshed"), SEGMENT, "datetime"),
            Property("created_at", gettext_lazy("Created"), SEGMENT, "datetime"),
            Property("created_by", gettext_lazy("Created by"), SEGMENT),
            Property("updated_at", gettext_lazy("Updated"), SEGMENT, "datetime"),
            Property("updated_by", gettext_lazy("Updated by"), SEGMENT),
        ]

    def count(self, form: SegmentsForm) -> int:
        return form.segments.count()

    def chunks(self, form: SegmentsForm, columns: Sequence[Column], snapshot: Snapshot) -> Iterator[Chunk]:
        keys = [column.key for column in columns]
        stored = {"sentence": "definition", "created_by": "created_by__username", "updated_by": "updated_by__username"}
        names = list(dict.fromkeys(stored.get(key, key) for key in keys))
        for chunk in snapshot.chunks(form.segments.order_by("name", "pk").values_list(*names)):
            found = dict(zip(names, chunk, strict=True))
            values = {key: found[stored.get(key, key)] for key in keys}
            if "sentence" in values:
                values["sentence"] = _sentences(found["definition"])
            yield [values[key] for key in keys]


def _sentences(definitions: Values) -> Values:
    context = Context()
    return [_sentence(definition, context) for definition in definitions]


def _sentence(definition: Any, context: Context) -> str:
    """The conditions in words; what is wrong with them where they name something that is gone."""
    if definition is None:
        return ""
    try:
        return describe(definition, context=context)
    except DefinitionError as error:
        return str(error)


class TransitionsForm(DaysMixin, RowsForm):
    segment = forms.ModelChoiceField(
        Segment.objects.live(),
        label=gettext_lazy("Segment"),
        empty_label=gettext_lazy("Choose a segment"),
        error_messages={"required": gettext_lazy("Choose a segment.")},
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, user=user, **options)
        self.order_fields(["segment", "first", "last"])

    @property
    def transitions(self) -> QuerySet[Transition]:
        return Transition.objects.filter(segment=self.cleaned_data["segment"], **self.within("at"))

    def in_words(self) -> str:
        name = _("Segment: %(name)s") % {"name": self.cleaned_data["segment"].name}
        return ", ".join([name, *self.days_in_words()])


class Transitions(ExportType[TransitionsForm]):
    key = "transitions"
    label = gettext_lazy("Transitions of a segment")
    explanation = gettext_lazy("Who entered and who left a segment, when and why.")
    icon = "arrow-left-right"
    permissions = ("contacts.view_contact", "segments.view_transition")
    rows_form = TransitionsForm
    rows_heading = gettext_lazy("Which transitions")
    usual = ("at", "kind", "email", "external_id", "first_name", "last_name", "reason")

    def properties(self) -> list[Property]:
        return [
            Property("at", gettext_lazy("When"), TRANSITION, "datetime"),
            Property("kind", gettext_lazy("Entered or left"), TRANSITION),
            Property("reason", gettext_lazy("Why"), TRANSITION),
            Property("cause", gettext_lazy("Cause"), TRANSITION),
            Property("detail", gettext_lazy("Detail of the cause"), TRANSITION),
            Property("contact_id", gettext_lazy("Contact id"), CONTACT, "number"),
            Property("email", gettext_lazy("Email"), CONTACT),
            Property("external_id", gettext_lazy("External id"), CONTACT),
            Property("first_name", gettext_lazy("First name"), CONTACT),
            Property("last_name", gettext_lazy("Last name"), CONTACT),
        ]

    def count(self, form: TransitionsForm) -> int:
        return form.transitions.count()

    def chunks(self, form: TransitionsForm, columns: Sequence[Column], snapshot: Snapshot) -> Iterator[Chunk]:
        keys = [column.key for column in columns]
        names = list(dict.fromkeys(["pk", "cause", "detail", *(key for key in keys if key != "reason")]))
        of_contact = {key: F(f"contact__{key}") for key in ("email", "external_id", "first_name", "last_name")}
        rows_wanted = form.transitions.order_by("at", "pk").annotate(**of_contact)
        for chunk in snapshot.chunks(rows_wanted.values_list(*names)):
            found = dict(zip(names, chunk, strict=True))
            if "reason" in keys:
                found["reason"] = _reasons(found)
            yield [found[key] for key in keys]


def _reasons(found: dict[str, Values]) -> Values:
    rows = zip(found["pk"], found["cause"], found["detail"], strict=True)
    reasons = reasons_of(Transition(pk=pk, cause=cause, detail=detail) for pk, cause, detail in rows)
    return [reasons[pk] for pk in found["pk"]]

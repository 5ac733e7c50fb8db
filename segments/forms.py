"""The forms of the segment pages, besides the editor's tree."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.folding import Fold, fold
from segments.models import Segment


class SegmentForm(forms.Form):
    """What every segment has. ``segment`` is the one being edited; a new one has no id."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 1})
    )
    is_test = forms.BooleanField(
        label=_("Test segment"),
        required=False,
        help_text=_("For trying out workflows before real contacts enter them."),
    )

    def __init__(self, *args: Any, segment: Segment, **options: Any) -> None:
        self.segment = segment
        stored = {"name": segment.name, "description": segment.description, "is_test": segment.is_test}
        defaults: dict[str, Any] = {"initial": stored, "use_required_attribute": False}
        super().__init__(*args, **(defaults | options))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = Segment.objects.live().exclude(pk=self.segment.pk).alias(folded=Fold("name")).filter(folded=fold(name))
        if same.exists():
            raise forms.ValidationError(gettext("There is a segment of this name."), code="taken")
        return name


class DeleteForm(forms.Form):
    """The explicit consent to delete a segment that is used."""

    confirmed = forms.BooleanField(
        label=_("Delete it although it is used"),
        error_messages={"required": _("Tick the box to delete a segment that is used.")},
    )

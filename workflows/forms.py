"""The forms of the workflow pages, besides the settings of the nodes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.folding import Fold, fold
from segments.models import Segment
from workflows.models import Workflow


class WorkflowForm(forms.Form):
    """What every workflow has besides its graph. ``workflow`` is the one being edited; a new one has no id."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    folder = forms.CharField(
        label=_("Folder"),
        max_length=100,
        required=False,
        help_text=_("Workflows with the same folder stand together in the list."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "folders"}),
    )
    test_segment = forms.ModelChoiceField(
        label=_("Test segment"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("None"),
        help_text=_("A test of the draft runs with the contacts of this segment alone."),
    )

    def __init__(self, *args: Any, workflow: Workflow, **options: Any) -> None:
        self.workflow = workflow
        stored = {name: getattr(workflow, name) for name in ("name", "description", "folder")}
        stored["test_segment"] = workflow.test_segment_id
        defaults: dict[str, Any] = {"initial": stored, "use_required_attribute": False}
        super().__init__(*args, **(defaults | options))
        tests = Segment.objects.live().filter(is_test=True, kind=Segment.Kind.STATIC)
        self.fields["test_segment"].queryset = tests.order_by("name", "pk")  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = Workflow.objects.live().exclude(pk=self.workflow.pk).alias(folded=Fold("name")).filter(folded=fold(name))
        if same.exists():
            raise forms.ValidationError(gettext("There is a workflow of this name."), code="taken")
        return name


def folders() -> list[str]:
    """The folders that workflows are in."""
    found = Workflow.objects.live().exclude(folder="").order_by("folder").values_list("folder", flat=True)
    return list(found.distinct())


class LifeForm(forms.Form):
    """A question with two answers, such as what becomes of the contacts that are inside."""

    answer = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one."), "invalid_choice": _("Choose one.")},
    )

    def __init__(self, *args: Any, label: str, answers: list[tuple[str, str]], **options: Any) -> None:
        defaults: dict[str, Any] = {"initial": {"answer": answers[0][0]}, "use_required_attribute": False}
        super().__init__(*args, **(defaults | options))
        field = self.fields["answer"]
        assert isinstance(field, forms.ChoiceField)
        field.label, field.choices = label, answers

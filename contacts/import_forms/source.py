"""Step 1: where the rows come from, and how they are read."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from typing import Any, BinaryIO, cast

from django import forms
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.imports.sources import FORMATS, UnreadableFile, detect
from contacts.models import Import

EXTENSIONS = [f".{extension}" for kind in FORMATS for extension in kind.extensions]
LONGEST_PASTE = 2_000_000  # characters


class SourceForm(forms.Form):
    """What every way of giving rows asks for. ``rows`` names the field that has them."""

    rows: str

    kind = forms.ChoiceField(
        label=gettext_lazy("What a row is about"),
        choices=[
            (Import.Kind.CONTACTS, gettext_lazy("Contacts")),
            (Import.Kind.EVENTS, gettext_lazy("Events: purchases, visits and more")),
        ],
        widget=forms.RadioSelect(attrs={"class": "segmented"}),
    )
    name = forms.CharField(label=gettext_lazy("Name of the import"), max_length=200, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **(options | {"use_required_attribute": False}))

    def file(self) -> File:
        """What is to be read; its name says by its ending what it seems to be."""
        raise NotImplementedError

    def name_of_import(self, *, now: datetime) -> str:
        raise NotImplementedError


class UploadForm(SourceForm):
    rows = "uploaded"
    uploaded = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        max_length=255,
        error_messages={"required": gettext_lazy("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ",".join(EXTENSIONS)}),
    )
    field_order = ["kind", "uploaded", "name"]

    def __init__(self, *args: Any, is_too_large: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        limit = settings.IMPORT_MAX_MEGABYTES
        uploaded = self.fields["uploaded"]
        uploaded.help_text = _("CSV, TSV, XLSX or JSON lines, up to %(size)d MB.") % {"size": limit}
        self.fields["name"].help_text = _("Left empty, it is the name of the file.")
        if is_too_large:
            text = _("The file is larger than %(size)d MB. Divide it, or let an administrator raise the limit.")
            uploaded.error_messages["required"] = text % {"size": limit}

    def clean_uploaded(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["uploaded"]
        try:
            detect(cast(BinaryIO, file), file.name or "")
        except UnreadableFile as reason:
            raise forms.ValidationError(str(reason)) from reason
        extension = PurePath(file.name or "").suffix.lower()
        if extension and extension not in EXTENSIONS:
            text = _("A file of the type %(type)s cannot be imported. Save it as one of these: %(types)s.")
            raise forms.ValidationError(text % {"type": extension[:20], "types": ", ".join(EXTENSIONS)})
        return file

    def file(self) -> File:
        file: File = self.cleaned_data["uploaded"]
        return file

    def name_of_import(self, *, now: datetime) -> str:
        name: str = self.cleaned_data["name"] or str(self.cleaned_data["uploaded"].name)[:200]
        return name


class PasteForm(SourceForm):
    rows = "pasted"
    pasted = forms.CharField(
        label=gettext_lazy("Rows"),
        strip=False,
        error_messages={"required": gettext_lazy("Paste the rows here.")},
        help_text=gettext_lazy("Copied from a spreadsheet or a CSV file, with the names of the columns first."),
        widget=forms.Textarea(
            attrs={"rows": 12, "spellcheck": "false", "wrap": "off", "class": "pasted", "autocomplete": "off"}
        ),
    )
    field_order = ["kind", "pasted", "name"]

    def __init__(self, *args: Any, is_too_large: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].help_text = _("Left empty, it is named after this moment.")
        if is_too_large:
            self.fields["pasted"].error_messages["required"] = too_much()

    def clean_pasted(self) -> str:
        text: str = self.cleaned_data["pasted"]
        if not text.strip():
            raise forms.ValidationError(self.fields["pasted"].error_messages["required"])
        if len(text) > LONGEST_PASTE:
            raise forms.ValidationError(too_much())
        return text

    def file(self) -> File:
        return ContentFile(self.cleaned_data["pasted"].encode("utf-8", "surrogatepass"), name="pasted.txt")

    def name_of_import(self, *, now: datetime) -> str:
        moment = date_format(timezone.localtime(now), "DATETIME_FORMAT")
        name: str = self.cleaned_data["name"] or _("Pasted on %(moment)s") % {"moment": moment}
        return name


def too_much() -> str:
    return _("This is more than can be pasted. Save it as a file, and upload that.")


WAYS: dict[str, type[SourceForm]] = {"upload": UploadForm, "paste": PasteForm}

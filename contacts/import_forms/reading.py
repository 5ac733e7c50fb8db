"""Step 1, continued: overruling what was found out about how a file is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from contacts.imports.sources import DELIMITERS, ENCODINGS, FORMATS, Source


class ReadingForm(forms.Form):
    """Only what the format of the file leaves open is asked."""

    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"))
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=ENCODINGS)
    delimiter = forms.ChoiceField(label=gettext_lazy("Delimiter"), choices=DELIMITERS)
    header = forms.BooleanField(label=gettext_lazy("The first row has the names of the columns"), required=False)

    def __init__(self, data: Any = None, *, source: Source, sheets: list[str]) -> None:
        self._source = source
        super().__init__(data, initial=source.as_json(), use_required_attribute=False)
        format = FORMATS[source.format]
        sheet: Any = self.fields["sheet"]
        sheet.choices = [(name, name) for name in sheets]
        is_open = {
            "sheet": len(sheets) > 1,
            "encoding": format.has_encoding,
            "delimiter": format.has_delimiter,
            "header": format.has_header,
        }
        for name in [name for name, there in is_open.items() if not there]:
            del self.fields[name]

    def source(self) -> Source:
        """How the file is to be read now."""
        return replace(self._source, **self.cleaned_data)

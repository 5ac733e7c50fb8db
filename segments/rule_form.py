"""The form that reads and checks a rule, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict

from segments.context import Context
from segments.faults import Path

Rule = dict[str, Any]


class RuleForm(forms.Form):
    """The parameters of one rule, or of a part of one: the editor's inputs, and the checks of the editor and the API.

    Its cleaned data become the stored rule through `rule`. Which fields there are follows from the data, so that the
    form for half-filled data has the inputs that come next. ``paths`` says where in the stored rule an input's fault
    belongs, when that is not its name; a part is at ``place`` in the rule. ``shaping`` names the inputs that decide
    which others there are.

    ``parts`` are forms of their own by name, such as a window of time. ``lists`` are parts of which there can be any
    number, by name and then by id; the ids are in the data under the list's name, so that adding and removing renumbers
    nothing. ``begins_with`` says how many parts of a list an empty form has.
    """

    begins_with: Mapping[str, int] = {}
    paths: Mapping[str, Path] = {}
    shaping: tuple[str, ...] = ("operator",)

    def __init__(self, *args: Any, context: Context, place: Path = (), **options: Any) -> None:
        self.context = context
        self.place = place
        self.parts: dict[str, RuleForm] = {}
        self.lists: dict[str, dict[str, RuleForm]] = {}
        settings: dict[str, Any] = {"auto_id": "%s", "use_required_attribute": False} | options
        super().__init__(*args, **settings)

    def add_part(self, name: str, form: type[RuleForm], **options: Any) -> None:
        self.parts[name] = self._part(name, form, (name,), **options)

    def add_list(self, name: str, form: type[RuleForm], **options: Any) -> None:
        self.lists[name] = {
            part_id: self._part(f"{name}-{part_id}", form, (name, place), **options)
            for place, part_id in enumerate(self._ids(name))
        }

    def _part(self, name: str, form: type[RuleForm], place: Path, **options: Any) -> RuleForm:
        return form(
            self.data if self.is_bound else None,
            context=self.context,
            prefix=self.add_prefix(name),
            place=place,
            **options,
        )

    def _ids(self, name: str) -> list[str]:
        prefixed = self.add_prefix(name)
        ids = self.data.getlist(prefixed) if isinstance(self.data, MultiValueDict) else self.data.get(prefixed, [])
        return list(dict.fromkeys(ids))

    def forms(self) -> Iterator[RuleForm]:
        """The form itself, and those of all its parts."""
        yield self
        for part in (*self.parts.values(), *(one for parts in self.lists.values() for one in parts.values())):
            yield from part.forms()

    def named_lists(self) -> list[tuple[str, str, list[tuple[str, RuleForm]]]]:
        """The lists, each with its name, its name in the HTML form, and its parts by id."""
        return [(name, self.add_prefix(name), list(parts.items())) for name, parts in self.lists.items()]

    def given(self, name: str) -> Any:
        """What was entered for an input, before any check."""
        prefixed = self.add_prefix(name)
        return self.data.get(prefixed) if self.is_bound else self.get_initial_for_field(self.fields[name], name)

    def is_valid(self) -> bool:
        return all(form.is_bound and not form.errors for form in self.forms())

    def faults(self) -> Iterator[tuple[Path, str]]:
        """What is wrong, with the place in the rule that it is about."""
        for name, messages in self.errors.items():
            path = self.paths.get(name, (name,)) if name != "__all__" else ()
            for message in messages:
                yield path, str(message)
        for part in (*self.parts.values(), *(one for parts in self.lists.values() for one in parts.values())):
            for path, message in part.faults():
                yield (*part.place, *path), message

    def leave_unchecked(self) -> None:
        """Print what was entered as it is, without looking for faults: for a form that is still being filled in."""
        for form in self.forms():
            form._errors = ErrorDict()  # type: ignore[attr-defined]

    @property
    def days_count(self) -> bool:
        """Whether an input of this form makes it matter where days begin and end."""
        return False

    @property
    def time_zone_counts(self) -> bool:
        """Whether who matches depends on where days begin and end."""
        return any(form.days_count for form in self.forms())

    def rule(self) -> Rule:
        """The rule to store, or this part of it. Only for a valid form."""
        raise NotImplementedError

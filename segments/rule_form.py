"""The form that reads and checks a rule, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict

from segments.context import Context
from segments.faults import Path

Rule = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """Inputs of a form, up to the one that decides which others there are; None for the last stage."""

    inputs: list[BoundField]
    shaping: BoundField | None


@dataclass(frozen=True)
class Section:
    """A part of a form, or a list of parts by id.

    ``data_name`` is what a list is called in the data; ``lead`` is said before it; the list can get longer or shorter.
    """

    name: str
    data_name: str
    lead: Any
    part: RuleForm | None
    items: list[tuple[str, RuleForm]]
    can_grow: bool
    can_shrink: bool


class RuleForm(forms.Form):
    """The parameters of one rule, or of a part of one: the editor's inputs, and the checks of the editor and the API.

    Its cleaned data become the stored rule through `rule`. Which fields there are follows from the data, so that the
    form for half-filled data has the inputs that come next. ``paths`` says where in the stored rule an input's fault
    belongs, when that is not its name; a part is at ``place`` in the rule. ``shaping`` names the inputs that decide
    which others there are.

    ``parts`` are forms of their own by name, such as a window of time. ``lists`` are parts of which there can be any
    number, by name and then by id; the ids are in the data under the list's name, so that adding and removing renumbers
    nothing. ``sizes`` says how many parts a list has at least, with which an empty form begins, and at most.

    For the page that prints the form: ``apart`` names the inputs that do not stand among the others, ``leads`` are
    words said before a part, ``labelled`` names the inputs whose labels are seen, where the others read as a sentence
    without them. ``left`` is the list that lost a part just now.
    """

    sizes: Mapping[str, tuple[int, int]] = {}
    paths: Mapping[str, Path] = {}
    shaping: tuple[str, ...] = ("operator",)
    leads: Mapping[str, Any] = {}
    labelled: tuple[str, ...] = ()

    def __init__(self, *args: Any, context: Context, place: Path = (), **options: Any) -> None:
        self.context = context
        self.place = place
        self.parts: dict[str, RuleForm] = {}
        self.lists: dict[str, dict[str, RuleForm]] = {}
        self.order: list[str] = []
        self.apart = {"only_set"}
        self.left = ""
        settings: dict[str, Any] = {"auto_id": "%s", "use_required_attribute": False} | options
        super().__init__(*args, **settings)

    def add_part(self, name: str, form: type[RuleForm], **options: Any) -> None:
        self.order.append(name)
        self.parts[name] = self._part(name, form, (name,), **options)

    def add_list(self, name: str, form: type[RuleForm], **options: Any) -> None:
        self.order.append(name)
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

    def stages(self) -> list[Stage]:
        """The inputs in order, by what follows from what."""
        stages: list[Stage] = []
        inputs: list[BoundField] = []
        for bound in self:
            if bound.name in self.shaping:
                stages.append(Stage(inputs, bound))
                inputs = []
            elif bound.name not in self.apart:
                inputs.append(bound)
        return [*stages, Stage(inputs, None)]

    def sections(self) -> list[Section]:
        """The parts and the lists, in the order in which they were added."""
        return [self._section(name) for name in self.order]

    def _section(self, name: str) -> Section:
        items = list(self.lists.get(name, {}).items())
        fewest, most = self.sizes.get(name, (0, 0))
        return Section(
            name=name,
            data_name=self.add_prefix(name),
            lead=self.leads.get(name, ""),
            part=self.parts.get(name),
            items=items,
            can_grow=len(items) < most,
            can_shrink=len(items) > fewest,
        )

    def faulty(self) -> list[tuple[BoundField, bool]]:
        """The inputs with something wrong, each with whether the same is said of one before it."""
        bounds = [bound for bound in self if bound.errors]
        said = [list(bound.errors) for bound in bounds]
        return [(bound, said[place] in said[:place]) for place, bound in enumerate(bounds)]

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

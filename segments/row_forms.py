"""The forms of the conditions in the editor: for a subject, filled with what begins in them, led by the keyboard."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from segments.conditions import CONDITIONS, Condition
from segments.context import Context
from segments.rule_form import RuleForm

FIELD = "field"

WHAT_TO_DO = {
    forms.MultipleChoiceField: gettext_lazy("Choose at least one."),
    forms.ChoiceField: gettext_lazy("Choose one."),
    forms.Field: gettext_lazy("Enter a value."),
}


def new_id() -> str:
    return f"n{secrets.token_hex(4)}"


def condition_of(subject: str) -> Condition:
    """The kind of condition that has this subject; a subject that nobody knows is a field that is missing."""
    others = (one for one in CONDITIONS if one.key != FIELD and one.given_by(subject) is not None)
    return next(others, CONDITIONS[FIELD])


def form_for(row_id: str, subject: str, data: MutableMapping[str, Any], context: Context) -> RuleForm:
    """The condition's form. Inputs that are new in it begin with their initial values."""
    condition = condition_of(subject)
    given = condition.given_by(subject) or {}
    for name, value in given.items():
        data[f"{row_id}-{name}"] = value
    form = begun(lambda: condition.form(data, context=context, prefix=row_id), data)
    form.apart |= set(given)
    lead_people(form)
    return form


def begun(form_of: Callable[[], RuleForm], data: MutableMapping[str, Any]) -> RuleForm:
    """The form over the data, into which the initial values of inputs are put that are new in the form."""
    form = form_of()
    while missing := dict(_missing(form, data)):
        for name, value in missing.items():
            if isinstance(data, QueryDict) and isinstance(value, list):
                data.setlist(name, value)
            else:
                data[name] = value
        form = form_of()
    return form


def lead_people(form: RuleForm) -> None:
    """Say what to do where something is missing; inputs that decide which others there are bring these along."""
    for one in form.forms():
        for name, field in one.fields.items():
            field.error_messages["required"] = next(
                text for kind, text in WHAT_TO_DO.items() if isinstance(field, kind)
            )
            if name in one.shaping:
                rest = f"#{one.add_prefix(name)}-rest"
                field.widget.attrs |= {"hx-post": "", "hx-target": rest, "hx-select": rest}


def _missing(form: RuleForm, data: MutableMapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What new inputs and lists of a condition begin with, by their names in the data."""
    for one in form.forms():
        for name, new in one.fields.items():
            if new.initial is not None and one.given(name) is None:
                yield one.add_prefix(name), new.initial
        for name, (fewest, _most) in one.sizes.items():
            if fewest and not data.get(one.add_prefix(name)):
                yield one.add_prefix(name), [new_id() for _part in range(fewest)]


def drop_what_does_not_fit(row_id: str, subject: str, data: QueryDict, context: Context) -> None:
    """Of the operator and the values of another subject, keep those that are right for this one."""
    form = form_for(row_id, subject, data, context)
    if "operator" in form.fields:
        operators = list(_keys(form.fields["operator"].choices))  # type: ignore[attr-defined]
        if form.given("operator") not in operators:
            data[f"{row_id}-operator"] = form.fields["operator"].initial or operators[0]
            form = form_for(row_id, subject, data, context)
    for one in form.forms():
        for name in one.errors:
            for key in (name, f"{name}_0", f"{name}_1"):
                data.pop(one.add_prefix(key), None)


def _keys(choices: Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    """The keys of choices, of which some stand under headings."""
    for key, label in choices:
        if isinstance(label, list | tuple):
            yield from _keys(label)
        else:
            yield key


def renamed(data: Mapping[str, Any], old: str, new: str) -> MutableMapping[str, Any]:
    """The data of a node for another one."""
    names = {name: new + name.removeprefix(old) for name in data if name.startswith(f"{old}-")}
    if not isinstance(data, QueryDict):
        return {names[name]: data[name] for name in names}
    renamed = QueryDict(mutable=True)
    for name in names:
        renamed.setlist(names[name], data.getlist(name))
    return renamed


def change_lists(data: QueryDict) -> None:
    """Add a part to a list of a condition, or remove one: ``more=list`` and ``less=list:part`` say which."""
    for name in data.getlist("more"):
        data.appendlist(name, new_id())
    for pressed in data.getlist("less"):
        name, _separator, part = pressed.partition(":")
        data.setlist(name, [one for one in data.getlist(name) if one != part])


def lead_the_keyboard(row_form: RuleForm, data: QueryDict) -> None:
    """Begin with a part that was added just now, of which nothing is a fault yet; or stay with a list that lost one."""
    grown = data.getlist("more")
    shrunk = [pressed.partition(":")[0] for pressed in data.getlist("less")]
    for form in row_form.forms():
        for name, parts in form.lists.items():
            if form.add_prefix(name) in grown and parts:
                added = list(parts.values())[-1]
                added.leave_unchecked()
                next(iter(added.fields.values())).widget.attrs["autofocus"] = True
            elif form.add_prefix(name) in shrunk:
                form.left = name

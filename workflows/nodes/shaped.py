"""Forms of nodes whose inputs follow from what is chosen in one of them."""

from __future__ import annotations

from typing import Any

from workflows.nodes.base import NodeForm

CHANGE = "change"
"""What the panel posts besides when the form shall look different, and not be saved."""


class ShapedForm(NodeForm):
    """A form that looks different after some of its inputs changed.

    ``shaping`` names these inputs; `shape` adds those that follow from them. While it is being edited it shows what was
    entered so far, and no faults.
    """

    shaping: tuple[str, ...] = ()

    def __init__(self, data: Any = None, **options: Any) -> None:
        self.posted = data if data is not None and CHANGE in data else None
        super().__init__(None if self.posted is not None else data, **options)
        for name in self.shaping:
            self.fields[name].widget.attrs["hx-post"] = ""
        self.shape()
        if self.posted is not None:
            self.initial.update({name: self._entered(name) for name in self.fields if self._is_entered(name)})

    def shape(self) -> None:
        """Add the inputs that follow from what is given."""

    def given(self, name: str) -> Any:
        """What was entered for an input, before any check."""
        if self.posted is not None:
            return self._entered(name) if self._is_entered(name) else self.fields[name].initial
        if self.is_bound:
            return self._value_in(self.data, name)
        return self.get_initial_for_field(self.fields[name], name)

    @property
    def is_being_edited(self) -> bool:
        return self.posted is not None

    def _is_entered(self, name: str) -> bool:
        widget = self.fields[name].widget
        return not widget.value_omitted_from_data(self.posted, {}, self.add_prefix(name))

    def _entered(self, name: str) -> Any:
        return self._value_in(self.posted, name)

    def _value_in(self, data: Any, name: str) -> Any:
        return self.fields[name].widget.value_from_datadict(data, {}, self.add_prefix(name))

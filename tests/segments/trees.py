"""Short words for tests of the editor: trees as they are stored, printed, and read from what a browser sends."""

from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string

from segments.compiler import validate
from segments.context import Context
from segments.editor import Tree, read_tree, tree_of
from segments.tree import Row
from tests.segments.printed import Data, posted

EVER = {"kind": "ever"}
PLUS = "dynamic_plus"


def definition(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


def field_rule(key: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator, **({} if value is None else {"value": value}), **more}


def printed(tree: Tree) -> Data:
    """What a browser would send for the tree."""
    return posted(html_of(tree))


def html_of(tree: Tree) -> str:
    context = {"tree": tree, "subjects": tree.subjects(), "time_zone": "UTC"}
    return render_to_string("segments/_tree.html", context)


def query(data: Data) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in data.items():
        query.setlist(name, values)
    return query


def read(data: Data, kind: str = "dynamic") -> Tree:
    return read_tree(query(data), kind=kind, context=Context())


def stored(*rules: dict[str, Any], kind: str = "dynamic") -> Tree:
    return tree_of(definition(*rules), kind=kind, context=Context())


def assert_round_trip(wanted: dict[str, Any], kind: str = "dynamic") -> None:
    checked = validate(wanted, kind=kind)
    tree = tree_of(checked, kind=kind, context=Context())
    assert not [row for row in tree.root.rows() if row.is_faulty]
    assert in_one_order(read(printed(tree), kind).checked_definition()) == in_one_order(checked)


def in_one_order(part: Any) -> Any:
    """A definition with its choices sorted: a form sends them in the order in which they are printed."""
    if isinstance(part, dict):
        return {
            name: sorted(value) if name == "value" and isinstance(value, list) else in_one_order(value)
            for name, value in part.items()
        }
    return [in_one_order(one) for one in part] if isinstance(part, list) else part


def only_row(tree: Tree) -> Row:
    [row] = tree.root.rows()
    return row


def errors(tree: Tree) -> list[str]:
    """What the only condition of the tree shows."""
    row = only_row(tree)
    return [*row.messages, *(str(error) for bound, _repeated in row.faulty for error in bound.errors)]


# Dynamic plus


def group(match: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return {"match": match, "rules": list(nodes)}


def points(number: int) -> dict[str, Any]:
    return field_rule("points", "equals", number)


def event(key: str = "purchase", **more: Any) -> dict[str, Any]:
    return {"type": "event", "event": key, "metric": "count", "operator": "at_least", "value": 1, "window": EVER} | more


def sequence(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "sequence", "steps": list(steps), "window": EVER} | more


def where(key: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"property": key, "operator": operator, "value": value, **more}


def stored_plus(*nodes: dict[str, Any]) -> Tree:
    return tree_of(definition(*nodes), kind=PLUS, context=Context())


def reread(tree: Tree) -> Tree:
    return read(printed(tree), PLUS)


def pressed(tree: Tree, *buttons: tuple[str, str], **changes: list[str]) -> Tree:
    """The tree that comes back when a button is pressed."""
    data = printed(tree) | changes
    return read(data | {name: [value] for name, value in buttons}, PLUS)

"""The lists, imports and segments that definitions name, and whether they still exist.

A rule on something that was deleted holds for nobody or, negated, for everybody; so a definition with such a rule is
refused instead, and its segment shows the error until the thing is restored or the definition changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.utils.translation import gettext as _

from contacts.models import ContactList, Import
from segments.faults import DefinitionError, Fault
from segments.models import Segment


def gone(keys: Iterable[str]) -> set[str]:
    """Those of the keys (``list:3``, ``import:5``, ``segment:7``) that name what does not exist or is deleted."""
    named = {key for key in keys if key.startswith(("list:", "import:", "segment:"))}
    if not named:
        return set()
    lists = {f"list:{pk}" for pk in ContactList.objects.values_list("pk", flat=True)}
    segments = {f"segment:{pk}" for pk in Segment.objects.live().values_list("pk", flat=True)}
    imports = set()
    if import_ids := imports_of(named):
        imports = {f"import:{pk}" for pk in Import.objects.filter(pk__in=import_ids).values_list("pk", flat=True)}
    return named - lists - segments - imports


def imports_of(keys: Iterable[str]) -> list[int]:
    """The ids of the imports among the keys."""
    return [int(key.removeprefix("import:")) for key in keys if key.startswith("import:")]


def readers_of(segment_id: int, keys: Mapping[int, Collection[str]]) -> set[int]:
    """The segments with a rule on this one, directly or through others; ``keys`` are those that each depends on."""
    found: set[int] = set()
    waiting = [segment_id]
    while waiting:
        read = f"segment:{waiting.pop()}"
        readers = {pk for pk, depends in keys.items() if read in depends} - found
        found |= readers
        waiting += readers
    return found


def refuse(missing: Iterable[str]) -> DefinitionError:
    """The error of a definition that names what is gone."""
    messages = {
        "list": _("A rule names a list that was deleted."),
        "import": _("A rule names an import that was deleted."),
        "segment": _("A rule names a segment that was deleted."),
    }
    return DefinitionError([Fault(("rules",), messages[key.partition(":")[0]]) for key in sorted(missing)])

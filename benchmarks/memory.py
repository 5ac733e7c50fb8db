"""Part of a benchmark: the most memory that this process held while a segment of nearly everybody was filled."""

import resource

from benchmarks.people import NOW, forget_segments
from contacts.models import Contact
from segments.compiler import validate
from segments.models import Segment
from segments.refresh import refresh_segment


def main() -> None:
    forget_segments()
    rule = {"type": "field", "field": "email", "operator": "contains", "value": "person"}
    definition = validate({"version": 1, "match": "all", "rules": [rule]}, kind="dynamic")
    before = _most()
    segment = Segment.objects.create(name="Everybody", kind=Segment.Kind.DYNAMIC, definition=definition)
    run = refresh_segment(segment, now=NOW)
    entered = run.entered if run else 0
    print(
        f"Memory: {before:,.0f} MB before, at most {_most():,.0f} MB while {entered:,} of"
        f" {Contact.objects.count():,} contacts entered one segment."
    )


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

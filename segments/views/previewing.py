"""The figures of a preview as pages show them: exact or estimated, or that counting took too long."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from crm.time_limit import TookTooLong
from segments.compiler import Definition
from segments.models import Segment
from segments.preview import Preview, preview


def figures_of(
    definition: Definition | None, *, segment: Segment | None, now: datetime, exact: bool = False
) -> dict[str, Any]:
    """What ``segments/_preview.html`` wants. There is no preview of a definition that is not complete (None).

    Who asked for ``exact`` figures that took too long gets the estimate, and is told.
    """
    context: dict[str, Any] = {
        "preview": None,
        "is_previewed": True,
        "too_long": 0,
        "time_zone": timezone.get_default_timezone_name(),
    }
    if definition is None:
        return context
    for is_exact in (True, False) if exact else (False,):
        try:
            return context | {"preview": _preview(definition, segment, now, is_exact)}
        except TookTooLong as stopped:
            context["too_long"] = stopped.seconds
    return context


def _preview(definition: Definition, segment: Segment | None, now: datetime, exact: bool) -> Preview:
    return preview(definition, segment=segment, now=now, exact=exact)

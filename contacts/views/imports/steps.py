"""The steps of the wizard: which there are, where an import stands, and the guard of the steps of a draft."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.imports import states
from contacts.imports.drafting import UnderWay
from contacts.imports.sources import UnreadableFile
from contacts.models import Import
from crm.requests import Request

P = ParamSpec("P")

LABELS: dict[str, Promise] = {
    "import_source": _("Source"),
    "import_fields": _("Associate fields"),
    "import_options": _("Options"),
    "import_check": _("Check"),
    "import": _("Run"),
}


@dataclass(frozen=True)
class Step:
    """A step as the page shows it; ``url`` is empty where it cannot be gone to."""

    number: int
    label: str | Promise
    url: str
    is_current: bool
    is_done: bool


def steps(current: str, import_run: Import | None = None) -> list[Step]:
    """All steps, of which ``current`` is shown; of a draft one can go back to those that are done."""
    place = list(LABELS).index(current)
    can_go_back = import_run is not None and import_run.is_draft
    is_over = import_run is not None and import_run.state == Import.State.DONE
    return [
        Step(
            number=number,
            label=label,
            url=address(name, import_run) if import_run and can_go_back and number <= place else "",
            is_current=name == current,
            is_done=number <= place or is_over,
        )
        for number, (name, label) in enumerate(LABELS.items(), start=1)
    ]


def address(step: str, import_run: Import) -> str:
    return reverse(f"contacts:{step}", args=[import_run.pk])


def go_to(step: str, import_run: Import) -> HttpResponseRedirect:
    return HttpResponseRedirect(address(step, import_run), status=303)


def unfinished_step(import_run: Import) -> str:
    """The first step of a draft that somebody still has to do."""
    return "import_check" if "new" in import_run.options else "import_fields"


def import_of(pk: int) -> Import:
    """The import of a page. Raises Http404."""
    imports = Import.objects.select_related("job", "user")
    import_run = get_object_or_404(imports, pk=pk)
    if import_run.is_under_way and import_run.job and import_run.job.is_over:
        # Its job ended in the queue, or with its worker: a periodic task would see that within a minute.
        states.catch_up(now=timezone.now())
        import_run = imports.get(pk=pk)
    return import_run


View = Callable[Concatenate[Request, Import, P], HttpResponse]
Guarded = Callable[Concatenate[Request, int, P], HttpResponse]


def of_a_draft(view: View[P]) -> Guarded[P]:
    """Guard a step: an import that has been started shows how it goes instead, one without its file says so."""
    return _guarded(view, lambda import_run: import_run.is_draft)


def before_it_runs(view: View[P]) -> Guarded[P]:
    """The same for a step that is shown while the rows are checked, too."""
    return _guarded(view, lambda import_run: import_run.is_draft or import_run.state == Import.State.CHECKING)


def _guarded(view: View[P], may_be_shown: Callable[[Import], bool]) -> Guarded[P]:
    @wraps(view)
    def guarded(request: Request, pk: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        import_run = import_of(pk)
        if not may_be_shown(import_run):
            return go_to("import", import_run)
        try:
            return view(request, import_run, *args, **kwargs)
        except UnderWay as meanwhile:
            messages.warning(request, str(meanwhile))
            return go_to("import", import_run)
        except UnreadableFile as reason:
            context = {"nav": "imports", "import_run": import_run, "reason": str(reason)}
            return render(request, "contacts/imports/unreadable.html", context, status=410)

    return guarded

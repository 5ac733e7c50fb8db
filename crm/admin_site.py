"""The administrators' site under /admin/."""

from collections.abc import Callable
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpResponseBase
from unfold.sites import UnfoldAdminSite

# The admin's theme runs Alpine.js, which evaluates expressions, and inline scripts and styles of its own.
ADMIN_POLICY = {
    "script-src": [UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [UNSAFE_INLINE],
}


class MusterAdminSite(UnfoldAdminSite):
    """Unfold's site, with a Content-Security-Policy that lets its theme run."""

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., HttpResponseBase]:
        return csp_update(ADMIN_POLICY)(super().admin_view(view, cacheable))

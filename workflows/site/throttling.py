"""How often a visitor, and an address, may send: counted in the memory of each web process, which costs nothing.

This keeps one browser, or one machine, from flooding Muster; a count across all processes would cost more than the
request itself.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

MINUTE = 60
PEOPLE_BEHIND_ONE_ADDRESS = 10


def is_flooding(request: HttpRequest, visitor: str, *, now: datetime) -> bool:
    """Whether this request goes beyond ``SITE_REQUESTS_PER_MINUTE``, for the visitor or for the address."""
    limit = settings.SITE_REQUESTS_PER_MINUTE
    minute = int(now.timestamp()) // MINUTE
    return _count(f"site.visitor.{visitor}.{minute}") > limit or (
        _count(f"site.address.{address_of(request)}.{minute}") > limit * PEOPLE_BEHIND_ONE_ADDRESS
    )


def address_of(request: HttpRequest) -> str:
    """Where the request comes from: behind a trusted proxy, what that proxy says."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:64]
    return str(request.META.get("REMOTE_ADDR", ""))


def _count(counter: str) -> int:
    local = caches["local"]
    if local.add(counter, 1, timeout=2 * MINUTE):
        return 1
    try:
        return int(local.incr(counter))
    except ValueError:  # it went out of the cache between the two
        return 1

"""How often a key may ask: so many times in each minute of the clock, counted in the cache."""

import time

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

MINUTE = 60


class KeyThrottle(BaseThrottle):
    """Refuses what goes beyond the setting ``API_REQUESTS_PER_MINUTE``.

    Processes that count in the same moment may miss one of the two: this keeps a program from flooding Muster, and
    bills nobody.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        minute = int(time.time()) // MINUTE
        counter = f"api.requests.{request.auth.pk}.{minute}"
        if cache.add(counter, 1, timeout=2 * MINUTE):
            return True
        try:
            return cache.incr(counter) <= settings.API_REQUESTS_PER_MINUTE
        except ValueError:  # it went out of the cache between the two
            return True

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE

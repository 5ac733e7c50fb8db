"""``/t/events``: takes what visitors do on the shop's site, and answers with what workflows show them."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from contacts.events import Outcome, record
from contacts.models import Contact
from contacts.visitors import with_key
from workflows.engine import react
from workflows.site import contents, identity
from workflows.site.batches import LARGEST, Batch, Faulty, read
from workflows.site.throttling import MINUTE, is_flooding

logger = logging.getLogger(__name__)

DAY = 86_400


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Only pages of ``SHOP_ORIGINS`` may send. It knows visitors by their key and needs no cookie."""
    origin = request.headers.get("Origin", "")
    if origin not in settings.SHOP_ORIGINS:
        return _refusal("this origin is not one of SHOP_ORIGINS", status=403)
    response = _preflight() if request.method == "OPTIONS" else _answer(request)
    response["Access-Control-Allow-Origin"] = origin
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Origin"])
    return response


def _preflight() -> HttpResponse:
    """For scripts of somebody's own; ours sends what a browser sends without asking."""
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = str(DAY)
    return response


def _answer(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        response = _refusal("send with POST", status=405)
        response["Allow"] = "POST, OPTIONS"
        return response
    if _length(request) > LARGEST:
        return _refusal(f"at most {LARGEST} bytes at once", status=413)
    now = timezone.now()
    try:
        batch = read(request.body, now=now)
    except Faulty as faulty:
        return _refusal(str(faulty), status=400)
    if is_flooding(request, batch.visitor, now=now):
        response = _refusal("too many requests", status=429)
        response["Retry-After"] = str(MINUTE)
        return response
    return JsonResponse(take(batch, now=now))


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else LARGEST + 1


def _refusal(error: str, *, status: int) -> HttpResponse:
    return JsonResponse({"error": error}, status=status)


def take(batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Write what a page sent, let workflows act on it, and give what they want to show."""
    refused = dict(batch.refused)
    results = record(batch.events, now=now) if batch.events else []
    reasons = [result.reason for result in results if result.outcome is Outcome.REFUSED]
    contact_id = next((result.contact_id for result in results if result.contact_id), None)
    if contact_id is None:
        contact_id = Contact.objects.filter(with_key(batch.visitor)).values_list("pk", flat=True).first()
    answer: dict[str, Any] = {}
    if batch.token:
        contact_id, answer["identity"] = _identified(batch, contact_id, now=now)
    if contact_id is None:
        answer["contents"] = []
    else:
        if batch.signals:
            contents.note(contact_id, batch.signals, now=now)
        react([contact_id], now=now)
        answer["contents"] = contents.waiting_for(contact_id, now=now)
    if refused or reasons:
        answer["refused"] = [*refused.values(), *reasons]
    return answer


def _identified(batch: Batch, contact_id: int | None, *, now: datetime) -> tuple[int | None, str]:
    """Whose device it is now, and what became of the token."""
    try:
        claims = identity.claims_of(batch.token, key=settings.TRACKING_KEY, now=now)
    except identity.BadToken as bad:
        logger.info("a visitor's token does not count: %s", bad.reason)
        return contact_id, bad.reason
    if contact_id and Contact.objects.filter(pk=contact_id, **claims).exists():  # which a page says at every visit
        return contact_id, "ok"
    return identity.recognise(batch.visitor, claims, now=now), "ok"

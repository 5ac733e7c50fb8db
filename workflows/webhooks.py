"""Webhooks: what happened is posted as JSON to an address of somebody else's program, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from django.conf import settings
from django.utils.translation import gettext as _

from crm.encryption import Undecipherable, decrypt
from workflows.models import Delivery
from workflows.outside import Refused, TryLater
from workflows.public_http import NotPublic, post

LONGEST_ANSWER = 500  # bytes, of which an incident shows the beginning
LONGEST_PAUSE = timedelta(days=1)
TOO_MANY = 429


def send(delivery: Delivery, node: Mapping[str, Any], *, now: datetime) -> None:
    """Post the payload to the address of the node. Raises `TryLater` and `Refused`."""
    if not delivery.payload:
        raise Refused(_("What was to be posted has been removed with the data of the contact."))
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Muster",
        "Idempotency-Key": delivery.key,
        "Muster-Signature": signature(body, secret=_secret(node), now=now),
    }
    try:
        response = post(str(node.get("url") or ""), body, headers)
    except NotPublic as error:
        raise Refused(_("The address is not one of the public internet: %(address)s.") % {"address": error}) from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise Refused(_("The address cannot be read: %(error)s") % {"error": error}) from error
    except requests.Timeout as error:
        raise TryLater(_("The other side did not answer in time."), for_all=True) from error
    except requests.RequestException as error:
        raise TryLater(_("The other side could not be reached: %(error)s") % {"error": error}, for_all=True) from error
    with response:
        _judge(response, now=now)


def _secret(node: Mapping[str, Any]) -> str:
    try:
        return decrypt(str(node.get("secret") or "")) or settings.WEBHOOK_SECRET
    except Undecipherable:
        raise Refused(_("Nobody can read the secret of the node: enter it again.")) from None


def signature(body: bytes, *, secret: str, now: datetime) -> str:
    """The header by which who receives the body can tell that it comes from us, and is not an old one."""
    moment = int(now.timestamp())
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def _judge(response: requests.Response, *, now: datetime) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    said = _("It answered with %(status)s. %(answer)s") % {"status": status, "answer": _beginning(response)}
    if status == TOO_MANY or status >= 500:
        after = _retry_after(response.headers.get("Retry-After", ""), now=now)
        raise TryLater(said.strip(), after=after, for_all=after is not None)
    raise Refused(said.strip())


def _beginning(response: requests.Response) -> str:
    """What arrives of the answer at once; nobody waits for more."""
    try:
        return str(response.raw.read1(LONGEST_ANSWER).decode("utf-8", "replace"))
    except (OSError, requests.RequestException, ValueError):
        return ""
    except Exception as error:  # whatever is wrong with the answer, its status has been said
        return type(error).__name__


def _retry_after(header: str, *, now: datetime) -> timedelta | None:
    """How long the other side wants to be left alone: seconds, or a date."""
    if header.isascii() and header.strip().isdecimal():
        return min(timedelta(seconds=min(int(header), 10**6)), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta()), LONGEST_PAUSE)

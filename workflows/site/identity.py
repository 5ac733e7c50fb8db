"""Who a visitor is: the shop's server says so in a token that it signs, and devices and contacts follow.

A token is ``payload.signature``, both in base64url without padding. The payload is JSON with ``email``,
``external_id`` or both, and ``exp``, the second since 1970 from which on it no longer counts. The signature is the
HMAC-SHA256 of the payload as it stands in the token, with the setting ``TRACKING_KEY``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from contacts import changes
from contacts.editing import Taken, create_contact, taken_by, update_contact
from contacts.events import UNSTORABLE
from contacts.merging import merge
from contacts.models import Contact
from contacts.visitors import give, visitor_with

LONGEST_TOKEN = 2_000
LONGEST_EXTERNAL_ID = 255
ATTEMPTS = 3

Claims = dict[str, str]
"""The email and the external id that a token names, of which one may be missing."""


class BadToken(ValueError):
    """A token that does not count; ``reason`` is ``off``, ``invalid`` or ``expired``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sign(claims: Mapping[str, Any], *, key: str) -> str:
    """The token of these claims."""
    payload = _encoded(json.dumps(dict(claims), separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, key)}"


def claims_of(token: str, *, key: str, now: datetime) -> Claims:
    """Whom a token names. Raises `BadToken`."""
    if not key:
        raise BadToken("off")
    payload, _dot, signature = token.partition(".")
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        raise BadToken("invalid")
    if not hmac.compare_digest(signature.encode(), _signature(payload, key).encode()):
        raise BadToken("invalid")
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = int(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        raise BadToken("invalid") from None
    if expires <= now.timestamp():
        raise BadToken("expired")
    return _checked(claims)


def _checked(claims: Mapping[str, Any]) -> Claims:
    named: Claims = {}
    if email := str(claims.get("email") or "").strip().lower():
        try:
            validate_email(email)
        except ValidationError:
            raise BadToken("invalid") from None
        named["email"] = email
    if external_id := str(claims.get("external_id") or "").strip():
        if len(external_id) > LONGEST_EXTERNAL_ID or UNSTORABLE.search(external_id):
            raise BadToken("invalid")
        named["external_id"] = external_id
    if not named:
        raise BadToken("invalid")
    return named


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _signature(payload: str, key: str) -> str:
    return _encoded(hmac.new(key.encode(), payload.encode(), hashlib.sha256).digest())


def recognise(visitor_key: str, claims: Claims, *, now: datetime) -> int:
    """Let the device with this visitor key be that of the contact whom the claims name; returns the contact's id.

    What an anonymous visitor did with it before becomes the contact's. What somebody else known did stays theirs, and
    only the device changes hands. A contact that nobody knows yet is made of the visitor, or is new.
    """
    attempts = ATTEMPTS
    while True:
        attempts -= 1
        try:
            with changes.recorded(now=now):
                return _recognise(visitor_key, claims, now=now)
        except (Taken, Contact.DoesNotExist):
            # Another request made, merged or deleted one of the two after we had looked for them.
            if not attempts:
                raise


def _recognise(visitor_key: str, claims: Claims, *, now: datetime) -> int:
    visitor = visitor_with(visitor_key, now=now)
    known, free = _named_by(claims), _free(claims)
    while known is None and not free:  # somebody else made the contact between the two looks
        known, free = _named_by(claims), _free(claims)
    if known is None and visitor.is_anonymous:
        return update_contact(visitor, free, now=now).pk
    if known is None:
        known = create_contact(free, now=now)
    if visitor.is_anonymous and visitor != known:
        known = merge(visitor, known, now=now)
    elif visitor != known:
        give(visitor_key, known, now=now)
    missing = {name: value for name, value in _free(claims).items() if not getattr(known, name)}
    if missing:
        update_contact(known, missing, now=now)
    return known.pk


def _named_by(claims: Claims) -> Contact | None:
    """Who has the external id, or else the email, unless the email is somebody's with another external id."""
    by_id = taken_by("external_id", claims.get("external_id"))
    if by_id is not None:
        return by_id
    by_email = taken_by("email", claims.get("email"))
    if by_email is not None and by_email.external_id and "external_id" in claims:
        return None
    return by_email


def _free(claims: Claims) -> Claims:
    """The claims that nobody has."""
    return {name: value for name, value in claims.items() if taken_by(name, value) is None}

"""Keys for programs that use the API: made once, shown once, revoked for good."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from crm.models import ApiKey, User

SHOWN = 12  # characters of a key that people see later
WRITTEN_EVERY = timedelta(minutes=1)


def create_key(
    *, name: str, scopes: Iterable[str], now: datetime, user: User | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key. The second of the pair is the key in full, which is not kept and cannot be shown again."""
    secret = f"muster_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=secret[:SHOWN],
        digest=_digest(secret),
        scopes=[ApiKey.Scope(scope).value for scope in scopes],
        created_at=now,
        created_by=user,
        expires_at=expires_at,
    )
    return key, secret


def _digest(secret: str) -> str:
    # The key is 256 random bits: nobody guesses it, so a slow hash would only slow down every request.
    return hashlib.sha256(secret.encode()).hexdigest()


def find_key(secret: str, *, now: datetime) -> ApiKey | None:
    """The key that the API accepts for this secret; None for one that is unknown, expired or revoked.

    That it was used is written at most once a minute.
    """
    key = ApiKey.objects.filter(digest=_digest(secret)).first()
    if key is None or not key.is_usable(now=now):
        return None
    if key.last_used_at is None or key.last_used_at <= now - WRITTEN_EVERY:
        long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - WRITTEN_EVERY)
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    return key


def revoke_keys(pks: Iterable[int], *, now: datetime) -> int:
    """Let the API accept these keys no more; returns how many were not revoked yet."""
    return ApiKey.objects.filter(pk__in=list(pks), revoked_at__isnull=True).update(revoked_at=now)

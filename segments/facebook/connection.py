"""Connecting the ad account: checked by a call, kept with its secrets encrypted, replaced, disconnected."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm.encryption import Undecipherable, decrypt, encrypt, renewed
from crm.models import User
from segments.facebook.client import PAGE_TIMEOUT, Client, FacebookFailure
from segments.models import FacebookConnection


class NotConnected(FacebookFailure):
    """There is no ad account to talk to, or its secrets cannot be read any more."""


def current() -> FacebookConnection | None:
    """The ad account that is connected."""
    return FacebookConnection.objects.select_related("connected_by").first()


def connect(
    *, account_id: str, access_token: str, app_secret: str = "", now: datetime, user: User | None
) -> FacebookConnection:
    """Connect an ad account in place of the one before, if any. Raises `FacebookFailure` if it cannot be used."""
    name = Client(account_id, access_token, app_secret, timeout=PAGE_TIMEOUT).account_name()
    connection, _created = FacebookConnection.objects.update_or_create(
        id=1,
        defaults={
            "account_id": account_id,
            "account_name": name[:255],
            "access_token": encrypt(access_token),
            "app_secret": encrypt(app_secret),
            "connected_at": now,
            "connected_by": user,
        },
    )
    return connection


def disconnect() -> None:
    """Forget the ad account and its secrets. Audiences stay at Facebook as they are, and are remembered here."""
    FacebookConnection.objects.all().delete()


def client(*, account_id: str = "", timeout: float = PAGE_TIMEOUT) -> Client:
    """The Marketing API for the connected ad account, which must be ``account_id`` where one is given.

    Raises `NotConnected`.
    """
    connection = FacebookConnection.objects.first()
    if connection is None:
        raise NotConnected(_("No ad account is connected."))
    if account_id and account_id != connection.account_id:
        raise NotConnected(_("This audience belongs to an ad account that is not connected any more."))
    try:
        token, secret = decrypt(connection.access_token), decrypt(connection.app_secret)
    except Undecipherable:
        raise NotConnected(
            _("The access token cannot be read, because SECRET_KEY was changed. Connect the ad account again.")
        ) from None
    return Client(connection.account_id, token, secret, timeout=timeout)


def renew_secrets() -> None:
    """Encrypt the secrets under the newest key, so that older ones can be taken out of ``SECRET_KEY_FALLBACKS``."""
    with transaction.atomic():
        for connection in FacebookConnection.objects.select_for_update():
            try:
                connection.access_token = renewed(connection.access_token)
                connection.app_secret = connection.app_secret and renewed(connection.app_secret)
            except Undecipherable:
                return  # said where the connection is shown and used
            connection.save(update_fields=["access_token", "app_secret"])

"""The addresses in an email: signed, so that nobody can make one up for another message or another place to go.

A message is named by a token of its number and a signature of it. A link of an email carries where it leads with a
signature of its own, so that it still leads there when the message is long gone, and leads nowhere else.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from urllib.parse import quote

from django.conf import settings
from django.utils.crypto import salted_hmac

MAC_BYTES = 12
TOKEN = re.compile(r"([1-9][0-9]{0,18})-([\w-]{16})", re.ASCII)


def token_of(message_id: int) -> str:
    """What names a message in the addresses of its email."""
    return f"{message_id}-{_signature(f'message:{message_id}')}"


def message_id_of(token: str) -> int | None:
    """The message of a token; None for one that Muster did not make."""
    found = TOKEN.fullmatch(token)
    if found and _is_signed(f"message:{found[1]}", found[2]):
        return int(found[1])
    return None


def click_url(token: str, url: str) -> str:
    """Where a link of a message leads first, on its way to ``url``."""
    return f"{settings.PUBLIC_URL}/m/c/{token}/{_signature(f'url:{url}')}?u={quote(url, safe='')}"


def is_link(url: str, signature: str) -> bool:
    """Whether Muster made this link, so that it may lead there."""
    return _is_signed(f"url:{url}", signature)


def open_url(token: str) -> str:
    """The address of the picture that says that a message was opened."""
    return f"{settings.PUBLIC_URL}/m/o/{token}.gif"


def unsubscribe_url(token: str) -> str:
    return f"{settings.PUBLIC_URL}/m/u/{token}"


def confirm_url(token: str) -> str:
    """Where the newsletter is confirmed. The token alone, which other addresses have too, is not enough."""
    return f"{settings.PUBLIC_URL}/m/s/{token}/{_signature(f'confirm:{token}')}"


def may_confirm(token: str, signature: str) -> bool:
    """Whether Muster made this address for the message."""
    return _is_signed(f"confirm:{token}", signature)


def view_url(token: str) -> str:
    return f"{settings.PUBLIC_URL}/m/v/{token}"


def _signature(text: str) -> str:
    return _mac(settings.SECRET_KEY, text)


def _is_signed(text: str, signature: str) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(_mac(key, text), signature) for key in keys)


def _mac(secret: str, text: str) -> str:
    mac = hmac.digest(_key(secret), text.encode(), "sha256")
    return urlsafe_b64encode(mac[:MAC_BYTES]).decode()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return salted_hmac("campaigns.links", "", secret=secret, algorithm="sha256").digest()

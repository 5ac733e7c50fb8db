"""Secrets of others, encrypted at rest by keys that are derived from ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.

Only the first key encrypts; all of them decrypt. So a key is changed as Django's sessions and signatures have it: the
new one becomes ``SECRET_KEY``, the old one goes into the fallbacks until what it encrypted was encrypted anew.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"muster: secrets at rest"  # the same secret signs cookies: each use has a key of its own


class Undecipherable(Exception):
    """None of the keys decrypts this: it was encrypted under a ``SECRET_KEY`` that is not set any more."""


def encrypt(text: str) -> str:
    """The text so that nobody reads it without the key; empty for an empty one."""
    return _keys().encrypt(text.encode()).decode() if text else ""


def decrypt(encrypted: str) -> str:
    """The text again. Raises `Undecipherable`."""
    if not encrypted:
        return ""
    try:
        return _keys().decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Undecipherable from None


def renewed(encrypted: str) -> str:
    """The same secret under the newest key: unchanged if it is already. Raises `Undecipherable`."""
    try:
        _key(settings.SECRET_KEY).decrypt(encrypted.encode())
    except InvalidToken:
        return encrypt(decrypt(encrypted))
    return encrypted


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(urlsafe_b64encode(derived))

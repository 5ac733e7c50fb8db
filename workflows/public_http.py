"""HTTP to addresses that people typed in: never to this machine or into its own network.

The name is looked up once, at the moment of connecting, and what it stands for is checked and connected to: a name that
says something else to the one who checks than to the one who connects gains nothing. Redirects are not followed, and
neither proxies nor passwords of the environment are used.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

CONNECT_SECONDS = 5
READ_SECONDS = 10
CARRIES_IPV4 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Exception):
    """The name stands for an address that is not one of the public internet."""


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet; one that carries another inside is what that is."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    carried = _carried(address)
    if carried is not None:
        return is_public(str(carried))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_loopback)


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address may end up at."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in CARRIES_IPV4:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def connected(host: str, port: int, *, timeout: Any) -> socket.socket:
    """A connection to the host. Raises `NotPublic` if any of its addresses is not public, and OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not settings.WEBHOOK_ALLOW_PRIVATE:
        for *_kind, place in found:
            if not is_public(str(place[0])):
                raise NotPublic(f"{host} ({place[0]})")
    failed: OSError | None = None
    for family, kind, protocol, _name, place in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(place)
            return connection
        except OSError as error:
            connection.close()
            failed = error
    raise failed or OSError(f"{host} has no address")


class _Checked(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return connected(self.host, self.port or 80, timeout=self.timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} does not answer") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host}: {error}") from error


class _CheckedSecure(_Checked, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _CheckedSecure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def post(url: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    """Post a body; the answer's body is not read yet. Raises `NotPublic` and what requests raises."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session.post(
        url,
        data=body,
        headers=headers,
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        allow_redirects=False,
        stream=True,
    )

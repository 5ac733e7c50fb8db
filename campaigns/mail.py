"""The email as mail servers take it: its head, and its two parts in quoted-printable.

Django's own message is built of objects that write themselves; what takes it milliseconds takes microseconds when a
text of our own is put together, and an audience has many contacts. Every backend of Django sends it all the same.
"""

from __future__ import annotations

from binascii import b2a_qp
from datetime import datetime
from email import policy
from email.header import Header
from email.message import Message as StandardMessage
from email.parser import BytesParser
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from campaigns import links
from campaigns.models import Content, Message
from campaigns.rendering import Rendered

LONGEST_LINE = 76


class Mail(EmailMultiAlternatives):
    """An email that is written already; see `mail_of`."""

    def __init__(self, raw: bytes, **options: Any) -> None:
        super().__init__(**options)
        self.raw = raw

    def message(self) -> Any:
        return _Written(self.raw)


class _Written:
    """What Django's backends ask of a message."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\r\n") -> bytes:
        return self._raw if linesep == "\r\n" else self._raw.replace(b"\r\n", linesep.encode())

    def as_string(self, unixfrom: bool = False, linesep: str = "\n") -> str:
        return self.as_bytes(unixfrom, linesep).decode("ascii")

    def get_charset(self) -> None:
        """The parts say theirs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parsed(), name)

    def __getitem__(self, name: str) -> Any:
        return self._parsed()[name]

    def _parsed(self) -> StandardMessage:
        return BytesParser(policy=policy.default).parsebytes(self._raw)


def mail_of(message: Message, rendered: Rendered, *, now: datetime) -> Mail:
    """The email of a message to its address ``message.to``."""
    content = message.content
    sender_name, address = sender_of(content, rendered)
    head = {
        "From": _addressed(sender_name, address),
        "To": message.to,
        "Subject": _encoded(rendered.subject),
        "Date": format_datetime(now),
        "Message-ID": message_id_header(rendered.token),
        **_further(content, rendered),
        "MIME-Version": "1.0",
    }
    boundary = f"muster-{rendered.token}"
    lines = [f"{name}: {value}" for name, value in head.items()]
    raw = "\r\n".join([*lines, f'Content-Type: multipart/alternative; boundary="{boundary}"', "", ""]).encode("ascii")
    raw += _part("plain", rendered.text, boundary) + _part("html", rendered.html, boundary)
    raw += f"--{boundary}--\r\n".encode()
    return Mail(
        raw,
        subject=rendered.subject,
        body=rendered.text,
        from_email=envelope_sender(rendered.token),
        to=[message.to],
        alternatives=[(rendered.html, "text/html")],
        headers={**head, "From": formataddr((sender_name, address))},
    )


def sender_of(content: Content, rendered: Rendered) -> tuple[str, str]:
    """The sender's name and address."""
    name, address = _parsed(settings.DEFAULT_FROM_EMAIL)
    return rendered.sender_name or name, address


def envelope_sender(token: str) -> str:
    """Where the mail server sends back what it cannot deliver: an address that names the message."""
    if not settings.BOUNCE_ADDRESS:
        return _parsed(settings.DEFAULT_FROM_EMAIL)[1]
    local, _at, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{token}@{domain}"


def message_id_header(token: str) -> str:
    """The same for the same message, so that a mail program shows one email however often it came."""
    return f"<{token}@{_parsed(settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2] or 'localhost'}>"


@lru_cache(maxsize=8)
def _parsed(sender: str) -> tuple[str, str]:
    return parseaddr(sender)


def _further(content: Content, rendered: Rendered) -> dict[str, str]:
    head = {"Feedback-ID": f"{content.pk}:{content.kind}:muster", "Auto-Submitted": "auto-generated"}
    if content.reply_to:
        head["Reply-To"] = content.reply_to
    if content.kind == Content.Kind.NEWSLETTER:
        head["List-Unsubscribe"] = f"<{links.unsubscribe_url(rendered.token)}>"
        head["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return head


@lru_cache(maxsize=100)
def _addressed(name: str, address: str) -> str:
    return formataddr((name, address)) if name.isascii() else f"{_encoded(name)} <{address}>"


def _encoded(text: str) -> str:
    """A text as a header has it, in lines that are not too long."""
    if text.isascii() and len(text) < LONGEST_LINE - len("Subject: "):
        return text
    return Header(text, "us-ascii" if text.isascii() else "utf-8", LONGEST_LINE, "Subject").encode(linesep="\r\n")


def _part(kind: str, text: str, boundary: str) -> bytes:
    head = f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    body = b2a_qp(text.replace("\r\n", "\n").encode(), istext=True, header=False)
    return head.encode() + b"\r\n\r\n" + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"

"""A real mail server on loopback: it keeps what it is given, and answers as it is set to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from threading import Event
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"


@dataclass
class MailServer:
    """What it was given (``received``), and its answers to addresses, by step: ``rcpt`` and ``data``.

    ``drop`` closes the connection instead of answering the text for these addresses, having kept it. At ``stall`` it
    keeps the text and never answers: then ``stalled`` is set. Every text takes it ``pause`` seconds.
    """

    port: int = 0
    received: list[tuple[str, str, EmailMessage]] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    sender: str = OK
    drop: set[str] = field(default_factory=set)
    stall: str = ""
    pause: float = 0.0
    stalled: Event = field(default_factory=Event)
    connections: int = 0
    most_of_connection: int = 1_000_000
    _carried: dict[int, int] = field(default_factory=dict)

    def to(self) -> list[str]:
        return [recipient for recipient, _sender, _mail in self.received]

    async def handle_EHLO(  # noqa: N802  # the server's own name for it
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        carried = self._carried[id(session)] = self._carried.get(id(session), 0) + 1
        if carried > self.most_of_connection:
            cast(Any, server).transport.close()
        if self.sender == OK:
            envelope.mail_from = address
        return self.sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt.get(address, OK)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        [recipient] = envelope.rcpt_tos
        await asyncio.sleep(self.pause)
        answer = self.data.get(recipient, OK)
        if answer == OK:
            content = envelope.content
            mail = BytesParser(policy=policy.default).parsebytes(content if isinstance(content, bytes) else b"")
            self.received.append((recipient, envelope.mail_from or "", cast(EmailMessage, mail)))
        if recipient in self.drop:
            cast(Any, server).transport.close()
        if recipient == self.stall:
            self.stalled.set()
            await asyncio.sleep(600)
        return answer


class _OnAnyPort(Controller):
    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A running server that Muster's settings name."""
    server = MailServer()
    controller = _OnAnyPort(server, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        server.port = controller.port
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server
    finally:
        controller.stop(no_assert=True)

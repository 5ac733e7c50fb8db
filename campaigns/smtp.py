"""Handing emails to the mail server over one connection, and what its answers mean.

The mail server answers in steps. Before the last one, in which the text goes over, a lost connection means that the
email was not taken; in the last one nobody can tell.
"""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils.translation import gettext as _

from campaigns.mail import Mail

DJANGO_SMTP = "django.core.mail.backends.smtp.EmailBackend"
# Names that are kept for examples, such as those of a made-up shop's people (RFC 2606): nobody gets mail there.
FOR_EXAMPLES = re.compile(r"@(.+\.)?(example|example\.(com|net|org)|invalid|test|localhost)$", re.IGNORECASE)
ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
OF_NO_ADDRESS = {550, 551, 553}
MAILBOX_FULL = (2, 2)


class Answer(StrEnum):
    """What became of an email at the mail server."""

    TAKEN = "taken"
    NO_ADDRESS = "no_address"  # for good: there is no such mailbox
    REFUSED = "refused"  # for good, whoever it is addressed to
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Handed:
    """The answer to an email, and what the mail server said."""

    answer: Answer
    detail: str = ""


class Unreachable(Exception):
    """The mail server takes no emails at all now; the text says why."""


class _InSteps(smtplib.SMTP):
    text_is_going_over = False

    def data(self, msg: Any) -> Any:
        self.text_is_going_over = True
        answer = super().data(msg)
        self.text_is_going_over = False
        return answer


class _InStepsSSL(_InSteps, smtplib.SMTP_SSL):
    pass


class Backend(EmailBackend):
    """Django's backend, over a connection that knows how far an email has come."""

    @property
    def connection_class(self) -> type[_InSteps]:
        return _InStepsSSL if self.use_ssl else _InSteps

    def _send(self, email_message: Any) -> bool:
        """Django looks at addresses for much longer than sending takes; ours have been looked at."""
        addresses = [email_message.from_email, *email_message.to]
        if not (isinstance(email_message, Mail) and self.connection and all(map(str.isascii, addresses))):
            return bool(super()._send(email_message))  # type: ignore[misc]  # not in the stubs
        self.connection.sendmail(email_message.from_email, email_message.to, email_message.raw)
        return True

    def was_taken_perhaps(self) -> bool:
        return isinstance(self.connection, _InSteps) and self.connection.text_is_going_over

    def drop(self) -> None:
        """Forget a connection that is of no use any more."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Postbox:
    """One connection to the mail server of the settings, or to another ``backend`` of Django's; a context manager."""

    def __init__(self, backend: Any = None) -> None:
        is_smtp = settings.EMAIL_BACKEND == DJANGO_SMTP
        self._backend: Any = backend or (Backend() if is_smtp else get_connection())

    def __enter__(self) -> Postbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(self._backend, Backend) and kind is not None:
            self._backend.drop()
        self._backend.close()

    def connect(self) -> None:
        """Open the connection if it is not. Raises `Unreachable`."""
        try:
            self._backend.open()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    def hand_over(self, mail: Mail) -> Handed:
        """Hand an email to the mail server. Raises `Unreachable` when it takes none, and has not taken this one."""
        if settings.PRODUCTION and FOR_EXAMPLES.search(mail.to[0]):
            return Handed(Answer.REFUSED, _("The address is one for examples: nobody gets mail there."))
        if not isinstance(self._backend, Backend):
            return self._by_another_backend(mail)
        try:
            return self._once(mail)
        except Unreachable:
            # Mail servers close connections that have carried many emails: another one may do.
            self.connect()
            return self._once(mail)

    def _once(self, mail: Mail) -> Handed:
        self.connect()
        try:
            self._backend.send_messages([mail])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return self._answered(code, said, is_address=True)
        except smtplib.SMTPSenderRefused as error:
            raise Unreachable(_words(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPDataError as error:
            return self._answered(error.smtp_code, error.smtp_error, is_address=False)
        except (OSError, smtplib.SMTPException) as error:  # a timeout, a lost connection
            perhaps = self._backend.was_taken_perhaps()
            self._backend.drop()
            if perhaps:
                return Handed(Answer.UNKNOWN, str(error) or type(error).__name__)
            raise Unreachable(str(error) or type(error).__name__) from error
        return Handed(Answer.TAKEN)

    def _answered(self, code: int, said: bytes | str, *, is_address: bool) -> Handed:
        if code == 421:
            self._backend.drop()
        else:
            self._backend.connection.text_is_going_over = False
        return Handed(meaning(code, said, is_address=is_address), _words(code, said))

    def _by_another_backend(self, mail: Mail) -> Handed:
        """By a backend that says nothing of steps: after an error nobody can tell."""
        try:
            self._backend.send_messages([mail])
        except Exception as error:  # whatever the backend raises
            return Handed(Answer.UNKNOWN, str(error) or type(error).__name__)
        return Handed(Answer.TAKEN)


def meaning(code: int, said: bytes | str, *, is_address: bool) -> Answer:
    """What a refusal means. ``is_address`` says that it answered the address of the recipient.

    A refusal for policy (5.7.1: this server may not send here) says nothing about the address, or one wrong setting
    would mark every contact.
    """
    if code < 500:
        return Answer.LATER
    status = enhanced_status(said)
    if status is not None:
        kind, detail = status
        if (kind, detail) == MAILBOX_FULL:
            return Answer.LATER
        return Answer.NO_ADDRESS if kind in (1, 2) else Answer.REFUSED
    return Answer.NO_ADDRESS if is_address and code in OF_NO_ADDRESS else Answer.REFUSED


def enhanced_status(said: bytes | str) -> tuple[int, int] | None:
    """The subject and detail of an enhanced status code, such as (1, 1) of "5.1.1 No such user"."""
    found = ENHANCED.search(_text(said))
    return (int(found[2]), int(found[3])) if found else None


def _words(code: int, said: bytes | str) -> str:
    return f"{code} {_text(said)}"[:1000]


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said

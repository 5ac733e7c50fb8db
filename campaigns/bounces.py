"""Emails that come back: reports of mail servers (RFC 3464) and complaints (RFC 5965), and which message each is about.

A report comes to the envelope's sender, an address that names the message with a signature. Where it comes otherwise,
the signed name stands in what is attached to it. What is no report, such as an absence note, changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.message import Message as Mime
from email.parser import BytesParser
from enum import StrEnum

from campaigns import happenings
from campaigns.links import TOKEN, message_id_of
from campaigns.models import Message
from campaigns.smtp import MAILBOX_FULL, enhanced_status

RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
NAMED = re.compile(rf"(?<![\w-]){TOKEN.pattern}(?![\w-])", re.ASCII)
LARGEST_REPORT = 10 * 1024 * 1024  # bytes


class Kind(StrEnum):
    """What a report says of an email."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


@dataclass(frozen=True)
class Report:
    """What a report says, about which message, in whose words."""

    message_id: int
    kind: Kind
    detail: str


def receive(raw: bytes, *, now: datetime) -> Report | None:
    """Take in an email that came to the address for bounces; None for one that is no report about a message of ours."""
    report = read(raw)
    if report is None or not apply(report.message_id, report.kind, report.detail, now=now):
        return None
    return report


def apply(message_id: int, kind: Kind, detail: str, *, now: datetime) -> bool:
    """Write down what became of a message. False if it is not there any more."""
    message = Message.objects.select_related("content").filter(pk=message_id).first()
    if message is None:
        return False
    if kind == Kind.COMPLAINT:
        happenings.complained(message, now=now)
    else:
        happenings.bounced(message, detail, hard=kind == Kind.HARD, now=now)
    return True


def read(raw: bytes) -> Report | None:
    """What an email says as a report; None if it is none, or about no message of ours."""
    mail = BytesParser(policy=policy.default).parsebytes(raw[:LARGEST_REPORT])
    assert isinstance(mail, EmailMessage)
    said = _complaint(mail) or _failure(mail)
    message_id = said and _message_id(mail, raw)
    return Report(message_id, *said) if said and message_id else None


def _complaint(mail: EmailMessage) -> tuple[Kind, str] | None:
    for part in mail.walk():
        if part.get_content_type() == "message/feedback-report":
            return Kind.COMPLAINT, _words(part)
    return None


def _failure(mail: EmailMessage) -> tuple[Kind, str] | None:
    """The worst that a report of a mail server says; None if everything is well or only late."""
    found = None
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in _blocks(part):
            if str(block.get("Action", "")).strip().lower() != "failed":
                continue
            detail = f"{block.get('Status', '')} {block.get('Diagnostic-Code', '')}".strip()
            kind = kind_of(str(block.get("Status", "")))
            if found is None or kind == Kind.HARD:
                found = kind, " ".join(detail.split())
    return found


def kind_of(status: str) -> Kind:
    """Whether a status code such as "5.1.1" says that there is no such mailbox, for good.

    Other failures, such as a full mailbox or a refused text, say nothing of the next email.
    """
    code = enhanced_status(status)
    is_hard = status.strip().startswith("5") and code is not None and code[0] in (0, 1, 2) and code != MAILBOX_FULL
    return Kind.HARD if is_hard else Kind.SOFT


def _blocks(part: Mime) -> list[Mime]:
    """The parts of a delivery status: one about the report and one for each recipient."""
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Mime)] if isinstance(payload, list) else []


def _words(part: Mime) -> str:
    blocks = _blocks(part)
    text = blocks[0].as_string() if blocks else str(part.get_payload())
    return " ".join(text.split())[:500]


def _message_id(mail: EmailMessage, raw: bytes) -> int | None:
    """The message that a report is about: by the address it came to, or by what it has attached."""
    for header in RECIPIENT_HEADERS:
        for value in mail.get_all(header, []):
            if found := first_message_in(str(value)):
                return found
    # Encoded or not: reports attach the head of the email, which names the message.
    for part in mail.walk():
        if part.get_content_maintype() == "text" and (found := first_message_in(_text(part))):
            return found
    return first_message_in(raw.decode("latin-1"))


def _text(part: Mime) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("latin-1") if isinstance(payload, bytes) else ""


def first_message_in(text: str) -> int | None:
    """The first message that a text names with a valid signature."""
    for found in NAMED.finditer(text):
        if message_id := message_id_of(found[0]):
            return message_id
    return None

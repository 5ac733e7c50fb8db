"""Every name, tag, filter, state and reason is documented, and nothing is documented that there is not."""

import re
from pathlib import Path

import pytest

from campaigns.claiming import RETRIES
from campaigns.liquid import ENVIRONMENT
from campaigns.models import Message
from campaigns.names import OTHERS
from contacts.fields import SYSTEM_FIELDS

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "email.md").read_text()
pytestmark = pytest.mark.once


def part(heading: str) -> str:
    """The text under a heading, up to the next one."""
    return re.split(r"\n##+ ", PAGE.split(f" {heading}\n", 1)[1])[0]


def keys(text: str) -> set[str]:
    """What stands as code in the first column of its tables."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def test_every_name_is_documented() -> None:
    fields = {f"contact.{field.key}" for field in SYSTEM_FIELDS}
    assert keys(part("Names")) == fields | {name.path for name in OTHERS} | {"contact.custom.…"}


def test_every_tag_and_filter_is_documented() -> None:
    assert keys(part("Tags")) == set(ENVIRONMENT.tags) - {"content", "illegal", "output"}
    assert keys(part("Filters")) == set(ENVIRONMENT.filters)


def test_every_state_and_reason_is_documented() -> None:
    text = part("What becomes of an email")
    states = set(re.findall(r"^\| ([A-Z][a-z ]+) \|", text, re.MULTILINE)) - {"State", "Reason"}
    assert states == {str(label) for label in Message.State.labels}
    assert keys(text) == {reason.value for reason in Message.Reason if reason.value}
    assert len(RETRIES) + 1 == 8

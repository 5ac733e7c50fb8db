"""Whatever the schema allows, and much that it forbids, is sent to the API: it never breaks, and answers as it says."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as run_with
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from contacts.lists import subscribe
from contacts.models import Contact, ContactField, ContactList
from crm.wsgi import application
from segments.editing import create_segment, fill
from segments.membership import add
from segments.models import Cause, Segment
from tests.api_client import Api

load_all_checks()
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
SPANIARDS = {
    "version": 1,
    "match": "all",
    "rules": [{"type": "field", "field": "country", "operator": "is", "value": "ES"}],
}


@pytest.fixture
def shop(db: None, now: datetime) -> None:
    """Something under the first ids, so that addresses with a small number find it."""
    ContactField.objects.create(key="tier", label="Tier", type="text")
    Contact.objects.create(pk=1, email="ana@example.com", external_id="1", country="ES", custom={"tier": "gold"})
    Contact.objects.create(pk=2, visitor_key="browser")
    news = ContactList.objects.create(pk=1, name="News", created_at=now)
    subscribe(news, Contact.objects.all(), now=now)
    guests = create_segment(name="Guests", kind=Segment.Kind.STATIC, now=now)
    add(guests, Contact.objects.all(), now=now, cause=Cause.HAND)
    spaniards = create_segment(name="Spaniards", kind=Segment.Kind.DYNAMIC, definition=SPANIARDS, now=now)
    fill(spaniards, now=now)


schema = schemathesis.openapi.from_wsgi("/api/v1/schema", application)


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """A request leaves the connection open, because the transaction of the test lives in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(shop: None, one_connection: None, settings: Any) -> str:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    return Api.with_scopes().secret


@schema.parametrize()
@run_with(
    max_examples=12,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_to_its_schema(case: schemathesis.Case, key: str) -> None:
    response = case.call(headers={"Authorization": f"Bearer {key}"})
    # A batch is carried out though some of its events are refused.
    more = () if case.path.endswith("/batch") else (negative_data_rejection,)
    case.validate_response(response, checks=(*CHECKS, *more))

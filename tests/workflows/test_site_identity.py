"""Tokens of the shop's server, and what follows from them for devices and contacts."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from contacts.events import NewEvent, record
from contacts.models import Contact, Event, Visitor
from workflows.site import identity
from workflows.site.identity import BadToken, claims_of, recognise, sign

KEY = "a long random text that two servers know"
DEVICE = "device-0123456789"


@pytest.fixture
def later(now) -> int:
    return int((now + timedelta(hours=1)).timestamp())


def test_a_token_made_as_the_page_says(now, later):
    """The Python of the settings page, done by hand."""

    def encode(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    payload = encode(json.dumps({"email": "Ana@Example.org ", "external_id": None, "exp": later}).encode())
    token = payload + "." + encode(hmac.new(KEY.encode(), payload.encode(), hashlib.sha256).digest())
    assert claims_of(token, key=KEY, now=now) == {"email": "ana@example.org"}


def test_both_claims(now, later):
    token = sign({"email": "ana@example.org", "external_id": 7, "exp": later}, key=KEY)
    assert claims_of(token, key=KEY, now=now) == {"email": "ana@example.org", "external_id": "7"}


def broken(token: str) -> list[str]:
    payload, _dot, signature = token.partition(".")
    return [
        *("", ".", "x", payload, f"{payload}.", f".{signature}", f"{signature}.{payload}", f"{payload}A.{signature}"),
        *(f"{payload}.{signature[:-2]}AA", f"{payload}.é", "\ud800.\ud800", f"{payload}.{signature}" + "A" * 3000),
    ]


def test_what_is_no_token(now, later):
    for wrong in broken(sign({"email": "ana@example.org", "exp": later}, key=KEY)):
        with pytest.raises(BadToken) as bad:
            claims_of(wrong, key=KEY, now=now)
        assert bad.value.reason == "invalid", wrong


@pytest.mark.parametrize(
    "claims",
    [
        *({}, {"email": "", "external_id": ""}, {"email": "no address"}, {"email": ["ana@example.org"]}),
        *({"external_id": "x" * 256}, {"external_id": "\0"}, {"email": "a@example.org", "exp": None}),
        *({"email": "a@example.org", "exp": "soon"}, {"email": "a@example.org", "exp": float("inf")}, [], 7),
    ],
)
def test_signed_nonsense(now, later, claims: Any):
    claims = {"exp": later, **claims} if isinstance(claims, dict) else claims
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    signature = base64.urlsafe_b64encode(hmac.new(KEY.encode(), payload.encode(), hashlib.sha256).digest())
    with pytest.raises(BadToken, match="invalid"):
        claims_of(f"{payload}.{signature.decode().rstrip('=')}", key=KEY, now=now)


def test_a_token_expires_and_needs_a_key(now, later):
    token = sign({"email": "ana@example.org", "exp": later}, key=KEY)
    with pytest.raises(BadToken, match="expired"):
        claims_of(token, key=KEY, now=now + timedelta(hours=1))
    with pytest.raises(BadToken, match="invalid"):
        claims_of(token, key=KEY + "!", now=now)
    with pytest.raises(BadToken, match="off"):
        claims_of(token, key="", now=now)


# Devices and contacts


@pytest.fixture
def visitor(db, now) -> Contact:
    """Somebody who has visited a page."""
    record([NewEvent("page_visit", now, visitor_key=DEVICE)], now=now)
    return Contact.objects.get()


def test_an_unknown_visitor_becomes_known(visitor, now):
    assert recognise(DEVICE, {"email": "ana@example.org", "external_id": "A"}, now=now) == visitor.pk
    visitor.refresh_from_db()
    assert (visitor.email, visitor.external_id, visitor.visitor_key) == ("ana@example.org", "A", DEVICE)
    assert recognise(DEVICE, {"email": "ana@example.org", "external_id": "A"}, now=now) == visitor.pk
    assert Contact.objects.count() == 1


def test_a_visitor_turns_out_to_be_somebody_known(visitor, now):
    ana = Contact.objects.create(email="ana@example.org")
    assert recognise(DEVICE, {"email": "ana@example.org", "external_id": "A"}, now=now) == ana.pk
    assert list(Contact.objects.values_list("email", "external_id", "visitor_key")) == [
        ("ana@example.org", "A", DEVICE)
    ]
    assert Event.objects.get().contact_id == ana.pk


def test_a_device_that_nobody_has_seen(db, now):
    ana = Contact.objects.create(email="ana@example.org", visitor_key="another-device-01")
    assert recognise(DEVICE, {"email": "ana@example.org"}, now=now) == ana.pk
    assert Visitor.objects.get().contact == ana
    bo = recognise("unheard-of-device", {"external_id": "B"}, now=now)
    assert Contact.objects.get(pk=bo).visitor_key == "unheard-of-device"


def test_two_people_with_one_device_stay_two(visitor, now):
    ana = recognise(DEVICE, {"email": "ana@example.org"}, now=now)
    bo = recognise(DEVICE, {"email": "bo@example.org"}, now=now)
    assert ana != bo
    record([NewEvent("cart_add", now, visitor_key=DEVICE)], now=now)
    assert set(Event.objects.values_list("type", "contact_id")) == {("page_visit", ana), ("cart_add", bo)}
    assert recognise(DEVICE, {"email": "ana@example.org"}, now=now) == ana


def test_the_external_id_says_more_than_the_email(visitor, now):
    ana = Contact.objects.create(email="ana@example.org", external_id="A")
    other = recognise(DEVICE, {"email": "ana@example.org", "external_id": "B"}, now=now)
    assert other == visitor.pk
    ana.refresh_from_db()
    assert (ana.email, ana.external_id) == ("ana@example.org", "A")
    assert Contact.objects.values_list("email", "external_id").get(pk=other) == (None, "B")


@pytest.mark.django_db
def test_who_is_made_known_by_another_request_just_now_is_found(now, monkeypatch):
    record([NewEvent("page_visit", now, visitor_key=DEVICE)], now=now)
    look = identity._named_by

    def and_then_ana_is_made(claims):
        monkeypatch.setattr(identity, "_named_by", look)
        found = look(claims)
        Contact.objects.create(email="ana@example.org", external_id="A")
        return found

    monkeypatch.setattr(identity, "_named_by", and_then_ana_is_made)
    pk = recognise(DEVICE, {"email": "ana@example.org", "external_id": "A"}, now=now)
    ana = Contact.objects.get()
    assert (ana.pk, ana.email, ana.visitor_key) == (pk, "ana@example.org", DEVICE)
    assert Event.objects.get().contact == ana

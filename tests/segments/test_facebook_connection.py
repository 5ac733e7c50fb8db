"""The connection to an ad account: secrets at rest, what is asked of Facebook, and its refusals in words."""

import logging
from datetime import datetime
from typing import Any

import pytest

from crm.encryption import Undecipherable, decrypt, encrypt, renewed
from crm.models import User
from segments import tasks
from segments.facebook import connection
from segments.facebook.client import Audience, Client, FacebookFailure, TemporaryFailure
from segments.models import FacebookConnection
from tests.segments.facebook_server import ACCOUNT, NAME, TOKEN, Facebook, Fault, error

OLD, NEW = "the old key of this installation, long enough", "the new key of this installation, long enough"


def client(**changes: Any) -> Client:
    return Client(**{"account_id": ACCOUNT, "access_token": TOKEN, "timeout": 5.0} | changes)


def test_secrets_follow_the_keys(settings: Any):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    kept = encrypt("sécret")
    assert kept != encrypt("sécret")
    assert "s" + "écret" not in kept
    assert (decrypt(kept), renewed(kept)) == ("sécret", kept)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    again = renewed(kept)
    assert (decrypt(kept), decrypt(again), renewed(again)) == ("sécret", "sécret", again)
    settings.SECRET_KEY_FALLBACKS = []
    assert decrypt(again) == "sécret"
    with pytest.raises(Undecipherable):
        decrypt(kept)
    assert (encrypt(""), decrypt("")) == ("", "")


@pytest.mark.django_db
def test_connected_once_facebook_has_answered(facebook: Facebook, now: datetime, administrator: User):
    facebook.app_secret = "proof me"
    with pytest.raises(FacebookFailure, match="Invalid appsecret_proof"):
        connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=now, user=administrator)
    assert connection.current() is None
    made = connection.connect(
        account_id=ACCOUNT, access_token=TOKEN, app_secret="proof me", now=now, user=administrator
    )
    assert (made.account_name, made.connected_by, made.connected_at) == (NAME, administrator, now)
    stored = FacebookConnection.objects.values_list("access_token", "app_secret").get()
    assert TOKEN not in stored[0]
    assert "proof" not in stored[1]
    assert connection.client().account_name() == NAME
    connection.connect(account_id=ACCOUNT, access_token=TOKEN, app_secret="proof me", now=now, user=None)
    assert FacebookConnection.objects.count() == 1
    connection.disconnect()
    with pytest.raises(FacebookFailure, match=r"No ad account is connected\."):
        connection.client()


@pytest.mark.django_db
def test_the_schedule_encrypts_anew_after_a_change_of_keys(facebook: Facebook, now: datetime, settings: Any):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=now, user=None)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert connection.client().account_name() == NAME
    tasks.keep_facebook_in_step()
    settings.SECRET_KEY_FALLBACKS = []
    assert connection.client().account_name() == NAME
    settings.SECRET_KEY = OLD
    with pytest.raises(connection.NotConnected, match="SECRET_KEY was changed"):
        connection.client()
    tasks.keep_facebook_in_step()


def test_audiences_of_customers_alone_page_by_page(facebook: Facebook):
    facebook.audiences = {str(number): f"A{number}" for number in range(5)}
    facebook.others = {"77": "Alike"}
    assert client().audiences() == [Audience(str(number), f"A{number}") for number in range(5)]
    assert len(facebook.addresses) == 3


def test_a_new_audience(facebook: Facebook):
    assert client().create_audience("Fans & friends", "Fans") == Audience("9001", "Fans & friends")
    assert facebook.created == [
        {
            "name": "Fans & friends",
            "description": "Fans",
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
        }
    ]


def test_the_token_is_in_no_address_and_in_no_log(facebook: Facebook, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        client().account_name()
        facebook.faults = [error(190, status=400)]
        with pytest.raises(FacebookFailure) as failure:
            client().audiences()
    assert "v26.0" in caplog.text
    for text in (*facebook.addresses, caplog.text, str(failure.value)):
        assert "secret" not in text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            error(190, "Session has expired"),
            "has expired, was revoked or was mistyped. Facebook says: Session",
        ),
        (error(10), "needs the permission ads_management"),
        (error(272), "needs the permission ads_management"),
        (error(100, error_subcode=33), "knows no such ad account or audience"),
        (error(200, error_subcode=1870034), "terms for custom audiences have not been accepted"),
        (error(100, error_subcode=1713230), "has blocked this audience"),
        (
            error(100, "Invalid parameter", error_user_msg="Too <few> people."),
            "refused this. Facebook says: Too <few>",
        ),
        (error(368, ""), "Facebook refused this."),
        (Fault(200, {"id": "1"}), "is not what its documentation says"),
    ],
)
def test_refusals_in_words(facebook: Facebook, fault: Fault, words: str):
    facebook.faults = [fault]
    with pytest.raises(FacebookFailure) as failure:
        client().account_name()
    assert words in str(failure.value)
    assert not isinstance(failure.value, TemporaryFailure)


def test_out_of_reach(settings: Any):
    settings.FACEBOOK_GRAPH_URL = "http://127.0.0.1:9"
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        client().account_name()


def test_no_answer_in_time(facebook: Facebook):
    facebook.delay = 0.3
    with pytest.raises(TemporaryFailure, match="did not answer in time"):
        client(timeout=0.05).account_name()

"""Talking to the Marketing API through Facebook's SDK: what is asked for, and failures in words that people understand.

Two things are not done as the SDK would by itself. The access token travels in a header, because addresses end up in
logs. And removing is a POST with ``method=delete``, which the Graph API takes for a DELETE: the SDK puts what a DELETE
says into the address, where more than some 250 people do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import requests
from django.conf import settings
from django.utils.translation import gettext as _
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

OFFICIAL = "https://graph.facebook.com"
PAGE_TIMEOUT = 10.0
"""For how many seconds a page waits for Facebook."""

MOST_AUDIENCES = 1_000
THROTTLED = {4, 17, 32, 613, *range(80000, 80015)}
TEMPORARY = {1, 2}
EXPIRED = {102, 190}
MISSING = {33}  # a subcode of 100
FLAGGED = {1713230}  # a subcode
TERMS = {1870034, 1870050}  # subcodes


class FacebookFailure(Exception):
    """Facebook did not do what it was asked for; the text says why to people."""


class TemporaryFailure(FacebookFailure):
    """Asking again later may succeed."""


@dataclass(frozen=True)
class Audience:
    """A custom audience of the ad account."""

    id: str
    name: str


@dataclass(frozen=True)
class Answer:
    """How many people Facebook took in, and how many of them it could not use."""

    received: int
    invalid: int


@dataclass(frozen=True)
class Session:
    """Several requests that belong together. ``number`` names it; ``batch`` counts its requests from 1."""

    number: int
    batch: int
    is_last: bool
    estimated_total: int

    def as_param(self) -> dict[str, Any]:
        return {
            "session_id": self.number,
            "batch_seq": self.batch,
            "last_batch_flag": self.is_last,
            "estimated_num_total": self.estimated_total,
        }


class Client:
    """The Marketing API for one ad account. Every method raises `FacebookFailure`."""

    def __init__(self, account_id: str, access_token: str, app_secret: str = "", *, timeout: float) -> None:
        session = FacebookSession(access_token=access_token, app_secret=app_secret or None, timeout=timeout)
        session.GRAPH = settings.FACEBOOK_GRAPH_URL
        if session.GRAPH != OFFICIAL:
            session.requests.verify = True  # the SDK trusts Facebook's own certificates alone
        del session.requests.params["access_token"]
        session.requests.headers["Authorization"] = f"Bearer {access_token}"
        session.requests.hooks["response"].append(_refuse_what_is_no_answer)
        self._api = FacebookAdsApi(session, api_version=settings.FACEBOOK_GRAPH_VERSION or None)
        self._account = AdAccount(f"act_{account_id}", api=self._api)

    def account_name(self) -> str:
        """The name of the ad account: whoever is told it may use the account."""
        with _failures_in_words():
            return str(self._account.api_get(fields=["name"])["name"])

    def audiences(self) -> list[Audience]:
        """The audiences that are made from lists of customers, among the first `MOST_AUDIENCES` of any kind."""
        with _failures_in_words():
            found = self._account.get_custom_audiences(fields=["name", "subtype"], params={"limit": 100})
            return [
                Audience(str(one["id"]), str(one["name"]))
                for one in islice(found, MOST_AUDIENCES)
                if one.get("subtype") == CustomAudience.Subtype.custom
            ]

    def create_audience(self, name: str, description: str) -> Audience:
        """A new custom audience with nobody in it."""
        params = {
            "name": name,
            "description": description,
            "subtype": CustomAudience.Subtype.custom,
            "customer_file_source": CustomAudience.CustomerFileSource.user_provided_only,
        }
        with _failures_in_words():
            return Audience(str(self._account.create_custom_audience(params=params)["id"]), name)

    def add(self, audience_id: str, schema: Sequence[str], rows: list[list[str]], session: Session) -> Answer:
        """Put people into an audience: rows of values, hashed already, in the order of ``schema``."""
        return self._users(audience_id, schema, rows, session, {})

    def remove(self, audience_id: str, schema: Sequence[str], rows: list[list[str]], session: Session) -> Answer:
        """Take people out of an audience; who is not in it makes no difference."""
        return self._users(audience_id, schema, rows, session, {"method": "delete"})

    def _users(
        self, audience_id: str, schema: Sequence[str], rows: list[list[str]], session: Session, extra: dict[str, str]
    ) -> Answer:
        params = CustomAudience.format_params(
            list(schema), rows, is_raw=True, pre_hashed=True, session=session.as_param()
        )
        with _failures_in_words():
            body = self._api.call("POST", (audience_id, "users"), params={**params, **extra}).json()
            return Answer(int(body["num_received"]), int(body.get("num_invalid_entries", 0)))


def _refuse_what_is_no_answer(response: requests.Response, *args: Any, **kwargs: Any) -> None:
    """Raise for what Facebook does not say: the SDK takes the error page of a server in between for success."""
    body = response.json()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(body, dict) or ("error" in body and not isinstance(error, dict)):
        raise requests.exceptions.InvalidJSONError
    if response.status_code >= 400 and not error:
        raise requests.exceptions.InvalidJSONError


@contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
    except FacebookRequestError as error:
        # Its own text repeats what was sent: it must go nowhere.
        raise _failure(error) from None
    except requests.Timeout:
        raise TemporaryFailure(_("Facebook did not answer in time.")) from None
    except requests.exceptions.InvalidJSONError:
        raise TemporaryFailure(_("Facebook is out of order at the moment: its answer cannot be read.")) from None
    except requests.RequestException:
        raise TemporaryFailure(_("Facebook cannot be reached.")) from None
    except (KeyError, TypeError, ValueError):
        raise FacebookFailure(_("Facebook's answer is not what its documentation says.")) from None


def _failure(error: FacebookRequestError) -> FacebookFailure:
    code, subcode = error.api_error_code(), error.api_error_subcode()
    if code in THROTTLED or error.http_status() == 429:
        return TemporaryFailure(_("Facebook asks for a pause: too many requests for this ad account or app."))
    if code in TEMPORARY or error.api_transient_error() or error.http_status() >= 500:
        return TemporaryFailure(_("Facebook is out of order at the moment."))
    return FacebookFailure(f"{_reason(code, subcode)} {_said(error)}".strip())


def _reason(code: int | None, subcode: int | None) -> str:
    if code in EXPIRED:
        return _("Facebook does not accept the access token: it has expired, was revoked or was mistyped.")
    if subcode in TERMS:
        return _("The terms for custom audiences have not been accepted for this ad account.")
    if subcode in FLAGGED:
        return _("Facebook has blocked this audience.")
    if code in {3, 10, 294} or (code and 200 <= code <= 299):
        return _("The access token may not do this: it needs the permission ads_management for this ad account.")
    if subcode in MISSING:
        return _("Facebook knows no such ad account or audience, or the access token may not see it.")
    return _("Facebook refused this.")


def _said(error: FacebookRequestError) -> str:
    """What Facebook itself says about it, for people if it has such words."""
    body = error.body()
    details = body.get("error", {}) if isinstance(body, dict) else {}
    words = details.get("error_user_msg") or details.get("message") or ""
    return _("Facebook says: %(words)s") % {"words": str(words)[:500]} if words else ""

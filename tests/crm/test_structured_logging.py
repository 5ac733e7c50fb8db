"""Logs are one line per event, tied together by the request's id, and hold no secrets."""

import io
import json
import logging
import logging.config

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from crm.structured_logging import hide_secrets, logging_config


@pytest.fixture
def log_lines(settings):
    """What is logged as JSON from here on."""
    stream = io.StringIO()
    before = structlog.get_config()
    configuration = logging_config(level="INFO", style="json")
    configuration["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(configuration)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.config.dictConfig(settings.LOGGING)
    structlog.configure(**before)


def test_a_request_is_one_line_without_its_query(client, log_lines):
    response = client.get("/nowhere?email=ana@example.com", headers={"X-Request-ID": "shop-request-1"})
    assert response["X-Request-ID"] == "shop-request-1"
    [line] = [line for line in log_lines() if line["logger"] == "muster.request"]
    assert line["milliseconds"] >= 0
    assert {key: line[key] for key in ("method", "path", "status", "level", "request_id")} == {
        "method": "GET",
        "path": "/nowhere",
        "status": 404,
        "level": "info",
        "request_id": "shop-request-1",
    }
    assert "ana@example.com" not in json.dumps(log_lines())


@pytest.mark.django_db
def test_the_token_of_a_password_reset_is_not_logged(client, log_lines):
    client.get(reverse("password_reset_confirm", kwargs={"uidb64": "MQ", "token": "c5x-0123456789abcdef"}))
    [line] = [line for line in log_lines() if line["logger"] == "muster.request"]
    assert line["path"].endswith("/MQ/***/")
    assert "0123456789abcdef" not in json.dumps(log_lines())


@pytest.mark.parametrize("offered", ["", "short", "new\tline-in-it", "x" * 65])
def test_an_unfit_request_id_is_replaced(client, offered):
    given = client.get("/nowhere", headers={"X-Request-ID": offered})["X-Request-ID"]
    assert given != offered
    assert len(given) == 32


def test_other_loggers_carry_the_request_id_too(log_lines):
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        logging.getLogger("django-q").warning("a task %s", "failed")
    [line] = log_lines()
    assert (line["event"], line["request_id"], line["level"]) == ("a task failed", "abc", "warning")


def test_an_exception_is_one_line_without_local_values(log_lines):
    secret = "a local " + "value"
    try:
        raise ValueError(f"bad value of {len(secret)} characters")
    except ValueError:
        structlog.get_logger("muster.test").exception("it broke")
    [line] = log_lines()
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "a local value" not in json.dumps(line)


def test_secrets_are_blanked():
    event = {"event": "call", "password": "hunter2", "api_key": "k", "Authorization": "Bearer x", "path": "/"}
    assert hide_secrets(None, "info", event) == {
        "event": "call",
        "password": "***",
        "api_key": "***",
        "Authorization": "***",
        "path": "/",
    }


@pytest.mark.parametrize("arguments", [{"level": "LOUD", "style": "json"}, {"level": "INFO", "style": "xml"}])
def test_unknown_values_are_refused(arguments):
    with pytest.raises(ImproperlyConfigured, match="must be one of"):
        logging_config(**arguments)

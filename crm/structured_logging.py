"""Structured logs: one JSON object per line in production, coloured lines in development.

Every line written while a request is served carries its ``request_id``, also given back in the
``X-Request-ID`` header. Query strings, bodies, cookies and headers are never logged: they hold
personal data and secrets.
"""

import logging
import re
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

STYLES = ("json", "console")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SECRET_NAME = re.compile(r"password|passwd|secret|token|authorization|cookie|session|api_?key", re.IGNORECASE)
# Values of local variables would carry personal data and secrets into the log.
TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("muster.request")


def logging_config(*, level: str, style: str) -> dict[str, Any]:
    """The ``LOGGING`` setting. Configures structlog too, so that both kinds of loggers print alike.

    Raises ``ImproperlyConfigured`` for an unknown level or style.
    """
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL is {level!r}: it must be one of {', '.join(LEVELS)}.")
    if style not in STYLES:
        raise ImproperlyConfigured(f"LOG_FORMAT is {style!r}: it must be one of {', '.join(STYLES)}.")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderers: list[Any] = (
        [structlog.processors.ExceptionRenderer(TRACEBACKS), structlog.processors.JSONRenderer(ensure_ascii=False)]
        if style == "json"
        else [structlog.dev.ConsoleRenderer(sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # Our own line per request replaces theirs, which prints the query string.
            "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
            "gunicorn.error": {"handlers": [], "level": level, "propagate": True},
        },
    }


def hide_secrets(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor that blanks values whose name says that they are secret."""
    return {key: "***" if SECRET_NAME.search(key) else value for key, value in event.items()}


class RequestLogMiddleware:
    """Gives every request an id and logs one line when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if ACCEPTED_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = time.perf_counter()
            response = self.get_response(request)
            log.log(
                _level(request.path, response.status_code),
                "request",
                method=request.method,
                path=_path(request),
                status=response.status_code,
                user=getattr(getattr(request, "user", None), "pk", None),
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
        response["X-Request-ID"] = request_id
        return response


def _path(request: HttpRequest) -> str:
    """The path without secrets that it carries, such as the token in the address of a password reset."""
    path = request.path
    arguments = request.resolver_match.kwargs if request.resolver_match else {}
    for name, value in arguments.items():
        if SECRET_NAME.search(name):
            path = path.replace(str(value), "***")
    return path


def _level(path: str, status: int) -> int:
    if status >= 500:
        return logging.ERROR
    return logging.DEBUG if path == "/healthz" or path.startswith("/static/") else logging.INFO

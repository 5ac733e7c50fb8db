"""What must hold before Muster starts: a wrong setting stops it with the list of everything that is wrong."""

from collections.abc import Sequence
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured

MODES = ("development", "production")
DATABASE_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
SHORTEST_SECRET_KEY = 50
FEWEST_CHARACTERS = 10
PLACEHOLDERS = ("django-insecure-", "change", "development only", "secret")


def require_safe(
    *,
    mode: str,
    debug: bool,
    secret_key: str,
    allowed_hosts: Sequence[str],
    csrf_trusted_origins: Sequence[str],
    https: bool,
    time_zone: str,
    database_engine: str,
) -> None:
    """Raise ``ImproperlyConfigured`` naming every unsafe or impossible value of the settings."""
    problems = []
    if mode not in MODES:
        problems.append(f"MUSTER_MODE is {mode!r}: it must be one of {', '.join(MODES)}.")
    if time_zone not in available_timezones():
        problems.append(f"TIME_ZONE is {time_zone!r}: it must be the name of a time zone, such as Europe/Madrid.")
    if database_engine not in DATABASE_ENGINES:
        problems.append("DATABASE_URL names another database than SQLite (sqlite:///…) or PostgreSQL (postgres://…).")
    if mode != "development":
        problems += _unsafe_in_production(debug, secret_key, allowed_hosts, csrf_trusted_origins, https)
    if problems:
        raise ImproperlyConfigured("\n- ".join(["Muster does not start with these settings:", *problems]))


def _unsafe_in_production(
    debug: bool,
    secret_key: str,
    allowed_hosts: Sequence[str],
    csrf_trusted_origins: Sequence[str],
    https: bool,
) -> list[str]:
    problems = []
    if debug:
        problems.append("DEBUG is on: error pages would show the settings and the code to visitors.")
    if not secret_key:
        problems.append("SECRET_KEY is missing: set it to a long random text.")
    elif len(secret_key) < SHORTEST_SECRET_KEY or len(set(secret_key)) < FEWEST_CHARACTERS:
        problems.append(f"SECRET_KEY is easy to guess: use at least {SHORTEST_SECRET_KEY} random characters.")
    elif secret_key.lower().startswith(PLACEHOLDERS):
        problems.append("SECRET_KEY is a placeholder: set it to a long random text.")
    if not allowed_hosts:
        problems.append("ALLOWED_HOSTS is empty: list the names under which people reach Muster.")
    elif "*" in allowed_hosts:
        problems.append("ALLOWED_HOSTS has *: list the names under which people reach Muster.")
    if https and any(origin.startswith("http://") for origin in csrf_trusted_origins):
        problems.append("CSRF_TRUSTED_ORIGINS has an http:// address while HTTPS is on: use https://.")
    return problems

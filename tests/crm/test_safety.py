"""Production refuses unsafe settings, and safe ones pass Django's own deployment checks without a warning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from crm.safety import require_safe

REPOSITORY = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.once
SAFE = {
    "mode": "production",
    "debug": False,
    "secret_key": "aB3-dE6_gH9jK2mN5pQ8rS1tU4vW7xY0zA3bC6dE9fG2hJ5kL8mN1",
    "allowed_hosts": ["crm.example.com"],
    "csrf_trusted_origins": ["https://crm.example.com"],
    "https": True,
    "time_zone": "Europe/Madrid",
    "database_engine": "django.db.backends.postgresql",
}


def test_safe_settings_are_accepted():
    require_safe(**SAFE)


def test_development_accepts_what_production_refuses():
    require_safe(**SAFE | {"mode": "development", "debug": True, "secret_key": "short", "allowed_hosts": ["*"]})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mode": "staging"}, "MUSTER_MODE is 'staging'"),
        ({"debug": True}, "DEBUG is on"),
        ({"secret_key": ""}, "SECRET_KEY is missing"),
        ({"secret_key": "short"}, "SECRET_KEY is easy to guess"),
        ({"secret_key": "a" * 60}, "SECRET_KEY is easy to guess"),
        ({"secret_key": "django-insecure-" + "abcdefghijklmnop" * 4}, "SECRET_KEY is a placeholder"),
        ({"allowed_hosts": []}, "ALLOWED_HOSTS is empty"),
        ({"allowed_hosts": ["crm.example.com", "*"]}, "ALLOWED_HOSTS has *"),
        ({"csrf_trusted_origins": ["http://crm.example.com"]}, "CSRF_TRUSTED_ORIGINS has an http:// address"),
        ({"time_zone": "Madrid"}, "TIME_ZONE is 'Madrid'"),
        ({"database_engine": "django.db.backends.mysql"}, "DATABASE_URL names another database"),
    ],
)
def test_each_unsafe_value_is_refused_by_name(change, problem):
    with pytest.raises(ImproperlyConfigured, match="Muster does not start") as refusal:
        require_safe(**SAFE | change)
    assert problem in str(refusal.value)
    assert str(refusal.value).count("\n- ") == 1


def run_check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with nothing but these settings."""
    return subprocess.run(
        [sys.executable, REPOSITORY / "manage.py", "check", *arguments],
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_does_not_start_in_production_without_settings():
    result = run_check()
    assert result.returncode != 0
    for problem in ("SECRET_KEY is missing", "ALLOWED_HOSTS is empty"):
        assert problem in result.stderr


def test_production_passes_the_deployment_checks(tmp_path):
    result = run_check(
        "--deploy",
        "--fail-level=WARNING",
        MUSTER_MODE="production",
        SECRET_KEY=SAFE["secret_key"],
        ALLOWED_HOSTS="crm.example.com",
        DATABASE_URL=f"sqlite:///{tmp_path}/muster.sqlite3",
    )
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout

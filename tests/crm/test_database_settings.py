"""How each kind of database is opened, seen from a process of its own as the web server and the worker are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"
PRAGMAS = ("journal_mode", "synchronous", "foreign_keys", "temp_store", "busy_timeout")
NORMAL, FILE = 1, 1

pytestmark = pytest.mark.once


def in_a_process(code: str, **environment: str) -> object:
    """What this code prints as JSON in `manage.py shell`."""
    result = subprocess.run(
        [sys.executable, MANAGE, "shell", "--no-imports", "--command", f"import json; {code}"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_sqlite_waits_for_its_lock_and_keeps_temporary_tables_out_of_memory(tmp_path):
    read = "connection.cursor().execute(f'PRAGMA {name}').fetchone()[0]"
    answer = in_a_process(
        f"from django.db import connection; print(json.dumps({{name: {read} for name in {PRAGMAS}}}))",
        DATABASE_URL=f"sqlite:///{tmp_path}/muster.sqlite3",
    )
    assert answer == {
        "journal_mode": "wal",
        "synchronous": NORMAL,
        "foreign_keys": 1,
        "temp_store": FILE,
        "busy_timeout": 20_000,
    }


def test_sqlite_takes_the_write_lock_when_a_transaction_begins(tmp_path):
    answer = in_a_process(
        "from django.db import connection; connection.ensure_connection(); "
        "print(json.dumps(connection.transaction_mode))",
        DATABASE_URL=f"sqlite:///{tmp_path}/muster.sqlite3",
    )
    assert answer == "IMMEDIATE"


def test_a_relative_path_of_sqlite_starts_at_the_project():
    answer = in_a_process(
        "from django.conf import settings; print(json.dumps(settings.DATABASES['default']['NAME']))",
        DATABASE_URL="sqlite:///var/other.sqlite3",
    )
    assert answer == str(MANAGE.parent / "var" / "other.sqlite3")


def test_postgresql_connections_are_kept_and_checked():
    answer = in_a_process(
        "from django.conf import settings; d = settings.DATABASES['default']; "
        "print(json.dumps([d['ENGINE'], d['CONN_MAX_AGE'], d['CONN_HEALTH_CHECKS']]))",
        DATABASE_URL="postgres://muster@localhost/muster",
    )
    assert answer == ["django.db.backends.postgresql", 60, True]


@pytest.mark.parametrize(
    ("environment", "cache"),
    [
        ({"DATABASE_URL": "sqlite:////srv/muster.sqlite3"}, ["filebased.FileBasedCache", "/srv/muster.sqlite3-cache"]),
        ({"DATABASE_URL": "postgres://muster@localhost/muster"}, ["db.DatabaseCache", "muster_cache"]),
        ({"REDIS_URL": "redis://localhost:6379/0"}, ["redis.RedisCache", "redis://localhost:6379/0"]),
    ],
)
def test_the_cache_is_one_that_all_processes_share(monkeypatch, environment, cache):
    monkeypatch.delenv("CACHE_URL")
    answer = in_a_process(
        "from django.conf import settings; c = settings.CACHES['default']; "
        "print(json.dumps([c['BACKEND'], c['LOCATION']]))",
        **environment,
    )
    assert answer == [f"django.core.cache.backends.{cache[0]}", cache[1]]

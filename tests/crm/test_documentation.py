"""Every setting is documented, and nothing is documented that does not exist."""

import re
from pathlib import Path

import pytest

from crm.jobs import KINDS

REPOSITORY = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.once


def test_settings_md_has_every_variable_that_the_settings_read():
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', (REPOSITORY / "crm" / "settings.py").read_text()))
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (REPOSITORY / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert {"SECRET_KEY", "DATABASE_URL"} < read
    assert documented == read


def test_only_the_settings_read_the_environment():
    modules = [
        path
        for app in ("crm", "contacts", "segments", "campaigns", "workflows")
        for path in (REPOSITORY / app).rglob("*.py")
    ]
    reading = {
        str(path.relative_to(REPOSITORY))
        for path in modules
        if re.search(r"os\.(environ\[|environ\.get|getenv)", path.read_text())
    }
    assert reading == set()


def test_jobs_md_has_every_kind_of_job():
    text = (REPOSITORY / "docs" / "jobs.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z_.]+)` \|[^|]+\| (yes|no) \|", text, re.MULTILINE))
    assert documented == {kind.key: "yes" if kind.cancellable else "no" for kind in KINDS}


def test_the_lock_names_versions_only():
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []

"""Running a benchmark as parts, each in a process of its own, over the same scratch database."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres_server import postgres_server

Parts = dict[str, list[str]]  # name and arguments


def parser(description: str | None, parts: Parts) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000, help="how many contacts (1,000,000)")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or the address of an empty database")
    parser.add_argument("--rounds", type=int, default=3, help="how often each segment is measured (3)")
    parser.add_argument("--keep", help="an SQLite file to make, or to use again")
    parser.add_argument("--only", choices=list(parts), help="one part alone")
    return parser


@contextmanager
def scratch_database(database: str, keep: str | None) -> Iterator[str]:
    """The address of the database that ``--database`` and ``--keep`` mean."""
    if database == "postgresql":
        with postgres_server() as address:
            yield address
    elif database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="muster-benchmark-") as folder:
            yield f"sqlite:///{Path(keep or Path(folder) / 'benchmark.sqlite3').resolve()}"
    else:
        yield database


def run_parts(address: str, parts: Parts, *, only: str | None) -> None:
    for name, arguments in parts.items():
        if only in (None, name):
            run_part(address, name, *arguments)


def run_part(address: str, *words: str) -> None:
    settings = {"DATABASE_URL": address, "MUSTER_MODE": "development", "DEBUG": "off", "LOG_LEVEL": "ERROR"}
    settings |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "CACHE_URL": "locmemcache://"}
    subprocess.run([sys.executable, "-m", "benchmarks", *words], env=os.environ | settings, check=True)

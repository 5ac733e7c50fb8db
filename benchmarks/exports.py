"""What exporting contacts costs, beside the bare output of the same columns by the same database.

    python -m benchmarks.exports --contacts 1000000 --database postgresql

Bare output is a server-side ``COPY (SELECT …) TO STDOUT`` on PostgreSQL, and on SQLite a cursor whose rows go to
``csv.writer``, into a file. CPU time counts, the database server's included, and the most memory that the process held.
Every measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.report import table
from tests.postgres_server import postgres_server

WAYS = ("bare", "csv", "csv with lists and segments", "jsonl", "xlsx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--only", choices=WAYS, action="append", help="leave the other ways out; bare is always done")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-benchmark-")))
        address = f"sqlite:///{folder}/muster.sqlite3"
        if options.database == "postgresql":
            address = stack.enter_context(postgres_server())
        os.environ |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "DATABASE_URL": address, "CACHE_URL": "locmemcache://"}
        os.environ |= {"MUSTER_MODE": "development", "DEBUG": "false", "LOG_LEVEL": "WARNING", "TIME_ZONE": "UTC"}
        os.environ["FILES_DIR"] = str(folder / "files")
        part("fill", str(options.contacts))
        ways = [way for way in WAYS if way == "bare" or not options.only or way in options.only]
        figures = {way: part("exports_part", way, str(folder / "bare.csv")).split() for way in ways}
    bare = float(figures["bare"][0])
    rows = [
        [
            way,
            f"{float(cpu):.2f}",
            f"{options.contacts / float(cpu):,.0f}",
            f"{bare / float(cpu):.2f}",
            wall,
            memory,
            size,
        ]
        for way, (cpu, wall, memory, size) in figures.items()
    ]
    head = ["", "CPU, s", "rows/s of CPU", "ratio", "wall, s", "memory, MB", "file, MB"]
    table(f"{options.database}, {options.contacts:,} contacts, 12 columns", head, rows)


def part(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


if __name__ == "__main__":
    main()

"""How fast memberships are kept right: in full beside hand-written SQL, by change, by time; and in how much memory.

    python -m benchmarks.refresh --contacts 1000000 --database postgresql

Every part runs in a process of its own over the same scratch data, which is made inside the database, the same at every
run. Without ``--database`` it is SQLite; ``postgresql`` starts a server in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.postgres_server import postgres_server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000, help="how many contacts (1,000,000)")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or the address of an empty database")
    parser.add_argument("--rounds", type=int, default=3, help="how often each full refresh is measured (3)")
    parser.add_argument("--keep", help="an SQLite file to make, or to use again")
    parser.add_argument("--only", choices=["full", "edits", "moving", "memory"], help="one part alone")
    options = parser.parse_args()
    with ExitStack() as stack:
        address = options.database
        if address == "postgresql":
            address = stack.enter_context(postgres_server())
        elif address == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-benchmark-"))
            address = f"sqlite:///{Path(options.keep or Path(folder) / 'benchmark.sqlite3').resolve()}"
        _part(address, "fill", str(options.contacts))
        for part, arguments in (("full", [str(options.rounds)]), ("edits", ["60"]), ("moving", []), ("memory", [])):
            if options.only in (None, part):
                _part(address, part, *arguments)


def _part(address: str, *words: str) -> None:
    settings = {"DATABASE_URL": address, "MUSTER_MODE": "development", "DEBUG": "off", "LOG_LEVEL": "ERROR"}
    settings["DJANGO_SETTINGS_MODULE"] = "crm.settings"
    subprocess.run([sys.executable, "-m", "benchmarks", *words], env=os.environ | settings, check=True)


if __name__ == "__main__":
    main()

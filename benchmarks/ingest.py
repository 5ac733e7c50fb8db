"""Whether nothing is lost or doubled while programs send events, and memberships follow.

    python -m benchmarks.ingest --seconds 60 --database postgresql

Starts Muster (`manage.py serve`) on an empty database with segments over windows of time, and sends batches of events
over HTTP from several threads. Some batches are sent again, with the same keys, as programs do after a timeout. At the
end every event that was confirmed must be there once, and memberships must be equal to a full evaluation. Without
``--database`` it is SQLite; ``postgresql`` starts a server in a temporary folder.
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
    parser.add_argument("--seconds", type=int, default=60, help="how long events are sent (60)")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or the address of an empty database")
    parser.add_argument("--contacts", type=int, default=2_000, help="how many contacts the events are of (2,000)")
    parser.add_argument("--batch", type=int, default=100, help="how many events are in a request (100)")
    parser.add_argument("--threads", type=int, default=4, help="how many requests are under way at a time (4)")
    options = parser.parse_args()
    with ExitStack() as stack:
        address = options.database
        if address == "postgresql":
            address = stack.enter_context(postgres_server())
        elif address == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-benchmark-"))
            address = f"sqlite:///{Path(folder) / 'benchmark.sqlite3'}"
        words = [str(getattr(options, name)) for name in ("seconds", "contacts", "batch", "threads")]
        settings = {"DATABASE_URL": address, "MUSTER_MODE": "development", "DEBUG": "off", "LOG_LEVEL": "ERROR"}
        settings |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "API_REQUESTS_PER_MINUTE": "1000000"}
        subprocess.run([sys.executable, "-m", "benchmarks", "ingesting", *words], env=os.environ | settings, check=True)


if __name__ == "__main__":
    main()

"""How long a page of the shop waits for what workflows show there, beside an empty view.

    python -m benchmarks.page_visit --database postgresql

Each workflow waits for visits of pages of its own, asks whether the contact is in a segment, and shows a content. A
visitor's browser sends a visit of one of these pages and gets the content in the answer. The empty view is a view of
Django without a database, behind the same middleware, in the same server. Both are asked over one connection, one
request after the other; the figures are milliseconds on the clock.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack

from benchmarks.parts import scratch_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=200, help="how many workflows are active (200)")
    parser.add_argument("--requests", type=int, default=1_000, help="how many visits (1,000)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with ExitStack() as stack:
        address = stack.enter_context(scratch_database(options.database, None))
        settings = {"DATABASE_URL": address, "MUSTER_MODE": "development", "DEBUG": "off", "LOG_LEVEL": "ERROR"}
        settings |= {"DJANGO_SETTINGS_MODULE": "benchmarks.empty_view", "SHOP_ORIGINS": "https://shop.example"}
        settings |= {"SITE_REQUESTS_PER_MINUTE": "1000000"}
        words = [str(options.workflows), str(options.requests)]
        subprocess.run([sys.executable, "-m", "benchmarks", "visiting", *words], env=os.environ | settings, check=True)


if __name__ == "__main__":
    main()

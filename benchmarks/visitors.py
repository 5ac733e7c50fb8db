"""Whether workflows lose or double anything while visitors' events come in over HTTP, and how far they lag behind.

    python -m benchmarks.visitors --seconds 60 --database postgresql

Starts Muster on an empty database with active workflows. Each of them adds a point when a contact visits one of its
pages, as often as that happens. Half of the events come from browsers (``/t/events``), which workflows answer in the
same request, and half from the shop's server (the API), which the worker takes in. Some requests are sent again with
the same keys. At the end every workflow must have begun one run for each visit of its pages, and every contact must
have as many points as visits. The lag is from when an event was received until its run ended.
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
    parser.add_argument("--seconds", type=int, default=60, help="how long events are sent (60)")
    parser.add_argument("--workflows", type=int, default=50, help="how many workflows are active (50)")
    parser.add_argument("--visitors", type=int, default=500, help="how many visitors there are (500)")
    parser.add_argument("--threads", type=int, default=4, help="how many requests are under way at a time (4)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with ExitStack() as stack:
        address = stack.enter_context(scratch_database(options.database, None))
        settings = {"DATABASE_URL": address, "MUSTER_MODE": "development", "DEBUG": "off", "LOG_LEVEL": "ERROR"}
        settings |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "SHOP_ORIGINS": "https://shop.example"}
        settings |= {"SITE_REQUESTS_PER_MINUTE": "1000000", "API_REQUESTS_PER_MINUTE": "1000000"}
        words = [str(getattr(options, name)) for name in ("seconds", "workflows", "visitors", "threads")]
        environment = os.environ | settings
        subprocess.run([sys.executable, "-m", "benchmarks", "visitors_part", *words], env=environment, check=True)


if __name__ == "__main__":
    main()

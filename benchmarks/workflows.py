"""How fast contacts go through a workflow of ten nodes, mail included, beside the same effects written by hand.

    python -m benchmarks.workflows --contacts 100000 --database postgresql

The workflow asks for two segments, waits twice, adds points, puts contacts into a static segment and takes them out,
and sends everybody an email to a mail server on this machine that throws it away. By hand these effects are a few
statements of SQL and bare smtplib with a text for each contact. The naive engine takes one contact after the other
through the same nodes with the ORM. CPU time of the process and of the database server; the mail server's is not in it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.parts import run_part, scratch_database

PARTS = ("engine", "by_hand", "naive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000, help="how many contacts (100,000)")
    parser.add_argument("--naive", type=int, default=1_000, help="how many of them the naive engine takes (1,000)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="muster-benchmark-") as folder:
        figures = Path(folder) / "figures.json"
        figures.write_text("{}")
        for part in PARTS:
            if options.only in (None, part):
                with ExitStack() as stack:
                    address = stack.enter_context(scratch_database(options.database, None))
                    number = options.naive if part == "naive" else options.contacts
                    run_part(address, "workflow_parts", part, str(figures), str(number))
        report(options.database, json.loads(figures.read_text()))


def report(database: str, figures: dict[str, Any]) -> None:
    def speed(part: str) -> float:
        return float(figures[part]["contacts"] / figures[part]["seconds"])

    print(f"{database}, CPU time\n\n{'':10} {'contacts':>10} {'contacts/s':>11} {'peak MB':>8}")
    for part, found in figures.items():
        print(f"{part:10} {found['contacts']:10,} {speed(part):11,.0f} {found['peak']:8,.0f}   {found['words']}")
    if set(PARTS) <= figures.keys():
        print(
            f"\nThe engine works at {speed('engine') / speed('by_hand'):.2f} of the speed by hand, and"
            f" {speed('engine') / speed('naive'):.1f} times as fast as the naive engine."
        )


if __name__ == "__main__":
    main()

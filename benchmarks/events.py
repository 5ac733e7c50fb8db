"""How fast segments over activities are: beside hand-written SQL, with an event, by change, by time; and the writing.

    python -m benchmarks.events --contacts 1000000 --events 10000000 --database postgresql

Every part runs in a process of its own over the same scratch data, which is made inside the database, the same at every
run. Without ``--database`` it is SQLite; ``postgresql`` starts a server in a temporary folder.
"""

from __future__ import annotations

from benchmarks.parts import Parts, parser, run_part, run_parts, scratch_database

PARTS: Parts = {"mixed": [], "mixed_moving": [], "one_event": ["60"], "batches": ["30000"]}


def main() -> None:
    arguments = parser(__doc__, PARTS)
    arguments.add_argument("--events", type=int, default=10_000_000, help="how many events (10,000,000)")
    options = arguments.parse_args()
    with scratch_database(options.database, options.keep) as address:
        run_part(address, "fill", str(options.contacts))
        run_part(address, "fill_events", str(options.events))
        run_parts(address, PARTS | {"mixed": [str(options.rounds)]}, only=options.only)


if __name__ == "__main__":
    main()

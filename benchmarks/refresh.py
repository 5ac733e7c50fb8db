"""How fast memberships are kept right: in full beside hand-written SQL, by change, by time; and in how much memory.

    python -m benchmarks.refresh --contacts 1000000 --database postgresql

Every part runs in a process of its own over the same scratch data, which is made inside the database, the same at every
run. Without ``--database`` it is SQLite; ``postgresql`` starts a server in a temporary folder.
"""

from __future__ import annotations

from benchmarks.parts import Parts, parser, run_part, run_parts, scratch_database

PARTS: Parts = {"full": [], "edits": ["60"], "moving": [], "memory": []}


def main() -> None:
    options = parser(__doc__, PARTS).parse_args()
    with scratch_database(options.database, options.keep) as address:
        run_part(address, "fill", str(options.contacts))
        run_parts(address, PARTS | {"full": [str(options.rounds)]}, only=options.only)


if __name__ == "__main__":
    main()

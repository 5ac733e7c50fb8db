"""Run one part of a benchmark in a process of its own: ``python -m benchmarks <part> [arguments]``.

The database is named by DATABASE_URL, as for Muster itself.
"""

import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    import_module(f"benchmarks.{sys.argv[1]}").main(*sys.argv[2:])

"""A server for benchmarks that speak HTTP."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
SECONDS_TO_START = 60


@contextmanager
def server() -> Iterator[int]:
    """Muster itself, pages and worker, on a free port, over the database of this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, MANAGE, "serve", "--bind", f"127.0.0.1:{port}"], start_new_session=True)
    try:
        _wait_until_healthy(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            request = HTTPConnection("127.0.0.1", port, timeout=5)
            request.request("GET", "/healthz")
            if request.getresponse().status == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.2)
    raise SystemExit("The server did not start.")

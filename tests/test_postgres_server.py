"""The tests' PostgreSQL server goes away with the run, however the run ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from contacts.folding import COLLATIONS
from tests.availability import unavailable
from tests.postgres_server import Unavailable, postgres_server

# A shell that runs the tests in the background has them ignore SIGINT, and what they start inherits that.
RUN = """
import signal, time
from tests.postgres_server import postgres_server
signal.signal(signal.SIGINT, signal.default_int_handler)
with postgres_server() as address:
    print(address, flush=True)
    time.sleep(600)
"""

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def postgresql_is_here():
    try:
        with postgres_server():
            pass
    except Unavailable as reason:
        unavailable(str(reason))


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not folder.exists()


def test_it_answers_and_knows_unicode():
    with postgres_server() as address:
        folder = Path(address.partition("@/")[2]).parent
        with psycopg.connect(host=str(folder), user="muster", dbname="postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_collation WHERE collname = ANY(%s)", [list(COLLATIONS)])
            assert known.fetchone() == (1,)
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_run_is_killed(number: int):
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    folder = Path(run.stdout.readline().strip().partition("@/")[2]).parent
    assert (folder / "data" / "postmaster.pid").exists()
    run.send_signal(number)
    run.wait()
    assert gone(folder)

"""`manage.py serve` for real: it starts both programs, ends both, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"
PATIENCE = 60

pytestmark = pytest.mark.once


class Process(NamedTuple):
    pid: int
    parent: int
    group: int
    state: str
    command: str


class Site:
    """A running `manage.py serve` on a free port with a database of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.serve = subprocess.Popen(
            [sys.executable, MANAGE, "serve", "--bind", self.address, "--workers", "1"],
            env=os.environ
            | {
                "DATABASE_URL": f"sqlite:///{folder}/muster.sqlite3",
                "CACHE_URL": f"filecache://{folder}/cache",
                "MUSTER_WORKERS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.groups: set[int] = set()

    def programs(self) -> list[Process]:
        return [process for process in processes() if process.parent == self.serve.pid]

    def processes_left(self) -> list[Process]:
        return [process for process in processes() if process.group in self.groups and "Z" not in process.state]

    def health(self) -> dict[str, bool]:
        try:
            with urllib.request.urlopen(f"http://{self.address}/healthz", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {"healthy": False}

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
            return answer.read().decode()

    def output(self) -> str:
        return self.serve.communicate(timeout=PATIENCE)[0]


def processes() -> list[Process]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 4) for line in listing.splitlines())
    return [Process(int(row[0]), int(row[1]), int(row[2]), row[3], row[4]) for row in rows if len(row) == 5]


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    try:
        assert eventually(lambda: site.health()["healthy"] or site.serve.poll() is not None)
        assert site.health() == {"healthy": True, "database": True, "migrations": True, "worker": True}
        site.groups = {process.group for process in site.programs()}
        yield site
    finally:
        site.serve.kill()
        site.serve.wait()
        for group in site.groups & {process.group for process in processes()}:
            os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_pages_and_the_worker(site: Site, number: int):
    assert len(site.groups) == 2
    assert "{" in site.get("/static/css/muster.css")
    assert len(site.processes_left()) > 4
    site.serve.send_signal(number)
    assert "Muster has stopped." in site.output()
    assert site.serve.returncode == 0
    assert site.processes_left() == []


@pytest.mark.parametrize(("program", "name"), [("gunicorn", "web server"), ("qcluster", "worker")])
def test_when_one_dies_the_other_ends_with_an_error(site: Site, program: str, name: str):
    [victim] = [process for process in site.programs() if program in process.command]
    os.kill(victim.pid, signal.SIGKILL)
    assert f"The {name} ended by itself (by signal 9), so Muster has stopped." in site.output()
    assert site.serve.returncode == 1
    assert site.processes_left() == []

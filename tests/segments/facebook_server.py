"""A Graph API of ours on loopback, for the SDK to talk to: it checks what it is told, and answers as it is set to.

It finds people as Facebook does: who is removed is whoever is known by any of the keys.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT, TOKEN, NAME = "1234567890", "a token & secret", "The <shop>"
VERSION = "v26.0"
SCHEMA = ["EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "CT", "COUNTRY", "DOBY", "DOBM", "DOBD"]
REMOVAL_SCHEMA = ["EXTERN_ID", "EMAIL", "PHONE"]
MOST_ROWS = 10_000
LONGEST_ADDRESS = 8_000


@dataclass
class Fault:
    """An answer instead of the right one. ``after`` says that what was asked for is done all the same."""

    status: int
    body: Any
    after: bool = False


def error(code: int, message: str = "(#%s) No.", status: int = 400, **more: Any) -> Fault:
    return Fault(status, {"error": {"message": message, "type": "OAuthException", "code": code, **more}})


@dataclass
class Request:
    """A request to put people into an audience, or to take them out."""

    audience: str
    deletes: bool
    session: dict[str, Any]
    rows: list[dict[str, str]]


@dataclass
class Facebook:
    """What the server knows, what it was asked, and what it is to answer."""

    url: str = ""
    account_name: str = NAME
    app_secret: str = ""
    audiences: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)  # audiences of other kinds
    people: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    created: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    invalid: set[str] = field(default_factory=set)  # hashed emails that it cannot use
    page_size: int = 2
    delay: float = 0.0  # seconds before each answer

    def emails(self, audience: str) -> set[str]:
        """The hashed emails of who is in an audience."""
        return {person["EMAIL"] for person in self.people.get(audience, [])}

    def answer(self, method: str, path: list[str], query: dict[str, str], form: dict[str, str]) -> Any:
        if path[0] != VERSION:
            return self.problem(f"version {path[0]}")
        if len(path) == 2 and method == "GET":
            return {"id": path[1], "name": self.account_name} if path[1] == f"act_{ACCOUNT}" else UNKNOWN
        if path[2:] == ["customaudiences"] and path[1] == f"act_{ACCOUNT}":
            return self._list(query) if method == "GET" else self._create(form)
        if path[2:] == ["users"] and method == "POST":
            return self._users(path[1], form)
        return UNKNOWN

    def problem(self, text: str) -> Fault:
        self.problems.append(text)
        return error(100, text)

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        every = [{"id": pk, "name": name, "subtype": "CUSTOM"} for pk, name in self.audiences.items()]
        every += [{"id": pk, "name": name, "subtype": "LOOKALIKE"} for pk, name in self.others.items()]
        start = int(query.get("after", "0"))
        end = start + self.page_size
        paging: dict[str, Any] = {"cursors": {"after": str(end)}}
        if end < len(every):
            paging["next"] = "https://graph.facebook.com/elsewhere"
        return {"data": every[start:end], "paging": paging}

    def _create(self, form: dict[str, str]) -> dict[str, str]:
        self.created.append(form)
        pk = str(9000 + len(self.created))
        self.audiences[pk] = form["name"]
        return {"id": pk}

    def _users(self, audience: str, form: dict[str, str]) -> Any:
        if audience not in self.audiences:
            return UNKNOWN
        payload, session = json.loads(form["payload"]), json.loads(form["session"])
        deletes = form.get("method") == "delete"
        if payload["schema"] != (REMOVAL_SCHEMA if deletes else SCHEMA):
            return self.problem(f"schema {payload['schema']}")
        rows = [dict(zip(payload["schema"], row, strict=True)) for row in payload["data"]]
        for fault in (*_faults_of(rows), *self._faults_of(audience, deletes, session)):
            return self.problem(fault)
        self.requests.append(Request(audience, deletes, session, rows))
        people = self.people.setdefault(audience, [])
        for row in rows:
            self._remove(people, row) if deletes else self._add(people, row)
        return {
            "audience_id": audience,
            "session_id": str(session["session_id"]),
            "num_received": len(rows),
            "num_invalid_entries": sum(row["EMAIL"] in self.invalid for row in rows),
            "invalid_entry_samples": {},
        }

    def _faults_of(self, audience: str, deletes: bool, session: dict[str, Any]) -> Iterator[str]:
        before = [one.session for one in self.requests if one.session["session_id"] == session["session_id"]]
        known = {one["batch_seq"] for one in before}  # one of these may come again, when its answer was lost
        if session["batch_seq"] not in {*known, len(known) + 1}:
            yield f"batch {session['batch_seq']} after {known}"
        if any(one["last_batch_flag"] for one in before) and session["batch_seq"] not in known:
            yield "a batch after the last"
        if not 0 < session["session_id"] < 2**63 or session["estimated_num_total"] < 1:
            yield f"session {session}"

    def _add(self, people: list[dict[str, str]], row: dict[str, str]) -> None:
        same = "EMAIL" if row["EMAIL"] else "PHONE"
        people[:] = [person for person in people if person[same] != row[same]] + [row]

    def _remove(self, people: list[dict[str, str]], keys: dict[str, str]) -> None:
        people[:] = [
            person for person in people if not any(value == person[key] for key, value in keys.items() if value)
        ]


UNKNOWN = error(100, "Unsupported get request. Object does not exist", error_subcode=33)


def _faults_of(rows: list[dict[str, str]]) -> Iterator[str]:
    if not 0 < len(rows) <= MOST_ROWS:
        yield f"{len(rows)} rows"
    for row in rows:
        for key, value in row.items():
            if value and key != "EXTERN_ID" and not re.fullmatch(r"[0-9a-f]{64}", value):
                yield f"{key} is not hashed: {value}"
        if not any(row.get(key) for key in REMOVAL_SCHEMA):
            yield "a row that names nobody"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    facebook: Facebook


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets Facebook or a fault answer it, and writes the answer."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._do("GET", "")

    def do_POST(self) -> None:
        self._do("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _do(self, method: str, body: str) -> None:
        facebook = self.server.facebook
        facebook.addresses.append(self.path)
        sleep(facebook.delay)
        address = urlsplit(self.path)
        query, form = _parameters(address.query), _parameters(body)
        answer: Any = facebook.faults.pop(0) if facebook.faults else None
        if answer is None or answer.after:
            path = address.path.strip("/").split("/")
            done = self._refused(facebook, query) or facebook.answer(method, path, query, form)
            answer = answer or done
        self._write(answer)

    def _refused(self, facebook: Facebook, query: dict[str, str]) -> Fault | None:
        if len(self.path) > LONGEST_ADDRESS or "access_token" in query:
            return facebook.problem(f"address {self.path[:80]}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return error(190, "Invalid OAuth access token.", status=401)
        proof = hmac.new(facebook.app_secret.encode(), TOKEN.encode(), "sha256").hexdigest()
        if query.get("appsecret_proof", "") != (proof if facebook.app_secret else ""):
            return error(100, "Invalid appsecret_proof provided in the API argument")
        return None

    def _write(self, answer: Any) -> None:
        status, body = (answer.status, answer.body) if isinstance(answer, Fault) else (200, answer)
        if body is None:
            self.close_connection = True  # says nothing at all
            return
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        with suppress(ConnectionError):  # nobody waited for it
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        """Prints nothing."""


def _parameters(text: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(text, keep_blank_values=True).items()}


@contextmanager
def serving() -> Iterator[Facebook]:
    """The server, for as long as the context lasts; at its end it must have had nothing to complain about."""
    server = Server(("127.0.0.1", 0), Handler)
    server.facebook = facebook = Facebook(url=f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield facebook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert facebook.problems == []

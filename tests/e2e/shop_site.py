"""A shop's own site for browser tests: pages on an origin of their own, with Muster's script on them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Page

from workflows.site.identity import sign

KEY = "a long random text that two servers know"
CUSTOMER = "customer"  # the cookie by which the shop knows who has signed in

PAGE = """<!doctype html><html lang="en"><head><title>Shop: {path}</title>
<meta name="viewport" content="width=device-width"><meta name="muster:category" content="Office">
<script src="/shop.js"></script><script async src="{muster}/t/muster.js"{attributes}></script></head>
<body><main><h1>Desks</h1><p><a href="/other">Other desks</a></p>
<form action="/search"><label>Search <input type="search" name="q"></label> <button>Find</button></form>
<div data-muster-slot="hero"></div></main></body></html>"""
SCRIPT = """window.muster = window.muster || [];
const query = new URLSearchParams(location.search).get("q");
if (query) muster.push(["track", "product_search", { query }]);
"""
IDENTIFY = """muster.push(["identify", %s]);
"""


@contextmanager
def shop_site(muster: str) -> Iterator[str]:
    """The shop's server; its pages have as strict a policy as the documentation allows."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _mark, query = self.path.partition("?")
            if path == "/favicon.ico":
                self.send_response(204)
                self.end_headers()
            elif path == "/shop.js":
                self.answer("text/javascript", SCRIPT + self.identification())
            else:
                attributes = ' data-consent="wait"' if query == "consent" else ""
                self.answer("text/html", PAGE.format(path=path, muster=muster, attributes=attributes))

        def identification(self) -> str:
            customer = SimpleCookie(self.headers.get("Cookie", "")).get(CUSTOMER)
            if customer is None:
                return ""
            claims = {"email": unquote(customer.value), "exp": int(time.time()) + 60}
            return IDENTIFY % json.dumps(sign(claims, key=KEY))

        def answer(self, kind: str, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            policy = f"default-src 'none'; script-src 'self' {muster}; connect-src {muster}"
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *values: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sign_in_to_shop(page: Page, shop_url: str, email: str) -> None:
    page.context.add_cookies([{"name": CUSTOMER, "value": email, "url": shop_url}])


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    """What the script sends arrives soon."""
    deadline = time.monotonic() + 10
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == wanted

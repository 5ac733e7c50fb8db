"""``/t/muster.js``: the script that the shop's pages load."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_safe

FILE = Path(__file__).with_name("muster.js")
HOUR = 3_600


@lru_cache(maxsize=1)
def source() -> str:
    """The script without the indentation, which would be a tenth of it."""
    return "\n".join(line.strip() for line in FILE.read_text(encoding="utf-8").splitlines() if line.strip())


@lru_cache(maxsize=1)
def _digest() -> str:
    return f'"{hashlib.sha256(source().encode()).hexdigest()[:32]}"'


@require_safe
@gzip_page
@condition(etag_func=lambda request: _digest())
def script(request: HttpRequest) -> HttpResponse:
    """The same for everybody: browsers ask once an hour whether it has changed."""
    response = HttpResponse(source(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={HOUR}"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response

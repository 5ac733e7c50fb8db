"""What the API says when it refuses: always ``{"errors": [{"path": …, "message": …}]}``.

``path`` leads to the place in the body, such as ``definition.rules[0].value``, or names a parameter of the address. It
is empty for what is wrong with the request as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    path: Path
    message: str

    @property
    def as_json(self) -> dict[str, str]:
        return {"path": written(self.path), "message": self.message}


class Refused(APIException):
    """A request that is not carried out, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem], *, status: int = 400) -> None:
        self.problems = list(problems)
        self.status_code = status
        super().__init__(" ".join(problem.message for problem in self.problems))


def refused(path: str, message: str, *, status: int = 400) -> Refused:
    """The refusal for one reason."""
    return Refused([Problem((path,) if path else (), message)], status=status)


def written(path: Path) -> str:
    """A path as programs write it: ``definition.rules[0].value``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to a request that failed. None for an error of ours, which is logged and answered with 500."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"errors": [problem.as_json for problem in _problems(error)]}
    return response


def _problems(error: Exception) -> list[Problem]:
    if isinstance(error, Refused):
        return error.problems
    if isinstance(error, ValidationError):
        return list(problems_in(error.detail))
    if isinstance(error, Http404 | NotFound):
        return [Problem((), _("There is no such thing."))]
    return [Problem((), str(getattr(error, "detail", error) or _("You may not do this.")))]


def problems_in(detail: Any, path: Path = ()) -> Iterator[Problem]:
    """The problems that a serializer found, from its nested errors."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            here = path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, name)
            yield from problems_in(inner, here)
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            yield from problems_in(inner, (*path, place) if isinstance(inner, dict | list) else path)
    else:
        yield Problem(path, str(detail))

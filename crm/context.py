"""What the frame of every page needs: the theme and the navigation."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from crm.navigation import navigation_for

THEME_COOKIE = "theme"


@dataclass(frozen=True)
class Theme:
    value: str
    label: Promise
    icon: str


THEMES = (
    Theme("light", _("Light"), "sun"),
    Theme("dark", _("Dark"), "moon"),
    Theme("system", _("As the system"), "monitor"),
)
DEFAULT_THEME = "system"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor. The navigation is worked out only where it is printed: fragments have none."""
    chosen = request.COOKIES.get(THEME_COOKIE)
    return {
        "theme": chosen if chosen in {theme.value for theme in THEMES} else DEFAULT_THEME,
        "themes": THEMES,
        "navigation": SimpleLazyObject(lambda: navigation_for(request.user)),
    }

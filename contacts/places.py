"""Countries, languages and time zones: the values that contact fields choose from, named in the reader's language.

Codes and translations come from pycountry, which carries ISO 3166-1 and ISO 639.
"""

import gettext
import zoneinfo
from collections.abc import Iterable
from functools import lru_cache

import pycountry
from django.utils.translation import get_language


def countries() -> list[tuple[str, str]]:
    """ISO 3166-1 alpha-2 codes with their names in the active language, by name."""
    return _names("iso3166-1", get_language() or "en")


def languages() -> list[tuple[str, str]]:
    """ISO 639-1 codes with their names in the active language, by name."""
    return _names("iso639-3", get_language() or "en")


@lru_cache
def time_zones() -> list[tuple[str, str]]:
    """Names of the IANA time zones that belong to a place, and UTC."""
    named = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in named)]


@lru_cache(maxsize=64)
def _names(domain: str, language: str) -> list[tuple[str, str]]:
    catalogue = gettext.translation(
        domain, pycountry.LOCALES_DIR, languages=[language.replace("-", "_"), language.split("-")[0]], fallback=True
    )
    entries = pycountry.countries if domain == "iso3166-1" else pycountry.languages
    named = [
        (entry.alpha_2, catalogue.gettext(getattr(entry, "common_name", entry.name)))
        for entry in entries
        if hasattr(entry, "alpha_2")
    ]
    return sorted(named, key=lambda pair: pair[1].casefold())


def country_names(languages: Iterable[str]) -> list[tuple[str, str]]:
    """Codes of countries with their names in each of these languages."""
    return [pair for language in languages for pair in _names("iso3166-1", language)]


def country_codes_of_three_letters() -> list[tuple[str, str]]:
    """The two-letter codes of countries with those of three letters."""
    return [(country.alpha_2, country.alpha_3) for country in pycountry.countries]


def language_names(languages: Iterable[str]) -> list[tuple[str, str]]:
    """Codes of languages with their names in each of these languages."""
    return [pair for language in languages for pair in _names("iso639-3", language)]

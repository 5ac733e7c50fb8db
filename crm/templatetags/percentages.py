"""How a share is written, in pages and in texts made by code."""

from django import template
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def percent(value: float) -> str:
    """A number of percent in words, with a decimal only where there is one: "45%", "33.3%"."""
    return _("%(number)s%%") % {"number": floatformat(value, -1)}

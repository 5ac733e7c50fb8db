from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from crm.models import User


class Request(HttpRequest):
    """For the type checker: a request as views behind ``crm.roles.requires`` get it, from somebody who is signed in."""

    user: User
    htmx: HtmxDetails

"""Who asks: the key in the header ``Authorization: Bearer <key>``, and whether it has the scope.

Sessions of browsers do not count here, so a foreign page cannot make somebody's browser use the API.
"""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.api_keys import find_key
from crm.models import ApiKey


class KeyAuthentication(BaseAuthentication):
    """Finds the `ApiKey`, which is ``request.auth`` from then on. No user goes with it: keys belong to the account."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        scheme, _space, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        key = find_key(secret.decode("latin-1").strip(), now=timezone.now())
        if key is None:
            raise AuthenticationFailed(_("The API key is unknown, expired or revoked."))
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """Lets a key do what its scopes say; each `Endpoint` names the scope of its methods."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        if request.auth is None:
            return False
        if method not in view.scopes:
            return True  # no such method, which is what the answer will say
        self.message = _("The API key needs the scope %(scope)s.") % {"scope": view.scopes[method]}
        return view.scopes[method] in request.auth.scopes

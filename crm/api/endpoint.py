"""The base class of all addresses of the API."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.api.authentication import HasScope, KeyAuthentication
from crm.api.bodies import BoundedJSON
from crm.api.throttling import KeyThrottle
from crm.models import ApiKey


class Endpoint(APIView):
    """One address. ``scopes`` says which scope a key needs for each method; there are no methods besides these."""

    scopes: ClassVar[dict[str, ApiKey.Scope]] = {}
    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [KeyThrottle]
    parser_classes = [BoundedJSON]
    renderer_classes = [JSONRenderer]
    http_method_names = ["get", "head", "post", "patch", "delete"]


@extend_schema(exclude=True)
class Nothing(Endpoint):
    """Every address that there is not."""

    def get(self, request: Request) -> None:
        raise NotFound

    post = patch = delete = get
